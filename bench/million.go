package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cotahq/cota/bench/load"
)

// pair is a server and the crowd that is connected to it. A process may hold
// so many files only, so a million connections are many pairs.
type pair struct {
	*contender
	cota *cotaServer
	wait func() (load.Report, error)
}

// million holds many connections by many processes, and tells them all once.
// It is run by hand: a million want 20 GB.
func million(ctx context.Context, r *rig, args []string) error {
	flags := flag.NewFlagSet("bench million", flag.ExitOnError)
	processes := flags.Int("processes", 53, "servers, each with a process of clients")
	each := flags.Int("each", 19_000, "connections of each")
	atOnce := flags.Int("at-once", 4, "crowds that connect at a time")
	flags.Parse(args)
	if *processes < 1 || *processes > 240 {
		return fmt.Errorf("-processes %d: from 1 to 240, an address block each", *processes)
	}
	data, err := newSeed(ctx, r, *each, *each)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	free := available()
	all := make([]*pair, *processes)
	defer func() {
		for _, p := range all {
			if p != nil {
				p.stop() // what it says does not matter any more
			}
		}
	}()
	for i := range all {
		s := &cotaServer{seed: data, size: smallFile}
		all[i] = &pair{contender: &contender{server: s}, cota: s}
		if err := s.start(ctx, r); err != nil {
			return fmt.Errorf("server %d: %w", i, err)
		}
	}
	total := *processes * *each
	fmt.Printf("%d servers are up; %s connections are made\n", len(all), thousands(int64(total)))
	took, err := connectPairs(ctx, r, all, *each, *atOnce)
	if err != nil {
		return err
	}
	spent, resident, err := weigh(all)
	if err != nil {
		return err
	}
	fmt.Printf("connected   %.0f s (a million: aim 80 s), %.0f us of server CPU each\n", took.Seconds(), micros(spent, total))
	fmt.Printf("memory      servers %.1f GB resident, %.0f B a connection; everything, kernel and clients too, %.1f GB\n",
		resident/1e9, resident/float64(total), (free-available())/1e9)
	return tellPairs(ctx, all, *each)
}

// connectPairs connects the crowds, a few at a time.
func connectPairs(ctx context.Context, r *rig, all []*pair, each, atOnce int) (time.Duration, error) {
	for _, p := range all {
		crowd, err := startCrowd(ctx, r)
		if err != nil {
			return 0, err
		}
		p.crowd = crowd
	}
	begun := time.Now()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, p := range all {
		group.Go(func() error {
			how := p.connect()
			how.Count, how.Source = each, byte(i+10)
			_, err := p.crowd.do(load.Job{Connect: &how})
			return err
		})
	}
	err := group.Wait()
	return time.Since(begun), err
}

// weigh is what the servers have spent, and what they occupy.
func weigh(all []*pair) (spent time.Duration, resident float64, err error) {
	for _, p := range all {
		cpu, err := p.cota.p.cpu()
		if err != nil {
			return 0, 0, err
		}
		memory, err := p.cota.p.resident()
		if err != nil {
			return 0, 0, err
		}
		spent, resident = spent+cpu, resident+memory
	}
	return spent, resident, nil
}

// tellPairs pushes to everybody.
func tellPairs(ctx context.Context, all []*pair, each int) (err error) {
	for _, p := range all {
		if err := p.prepare(ctx); err != nil {
			return err
		}
		if p.wait, err = p.crowd.expect(load.Expect{}); err != nil {
			return err
		}
	}
	before, _, err := weigh(all)
	if err != nil {
		return err
	}
	ordered := time.Now()
	var orders, told errgroup.Group
	for _, p := range all {
		orders.Go(func() error { return p.tell(ctx, 1) })
	}
	if err := orders.Wait(); err != nil {
		return err
	}
	last := make([]int64, len(all))
	for i, p := range all {
		told.Go(func() error {
			report, err := p.wait()
			last[i] = report.At.Max
			return err
		})
	}
	if err := told.Wait(); err != nil {
		return err
	}
	end := ordered.UnixNano()
	for _, at := range last {
		end = max(end, at)
	}
	for _, p := range all {
		if err := p.told(ctx, each); err != nil {
			return err
		}
	}
	after, _, err := weigh(all)
	if err != nil {
		return err
	}
	fmt.Printf("told        %.1f s (a million: aim 10 s), and on record after %.1f s; %.0f us of server CPU each\n",
		time.Duration(end-ordered.UnixNano()).Seconds(), time.Since(ordered).Seconds(), micros(after-before, each*len(all)))
	return nil
}

// available is the memory that this machine has left, in bytes.
func available() float64 {
	kb, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemAvailable"), " kB"), 64)
	if err != nil {
		return 0
	}
	return kb * 1024
}
