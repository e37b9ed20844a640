// Command bench measures cota beside its peers, in one interleaved run, and
// prints one table. "make bench" and "make bench-short" build what it needs
// and run it; see the README beside it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cotahq/cota/bench/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "load" {
		return load.Serve(os.Stdin, os.Stdout)
	}
	r, err := newRig()
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	switch {
	case len(args) > 0 && args[0] == "profile":
		return profileAll(ctx, r, args[1:])
	case len(args) > 0 && args[0] == "million":
		return million(ctx, r, args[1:])
	}
	return measure(ctx, r, args)
}

// scenario is a part of a run.
type scenario struct {
	name string
	run  func(context.Context, *rig) error
}

var scenarios = []scenario{
	{"signin", measureSignIn},
	{"fanout", measureFanOut},
	{"download", measureDownload},
	{"converge", measureConverge},
	{"idle", measureIdle},
	{"parts", measureParts},
	{"growth", measureGrowth},
}

// measure runs scenarios and writes what they found.
func measure(ctx context.Context, r *rig, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	quick := flags.Bool("short", false, "measure less, in less than three minutes")
	only := flags.String("only", "", "scenarios to run, with commas between (default all)")
	connections := flags.Int("n", 0, "connections, instead of as many as usual")
	rounds := flags.Int("rounds", 0, "rounds, instead of as many as usual")
	registered := flags.String("growth", "", "numbers of registered devices for the scenario growth, with commas between")
	extra := flags.String("serve", "", "further flags for cota serve, with blanks between")
	results := flags.String("results", "results", "directory to write the table to")
	flags.Parse(args)

	r.sizes = full
	if *quick {
		r.sizes = short
	}
	r.serveFlags = strings.Fields(*extra)
	if *connections > 0 {
		r.sizes.connections, r.sizes.converging = *connections, *connections
	}
	if *rounds > 0 {
		r.sizes.rounds = *rounds
	}
	if *registered != "" {
		if err := json.Unmarshal([]byte("["+*registered+"]"), &r.sizes.growth); err != nil {
			return fmt.Errorf("-growth %q: %w", *registered, err)
		}
	}
	began, here := time.Now(), describe(ctx, r)
	var fault error
	for _, s := range scenarios {
		if *only != "" && !strings.Contains(","+*only+",", ","+s.name+",") {
			continue
		}
		if err := s.run(ctx, r); err != nil {
			fault = errors.Join(fault, fmt.Errorf("%s: %w", s.name, err))
			progress("%s: %v", s.name, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r.table.finish()
	here.Took = time.Since(began).Round(time.Second).String()
	return errors.Join(fault, write(r.table, here, *results, *quick))
}

// newRig finds the programs, which are beside this one.
func newRig() (*rig, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	bin := filepath.Dir(self)
	dir, err := os.MkdirTemp("", "cota-bench.")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	return &rig{self: self, bin: bin, cota: filepath.Join(bin, "cota"), dir: dir, table: &table{}}, nil
}

// progress says on standard error what is going on.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
