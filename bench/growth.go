package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cotahq/cota/bench/load"
	"github.com/cotahq/cota/client"
)

// connectedWhileGrown is how many devices are connected to a server of which
// the growth is measured, however many are registered.
const connectedWhileGrown = 1_000

// measureGrowth compares servers that differ in how many devices are
// registered. They are measured in turn.
func measureGrowth(ctx context.Context, r *rig) (err error) {
	if len(r.sizes.growth) == 0 {
		return nil
	}
	all, err := grown(ctx, r)
	defer func() {
		for _, g := range all {
			if g.p != nil {
				err = firstError(err, g.stop())
			}
		}
	}()
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	for _, g := range all {
		if err := g.begin(ctx, r); err != nil {
			return fmt.Errorf("%s devices: %w", g.who, err)
		}
	}
	for round := range r.sizes.rounds {
		progress("growth, round %d of %d", round+1, r.sizes.rounds)
		for i := range all {
			g := all[(i+round)%len(all)]
			if err := g.measure(ctx, r); err != nil {
				return fmt.Errorf("%s devices: %w", g.who, err)
			}
		}
	}
	return nil
}

// growth is a server with so many registered devices.
type growth struct {
	*cotaServer
	*contender
	who string // how many, in words
	dir string
}

// grown registers devices up to each of the sizes, and keeps a copy of the
// data at each.
func grown(ctx context.Context, r *rig) (all []*growth, err error) {
	first := r.sizes.growth[0]
	progress("registering %s devices", thousands(int64(first)))
	data, err := newSeed(ctx, r, first, connectedWhileGrown)
	if err != nil {
		return nil, err
	}
	for i, n := range r.sizes.growth {
		if i > 0 {
			progress("registering %s devices", thousands(int64(n)))
			if err := data.grow(ctx, r, r.sizes.growth[i-1], n); err != nil {
				return all, err
			}
		}
		at := *data
		at.dir = r.file("grown")
		if out, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", data.dir, at.dir).CombinedOutput(); err != nil {
			return all, fmt.Errorf("copy: %w: %s", err, out)
		}
		s := &cotaServer{seed: &at, size: smallFile}
		all = append(all, &growth{cotaServer: s, contender: &contender{server: s}, who: thousands(int64(n)), dir: at.dir})
	}
	return all, nil
}

// grow registers more devices. Those that can sign in are among the new ones.
func (d *seed) grow(ctx context.Context, r *rig, from, to int) error {
	s := &cotaServer{}
	if err := s.serve(ctx, r, d.dir); err != nil {
		return err
	}
	s.Client = client.New("http://"+s.http.String(), d.token)
	d.fleet = r.file("fleet.json")
	if err := d.register(ctx, s, from, to); err != nil {
		return err
	}
	return s.p.stop()
}

// begin starts the server, which is measured too, and connects a crowd.
func (g *growth) begin(ctx context.Context, r *rig) error {
	for i := range r.sizes.rounds {
		if i > 0 {
			if err := g.p.stop(); err != nil {
				return err
			}
		}
		began := time.Now()
		if err := g.serve(ctx, r, g.dir); err != nil {
			return err
		}
		r.table.add(startWall, "ms", g.who, float64(time.Since(began).Microseconds())/1e3)
		spent, err := g.p.quiet(ctx)
		if err != nil {
			return err
		}
		resident, err := g.p.resident()
		if err != nil {
			return err
		}
		r.table.add(startCPU, "ms", g.who, float64(spent.Microseconds())/1e3)
		r.table.add(startMem, "MB", g.who, resident/1e6)
	}
	g.Client = client.New("http://"+g.http.String(), g.seed.token)
	size, err := sizeOf(g.dir)
	if err != nil {
		return err
	}
	r.table.add(onDisk, "MB", g.who, size/1e6)
	g.crowd, err = startCrowd(ctx, r)
	return err
}

// sizeOf is what the files of a directory hold.
func sizeOf(dir string) (all float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all += float64(info.Size())
		return nil
	})
	return all, err
}

const (
	asked       = 100 // times a question is asked in a round
	startsAsked = 3   // pushes that are started in a round while no device is connected
)

// measure measures what is to be independent of the number of devices.
func (g *growth) measure(ctx context.Context, r *rig) error {
	names, err := g.names()
	if err != nil {
		return err
	}
	for range startsAsked {
		if err := g.prepare(ctx); err != nil {
			return err
		}
		if err := g.spent(ctx, r, pushStart, 1, func() error { return g.tell(ctx, 1) }); err != nil {
			return err
		}
	}
	how := g.connect()
	how.Count, how.Source = connectedWhileGrown, 10
	if err := g.spent(ctx, r, grownSignIn, connectedWhileGrown, func() error {
		_, err := g.crowd.do(load.Job{Connect: &how})
		return err
	}); err != nil {
		return err
	}
	if err := g.prepare(ctx); err != nil {
		return err
	}
	if err := g.started(ctx, r); err != nil {
		return err
	}
	if err := g.spent(ctx, r, grownGet, connectedWhileGrown, func() error {
		_, err := g.crowd.do(load.Job{Ask: &load.Ask{}})
		return err
	}); err != nil {
		return err
	}
	for _, q := range []struct {
		what string
		ask  func() error
	}{
		{pushQuery, func() error { _, err := g.Push(ctx, g.push); return err }},
		{devQuery, func() error { _, err := g.Device(ctx, g.seed.product, names[rand.IntN(len(names))]); return err }},
		{listQuery, func() error { return g.page(ctx, names[rand.IntN(len(names))]) }},
	} {
		if err := g.questions(ctx, r, q.what, q.ask); err != nil {
			return fmt.Errorf("%s: %w", q.what, err)
		}
	}
	_, err = g.crowd.do(load.Job{Close: true})
	return err
}

// names are devices that are registered.
func (g *growth) names() (all []string, err error) {
	text, err := os.ReadFile(g.seed.fleet)
	if err != nil {
		return nil, err
	}
	var fleet load.Fleet
	if err := json.Unmarshal(text, &fleet); err != nil {
		return nil, err
	}
	for _, d := range fleet.Devices {
		all = append(all, d.Name)
	}
	return all, nil
}

// started measures the start of a push: the request, not what follows.
func (g *growth) started(ctx context.Context, r *rig) error {
	wait, err := g.crowd.expect(load.Expect{Apply: true}) // a device that has applied is not offered it again
	if err != nil {
		return err
	}
	began := time.Now()
	if err := g.tell(ctx, 1); err != nil {
		return err
	}
	r.table.add(pushWall, "ms", g.who, float64(time.Since(began).Microseconds())/1e3)
	if _, err := wait(); err != nil {
		return err
	}
	_, err = g.p.quiet(ctx)
	return err
}

// questions asks the same over and over: the CPU of each, and how long half
// of them take at most.
func (g *growth) questions(ctx context.Context, r *rig, what string, ask func() error) error {
	var took []time.Duration
	err := g.spent(ctx, r, what, asked, func() error {
		for range asked {
			began := time.Now()
			if err := ask(); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		return nil
	})
	slices.Sort(took)
	if err == nil {
		r.table.add(strings.TrimSuffix(what, ": CPU")+": half take", "us", g.who, float64(took[len(took)/2].Microseconds()))
	}
	return err
}

// page reads the devices whose names differ from one in the last two digits.
func (g *growth) page(ctx context.Context, name string) error {
	for _, err := range g.Devices(ctx, g.seed.product, client.DeviceFilter{Prefix: name[:len(name)-2]}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// spent measures the CPU of each of n.
func (g *growth) spent(ctx context.Context, r *rig, what string, n int, do func() error) error {
	spent, err := g.p.spends(ctx, do)
	if err != nil {
		return err
	}
	r.table.add(what, "us", g.who, micros(spent, n))
	return nil
}
