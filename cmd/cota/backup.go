package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota/internal/server"
)

// newBackup, newRestore and newDoctor make the commands that keep a server's
// data, which act on its own machine.

func (c *cli) newBackup() *cobra.Command {
	var l localData
	var b server.BackupOptions
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "On the server's own machine, write its data to a file, while it serves or not",
		Long: "Write the data of a server to a file, as it is at one moment, while the server runs or not. Run it as the user\n" +
			"that the server runs as. The file is there whole or not at all, and only its owner may read it.\n\n" +
			"The master key is not in it, unless --with-key says so: without that key no secret in the backup opens, and whoever\n" +
			"has both has every secret. Keep a copy of the key in another place than the backups.\n\n" +
			"With PostgreSQL, use pg_dump.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.File = args[0]
			o := l.options(cmd)
			o.Version = version()
			done, err := server.Backup(cmd.Context(), o, b)
			if err != nil {
				return err
			}
			key := "NOT IN THE BACKUP: keep a copy of it elsewhere; without it no secret in the backup opens"
			if done.WithKey {
				key = "IN THE BACKUP: whoever reads the file has every secret"
			}
			return c.printFields(cmd, done, fields{
				{"backup", done.File}, {"made at", moment(&done.MadeAt)},
				{"database", fmt.Sprintf("%d bytes, schema %d", done.Size, done.Schema)}, {"master key", key},
			})
		},
	}
	l.flags(cmd)
	cmd.Flags().BoolVar(&b.WithKey, "with-key", false, "have the master key in the file as well: whoever reads it then has every secret")
	cmd.Flags().BoolVar(&b.Overwrite, "overwrite", false, "replace the file if it is there already")
	return cmd
}

func (c *cli) newRestore() *cobra.Command {
	var l localData
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data directory of a backup",
		Long: "Make the data directory that --data names of a backup. It must be empty or not there, but for a master.key that\n" +
			"you may have put there. A file that is damaged, cut off, or of a newer cota is refused. It may be interrupted, and\n" +
			"run again.\n\n" +
			"The server then knows nothing of what came after the backup. All sessions are ended; tokens, accounts and secrets\n" +
			"that were removed since the backup are back: look through them.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := server.Restore(cmd.Context(), l.options(cmd), args[0])
			if err != nil {
				return err
			}
			key := "it opens what was restored"
			if !r.HasKey {
				key = "MISSING: put master.key into the directory before you serve, or name it"
			}
			return c.printFields(cmd, r, fields{
				{"restored", l.data}, {"as of", moment(&r.MadeAt)}, {"database", fmt.Sprintf("%d bytes, schema %d", r.Size, r.Schema)},
				{"master key", key},
			})
		},
	}
	l.flags(cmd)
	return cmd
}

func (c *cli) newDoctor() *cobra.Command {
	var l localData
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "On the server's own machine, look at its data and say what is wrong",
		Long: "Look at the data of a server, while it runs or not, and say in words what is wrong: files that others can read,\n" +
			"damage, counts that differ from a recount, configurations that changed, secrets that do not open with the master\n" +
			"key, a clock behind the newest record. Nothing is changed.\n\n" +
			"It exits with 0 if nothing is wrong, and with 1 otherwise.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := server.Examine(cmd.Context(), l.options(cmd))
			wrong := 0
			rows := make([][]any, len(findings))
			for i, f := range findings {
				rows[i] = []any{f.Verdict, f.About, f.Text}
				if f.Verdict == server.Wrong {
					wrong++
				}
			}
			if err := c.print(cmd, findings, nil, rows); err != nil {
				return err
			}
			switch wrong {
			case 0:
				return nil
			case 1:
				return errors.New("one thing is wrong")
			}
			return fmt.Errorf("%d things are wrong", wrong)
		},
	}
	l.flags(cmd)
	return cmd
}
