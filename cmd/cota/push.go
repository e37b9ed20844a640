package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newPush() *cobra.Command {
	start, list := c.pushStart(), c.pushList()
	c.productFlag(start, list)
	return group("push", "Batch Updates", start, list, c.pushShow(), c.pushWatch(), c.pushStop(), c.pushDevices())
}

func (c *cli) pushStart() *cobra.Command {
	var version int64
	var follow bool
	cmd := &cobra.Command{
		Use: "start", Short: "Push the current version to every device of a product", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				p, err := cl.StartPush(ctx, product, version)
				if err != nil {
					return err
				}
				if follow {
					return c.follow(cmd, cl, p.No)
				}
				return c.printPush(cmd, p)
			})
		},
	}
	cmd.Flags().Int64Var(&version, "version", 0, "refuse unless this is the current version")
	cmd.Flags().BoolVarP(&follow, "watch", "w", false, "show the progress until the push ends")
	return cmd
}

func (c *cli) pushWatch() *cobra.Command {
	return &cobra.Command{
		Use: "watch NUMBER", Short: "Show the progress of a push until it ends", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			no, err := parseNumber("push", args[0])
			if err != nil {
				return err
			}
			return c.follow(cmd, c.client(), no)
		},
	}
}

func (c *cli) pushShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show a push", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			no, err := parseNumber("push", args[0])
			if err != nil {
				return err
			}
			p, err := c.client().Push(cmd.Context(), no)
			if err != nil {
				return err
			}
			return c.printPush(cmd, p)
		},
	}
}

func (c *cli) pushStop() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "stop NUMBER", Short: "Stop a running push; devices keep what they have", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			no, err := parseNumber("push", args[0])
			if err != nil {
				return err
			}
			p, err := c.client().StopPush(cmd.Context(), no, reason)
			if err != nil {
				return err
			}
			return c.printPush(cmd, p)
		},
	}
	cmd.Flags().StringVarP(&reason, "reason", "m", "", "why")
	return cmd
}

func (c *cli) pushList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List pushes, newest first", Args: cobra.NoArgs}
	limit := limitFlag(cmd)
	var state string
	cmd.Flags().StringVar(&state, "state", "", "only those that are running, completed, stopped or superseded")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list := func(ctx context.Context, cl *client.Client, product string) error {
			return printList(c, cmd, cl.Pushes(ctx, client.PushFilter{Product: product, State: cota.PushState(state)}), *limit,
				[]string{"push", "productKey", "version", "state", "started", "by", "total", "pending", "applied", "failed"},
				func(p cota.Push) []any {
					return []any{p.No, p.Product, p.Version, p.State, moment(&p.StartedAt), p.StartedBy, p.Total, p.Pending, p.Applied, p.Failed}
				})
		}
		if c.product == "" {
			return list(cmd.Context(), c.client(), "")
		}
		return c.with(cmd, list)
	}
	return cmd
}

func (c *cli) pushDevices() *cobra.Command {
	var state string
	cmd := &cobra.Command{Use: "devices NUMBER", Short: "List where devices stand in a push", Args: cobra.ExactArgs(1)}
	limit := limitFlag(cmd)
	cmd.Flags().StringVar(&state, "state", "", "only those that stand here")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		no, err := parseNumber("push", args[0])
		if err != nil {
			return err
		}
		var rung *cota.Rung
		if state != "" {
			r, err := cota.ParseRung(state)
			if err != nil {
				return err
			}
			rung = &r
		}
		return printList(c, cmd, c.client().PushDevices(cmd.Context(), no, rung), *limit, deviceHeader, deviceRow)
	}
	return cmd
}

func (c *cli) printPush(cmd *cobra.Command, p cota.Push) error {
	return c.printFields(cmd, p, fields{
		{"push", p.No}, {"productKey", p.Product}, {"version", p.Version}, {"state", p.State},
		{"started", fmt.Sprintf("%s by %s", moment(&p.StartedAt), p.StartedBy)}, {"ended", moment(p.EndedAt)}, {"reason", orDash(p.Reason)},
		{"total", p.Total}, {"pending", p.Pending}, {"sent", p.Sent}, {"received", p.Received},
		{"fetched", p.Fetched}, {"applied", p.Applied}, {"failed", p.Failed},
	})
}

// follow shows the progress of a push until it ends. As JSON it prints what
// has become of it, once.
func (c *cli) follow(cmd *cobra.Command, cl *client.Client, no int64) error {
	bar := newLadder(cmd.ErrOrStderr())
	var last cota.Push
	for p, err := range cl.Watch(cmd.Context(), no) {
		if err != nil {
			bar.end()
			if cmd.Context().Err() != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "push %d goes on; see it again with: cota push watch %d\n", no, no)
			}
			return err
		}
		last = p
		bar.show(p)
	}
	bar.end()
	if c.output == "json" {
		return c.print(cmd, last, nil, nil)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), outcome(last))
	return err
}

// outcome says in a line what became of a push.
func outcome(p cota.Push) string {
	line := fmt.Sprintf("push %d: %d of %d devices applied", p.No, p.Applied, p.Total)
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d failed", p.Failed)
	}
	if p.EndedAt != nil {
		line += fmt.Sprintf(" in %.1f s", p.EndedAt.Sub(p.StartedAt).Seconds())
	}
	if p.State != cota.Completed {
		line += fmt.Sprintf(" (%s)", p.State)
	}
	return line
}

// ladder draws a push as a bar that counts the rungs: on a terminal in place,
// elsewhere a line now and then, and the last.
type ladder struct {
	out io.Writer
	bar *progressbar.ProgressBar // nil until the first push is shown, or if out is no terminal

	mu   sync.Mutex
	line string      // the last that there is; guarded by mu
	told string      // the last that was printed; guarded by mu
	next *time.Timer // prints the next; nil before the first; guarded by mu
}

// quietEvery is how often a progress that is not on a terminal is printed.
const quietEvery = 2 * time.Second

func newLadder(out io.Writer) *ladder { return &ladder{out: out} }

func (l *ladder) show(p cota.Push) {
	if !terminal(l.out) {
		l.tell(rungs(p))
		return
	}
	if l.bar == nil {
		l.bar = progressbar.NewOptions64(max(p.Total, 1),
			progressbar.OptionSetWriter(l.out), progressbar.OptionSetWidth(24), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(50*time.Millisecond))
	}
	l.bar.ChangeMax64(max(p.Total, 1))
	l.bar.Describe(rungs(p))
	l.bar.Set64(p.Done()) // its errors are those of the terminal
}

// tell prints a line: at once if none was for a while, or else in a while, if
// it is the last by then.
func (l *ladder) tell(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = line
	if l.next == nil {
		l.print()
	}
}

// print prints the last line if that is news, and looks again in a while. l.mu
// is held.
func (l *ladder) print() {
	l.next = nil
	if l.line == l.told {
		return
	}
	fmt.Fprintln(l.out, l.line)
	l.told = l.line
	l.next = time.AfterFunc(quietEvery, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.print()
	})
}

func (l *ladder) end() {
	if l.bar != nil {
		l.bar.Exit()
		fmt.Fprintln(l.out)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil {
		l.next.Stop()
		l.print()
	}
}

func rungs(p cota.Push) string {
	return fmt.Sprintf("push %d: pending %d  sent %d  received %d  fetched %d  applied %d  failed %d",
		p.No, p.Pending, p.Sent, p.Received, p.Fetched, p.Applied, p.Failed)
}

func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
