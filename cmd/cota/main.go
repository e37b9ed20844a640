// Command cota delivers configuration to fleets of devices over the air.
//
// "cota serve" is the server; the other commands talk to one, at COTA_URL with
// COTA_TOKEN.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
)

// Exit codes.
const (
	exitOK       = 0
	exitError    = 1
	exitRefused  = 2 // by a rule
	exitNotFound = 3
	exitVerify   = 4 // a second proof is needed
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is one run of the command, and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	fmt.Fprintf(errs, "cota: %v\n", err)
	return exitCode(err)
}

func exitCode(err error) int {
	e, ok := errors.AsType[*cota.Error](err)
	if !ok {
		return exitError
	}
	switch e.Code {
	case cota.NotFound:
		return exitNotFound
	case cota.VerificationRequired, cota.CodeWrong, cota.CodeExpired:
		return exitVerify
	case cota.Exists, cota.InUse, cota.Unchanged, cota.Stale, cota.NotCurrent, cota.NoConfig, cota.Disabled,
		cota.Cooldown, cota.AlreadyPushed, cota.PushRunning, cota.NotRunning, cota.Forbidden, cota.WrongPassword:
		return exitRefused
	}
	return exitError
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "cota",
		Short: "Configuration over the air for fleets of devices",
		Long: "cota delivers configuration to fleets of devices: an operator saves a JSON template as a version,\n" +
			"pushes it, and every device of the product is told, downloads it and says what became of it.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	var c cli
	c.flags(root)
	root.AddCommand(newServe(), newVersion(),
		c.newInstance(), c.newProduct(), c.newDevice(), c.newConfig(), c.newPush(),
		c.newAccount(), c.newToken(), c.newAudit(), newKey(),
		c.newBackup(), c.newRestore(), c.newDoctor(), c.newSim(), c.newAgent())
	return root
}
