package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/bench/load"
)

// measureConverge has every device of a product told, download 4 KB over a
// new connection, check them and report, until that is on disk; and the same
// with the 4 KB in the push itself.
func measureConverge(ctx context.Context, r *rig) error {
	n := r.sizes.converging
	data, err := newSeed(ctx, r, n, n)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for round := range r.sizes.rounds {
		progress("convergence, round %d of %d", round+1, r.sizes.rounds)
		for turn := range 2 {
			inline := (turn+round)%2 == 1
			if err := convergeRound(ctx, r, data, n, inline); err != nil {
				return err
			}
		}
	}
	return nil
}

// convergences is how many pushes converge in a round.
const convergences = 2

func convergeRound(ctx context.Context, r *rig, data *seed, n int, inline bool) (err error) {
	server := &cotaServer{seed: data, size: smallFile, inline: inline}
	c := &contender{server: server}
	defer func() { err = firstError(err, c.stop()) }()
	if err := c.start(ctx, r); err != nil {
		return err
	}
	if _, err := c.join(ctx, r, n, 10); err != nil {
		return err
	}
	for range convergences {
		took, ordered, report, err := converge(ctx, c, server, n)
		if err != nil {
			return err
		}
		if inline {
			recordInline(r.table, n, took, report)
			continue
		}
		after := func(at int64) float64 { return float64(at-ordered.UnixNano()) / 1e6 }
		r.table.add(convergeCPU, "us", "cota", micros(took, n))
		r.table.add(convergeRate, "/s", "cota", float64(n)/(after(report.At.Max)/1e3))
		r.table.add(convergeLatency, "ms", "cota", after(report.At.P99))
	}
	r.table.note(convergeCPU, "us", fmt.Sprintf("%d devices of one process; from the order until all reports are committed", n))
	return nil
}

// recordInline records a convergence of devices that take files in the push.
func recordInline(t *table, n int, took time.Duration, report load.Report) {
	if report.Inline < n {
		t.note(convergeInline, "us", "this cota sends links to devices that take files in the push")
		return
	}
	t.add(convergeInline, "us", "cota", micros(took, n))
}

// converge is one push, until every device is on record with it.
func converge(ctx context.Context, c *contender, s *cotaServer, n int) (took time.Duration, ordered time.Time, report load.Report, err error) {
	if err = c.prepare(ctx); err != nil {
		return
	}
	before, err := s.p.quiet(ctx)
	if err != nil {
		return
	}
	wait, err := c.crowd.expect(load.Expect{Apply: true})
	if err != nil {
		return
	}
	ordered = time.Now()
	if err = c.tell(ctx, 1); err != nil {
		return
	}
	if report, err = wait(); err != nil {
		return
	}
	if err = s.progress(ctx, func(p cota.Push) bool { return int(p.Applied) == n }); err != nil {
		return
	}
	after, err := s.p.quiet(ctx)
	return after - before, ordered, report, err
}
