package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cotahq/cota/internal/server"
)

// grace is how long a server that is told to end may take.
const grace = 4 * time.Second

// serveFlags are the flags of "cota serve".
type serveFlags struct {
	server.Options
	http, files, filesTLS string
	mqtt                  []string
	balancers             []string // networks
	pprof                 string
	fileBalancers         []string // networks
	logLevel              string
	demo                  bool
	proxies               []string // networks
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a server",
		Long: "Run a server: the management door (API, documentation, metrics), the MQTT door and the file door.\n" +
			"Each flag can also be set by COTA_NAME in the environment, such as COTA_FILES_URL for --files-url.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return serve(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.DataDir, "data", "./data", "directory of the database and the master key")
	flags.StringVar(&f.DB, "db", "", "postgres:// address of a database to use instead of SQLite")
	flags.StringVar(&f.MasterKeyFile, "master-key-file", "", "file of the master key, such as a key service mounts it; several keys stand on lines of their own, and the first seals (default master.key in --data)")
	f.doorFlags(flags)
	flags.Float64Var(&f.PushRate, "push-rate", 5000, "most push messages a second to one product's devices; 0 for no bound")
	flags.IntVar(&f.RefusalsPerAddress, "refusals-per-address", 300, "refused sign-ins, refused downloads, and refused registrations over HTTPS, a minute from one address (IPv6: /64) before it is put off; 0 for no bound")
	flags.IntVar(&f.RefusalsPerDevice, "refusals-per-device", 10, "the same of one device at one address, which uses this up first; 0 for no bound")
	flags.IntVar(&f.TakeoversPerDevice, "takeovers-per-device", 6, "times a minute that a device may sign in while it is connected, before it is put off as fighting with a copy; 0 for no bound")
	flags.StringVar(&f.pprof, "pprof", "", "loopback address for Go's profiles of the server, such as 127.0.0.1:6060; without it there are none")
	flags.IntVar(&f.Newcomers.PerProduct, "newcomers-per-product", 600, "devices a minute of one product that may register without being listed, where that is allowed; 0 for no bound")
	flags.IntVar(&f.Newcomers.PerAddress, "newcomers-per-address", 60, "the same from one address (IPv6: /64), whatever the product; 0 for no bound")
	flags.DurationVar(&f.SessionIdle, "session-idle", 2*time.Hour, "how long a session may not be used before it ends; 0 for the 12 hours that it may last at most")
	flags.StringVar(&f.logLevel, "log", "", "least level that is logged: debug, info, warn or error (default info, with --demo warn)")
	flags.BoolVar(&f.demo, "demo", false, "add a product with 200 simulated devices and push to them; sessions from this machine need no verification")
	f.verificationFlags(flags)
	return cmd
}

// fromEnvironment sets the flags that the command line did not.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "COTA_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" || f.Changed || err != nil {
			return
		}
		if flags.Set(f.Name, value) != nil {
			err = fmt.Errorf("%s in the environment has no valid value for --%s", name, f.Name)
		}
	})
	return err
}

func serve(ctx context.Context, f serveFlags, out, errs io.Writer) error {
	o := f.Options
	level := slog.LevelInfo
	if f.demo {
		level = slog.LevelWarn // a line for each request would hide the progress
	}
	if f.logLevel != "" {
		if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
			return fmt.Errorf("--log %q: use debug, info, warn or error", f.logLevel)
		}
	}
	o.Log = slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))
	o.Version = version()
	o.AdminPassword = os.Getenv("COTA_ADMIN_PASSWORD")
	o.MasterKey = os.Getenv("COTA_MASTER_KEY")
	if err := f.verification(ctx, &o); err != nil {
		return err
	}
	if f.pprof != "" {
		stop, err := profiles(f.pprof, o.Log)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := openDoors(&o, f); err != nil {
		return err
	}
	s, err := server.Open(ctx, o)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		ended <- s.Run(ctx, grace)
	}()
	go keepMemory(ctx, s, o.Log)
	if f.demo {
		err = demo(ctx, s, o, out, errs)
	}
	greet(ctx, out, s, o)
	if err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(fmt.Errorf("demo: %w", err), <-ended)
	}
	return <-ended
}

// greet says where the doors are, and the first administrator's password,
// which is shown this once.
func greet(ctx context.Context, out io.Writer, s *server.Server, o server.Options) {
	printDoors(out, s, o)
	fmt.Fprintf(out, "verification  %s\n", asksCode(ctx, s, o))
	switch {
	case s.FirstPassword == "":
	case o.AdminPassword != "":
		fmt.Fprintf(out, "first administrator: admin, with the password from COTA_ADMIN_PASSWORD\n")
	default:
		fmt.Fprintf(out, "first administrator: admin, password %s (shown only now)\n", s.FirstPassword)
	}
}
