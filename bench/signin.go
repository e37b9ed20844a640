package main

import (
	"context"
	"fmt"
)

// measureSignIn has devices sign in, and subscribe, that are spread evenly over
// all that are registered, so that each is looked up on a page of its own.
// Then it tells them all: what that costs where hardly two devices that are
// connected are neighbours.
func measureSignIn(ctx context.Context, r *rig) error {
	n := r.sizes.connections
	data, err := newSeed(ctx, r, max(n, r.sizes.registered), n)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for round := range r.sizes.rounds {
		progress("sign-in, round %d of %d", round+1, r.sizes.rounds)
		servers := []server{
			&cotaServer{seed: data, size: smallFile},
			&floor{size: messageSize},
			&broker{called: "mosquitto", most: 1, run: runMosquitto, size: messageSize},
		}
		if r.sizes.peers {
			servers = append(servers,
				&broker{called: "mochi", most: 1, run: runMochi, size: messageSize},
				&broker{called: "nats", most: 0, run: runNATS, size: messageSize})
		}
		for i := range servers {
			if err := r.signIns(ctx, &contender{server: servers[(i+round)%len(servers)]}); err != nil {
				return fmt.Errorf("%s: %w", servers[i].name(), err)
			}
		}
	}
	return nil
}

// signIns is one life of a server.
func (r *rig) signIns(ctx context.Context, c *contender) (err error) {
	defer func() { err = firstError(err, c.stop()) }()
	joined, err := c.begin(ctx, r, 10, idleSpread)
	if err != nil {
		return err
	}
	r.table.note(idleSpread, "B", "with what SQLite keeps once it has looked all over the database, which does not grow with the connections")
	r.table.add(signInCPU, "us", c.name(), joined.cpu)
	if c.name() != "C" {
		r.table.add(signInLatency, "ms", c.name(), float64(joined.Took.P99)/1e6)
	}
	if c.name() == "cota" {
		return r.tellSpread(ctx, c)
	}
	return nil
}

// tellSpread is a fan-out to devices that are no neighbours.
func (r *rig) tellSpread(ctx context.Context, c *contender) error {
	n := r.sizes.connections
	if err := c.prepare(ctx); err != nil {
		return err
	}
	spent, err := c.process().spends(ctx, func() error {
		if err := c.tell(ctx, 1); err != nil {
			return err
		}
		return c.told(ctx, n)
	})
	if err != nil {
		return err
	}
	r.table.add(fanOut1Spread, "us", c.name(), micros(spent, n))
	r.table.note(fanOut1Spread, "us", fmt.Sprintf("%d of %d registered, evenly spread", n, max(n, r.sizes.registered)))
	return nil
}
