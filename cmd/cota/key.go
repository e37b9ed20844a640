package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota/internal/server"
)

// newKey makes the commands about the master key, which act on the server's own
// machine.
func newKey() *cobra.Command {
	return group("key", "The master key, which seals the secrets in the database",
		resealing("rotate", "While no server runs, give the data directory a new master key",
			"Give the data directory a new master key: it is added to master.key, every secret in the database is sealed\n"+
				"anew with it, and the key before is dropped once nothing needs it. The server must be stopped. It may be\n"+
				"interrupted at any time: everything still opens, and the next run ends it.\n\n"+
				"Keep a copy of the new master.key elsewhere, and of the old one for as long as you keep backups of before.",
			server.RotateKey, "the master key is new; keep a copy of master.key elsewhere"),
		resealing("reseal", "Seal every secret anew with the first of several master keys",
			"Seal every secret in the database anew with the first master key, where COTA_MASTER_KEY or a file hold several.\n"+
				"The others may be taken away once it has ended well. Servers may run meanwhile, if each has the same first key.\n"+
				"It may be interrupted at any time, and run again.",
			server.ResealSecrets, "the first master key alone opens everything; the others may be taken away"),
	)
}

func resealing(use, short, long string, run func(context.Context, server.Options) (int, error), end string) *cobra.Command {
	var l localData
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := run(cmd.Context(), l.options(cmd))
			if n > 0 || err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "sealed anew  %d\n", n)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), end)
			return err
		},
	}
	l.flags(cmd)
	return cmd
}
