package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota/internal/server"
)

// localData is what the commands have in common that act on a server's data on its
// own machine.
type localData struct {
	data, db, keyFile string
}

func (l *localData) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.data, "data", envOr("COTA_DATA", "./data"), "directory of the server's database and master key (COTA_DATA)")
	cmd.Flags().StringVar(&l.keyFile, "master-key-file", os.Getenv("COTA_MASTER_KEY_FILE"), "file of the server's master key, if it is not in the directory (COTA_MASTER_KEY_FILE)")
	cmd.Flags().StringVar(&l.db, "db", os.Getenv("COTA_DB"), "postgres:// address of the server's database, if it is not SQLite (COTA_DB)")
}

// options name the data.
func (l *localData) options(cmd *cobra.Command) server.Options {
	return server.Options{
		DataDir: l.data, DB: l.db, MasterKey: os.Getenv("COTA_MASTER_KEY"), MasterKeyFile: l.keyFile,
		Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// with runs fn on the data, beside a server or without one.
func (l *localData) with(cmd *cobra.Command, fn func(context.Context, *server.Local) error) error {
	ctx := cmd.Context()
	data, err := server.OpenLocal(ctx, l.options(cmd))
	if err != nil {
		return err
	}
	err = fn(ctx, data)
	if closing := data.Close(context.WithoutCancel(ctx)); err == nil {
		err = closing
	}
	return err
}

func accountRecover() *cobra.Command {
	var l localData
	cmd := &cobra.Command{
		Use:   "recover NAME",
		Short: "On the server's own machine, make a code for an account with neither phone nor authenticator",
		Long: "On the server's own machine, make a code that passes one verification of an account, whichever asks for it.\n" +
			"Run it as the user that the server runs as.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.with(cmd, func(ctx context.Context, data *server.Local) error {
				code, until, err := data.Recover(ctx, args[0])
				if err != nil {
					return err
				}
				return printTable(cmd.OutOrStdout(), nil, [][]any{{"code", code}, {"good until", moment(&until)}})
			})
		},
	}
	l.flags(cmd)
	return cmd
}
