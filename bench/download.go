package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota/bench/load"
)

const (
	largeFile = 64 << 10
	// linksOf is how many devices are offered a file, and so how many links
	// are fetched in turn.
	linksOf = 500
	// fetchesAtOnce is how many connections download at a time.
	fetchesAtOnce = 32
)

// measureDownload fetches files by signed links from the file door, and from
// nginx, over connections that are kept and over a new one each.
func measureDownload(ctx context.Context, r *rig) error {
	data, err := newSeed(ctx, r, linksOf, linksOf)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for round := range r.sizes.rounds {
		progress("download, round %d of %d", round+1, r.sizes.rounds)
		if err := downloadRound(ctx, r, data, round); err != nil {
			return err
		}
	}
	return nil
}

// kind is a kind of download.
type kind struct {
	what string
	size int
	keep bool
}

var kinds = []kind{
	{keptSmall, smallFile, true}, {newSmall, smallFile, false},
	{keptLarge, largeFile, true}, {newLarge, largeFile, false},
}

func downloadRound(ctx context.Context, r *rig, data *seed, round int) (err error) {
	cota := &contender{server: &cotaServer{seed: data}}
	peer, err := startNginx(ctx, r)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	defer func() { err = firstError(err, cota.stop(), peer.p.stop()) }()
	if err := cota.start(ctx, r); err != nil {
		return err
	}
	if _, err := cota.join(ctx, r, linksOf, 10); err != nil {
		return err
	}
	size := 0
	for i, k := range kinds {
		if k.size != size {
			size = k.size
			if err := cota.offer(ctx, size); err != nil {
				return fmt.Errorf("offer %d bytes: %w", size, err)
			}
		}
		list, err := peer.links(r, fmt.Sprint(size), size, linksOf)
		if err != nil {
			return err
		}
		// A crowd of its own each: the source ports of one are not those of
		// the other.
		block := byte(20 + 10*i)
		turns := []func() error{
			func() error { return r.fetch(ctx, "cota", cota.process(), cota.crowd, k, "", block) },
			func() error { return r.fetch(ctx, "nginx", peer.p, cota.crowd, k, list, block+1) },
		}
		for turn := range turns {
			if err := turns[(turn+round)%len(turns)](); err != nil {
				return fmt.Errorf("%s: %w", k.what, err)
			}
		}
	}
	return nil
}

// offer has every device of the crowd hold a link to a file of this size.
func (c *contender) offer(ctx context.Context, size int) error {
	c.server.(*cotaServer).size = size
	if err := c.prepare(ctx); err != nil {
		return err
	}
	wait, err := c.crowd.expect(load.Expect{Keep: true, Timeout: time.Minute})
	if err != nil {
		return err
	}
	if err := c.tell(ctx, 1); err != nil {
		return err
	}
	_, err = wait()
	return err
}

// fetch downloads and records what it took.
func (r *rig) fetch(ctx context.Context, who string, p *process, by *crowd, k kind, list string, block byte) error {
	job := load.Fetch{URLs: list, Count: r.sizes.downloads, AtOnce: fetchesAtOnce, KeepAlive: k.keep, Source: block}
	if k.size == largeFile {
		job.Count /= 3 // each takes longer
	}
	spent, err := p.spends(ctx, func() error {
		report, err := by.do(load.Job{Fetch: &job})
		if err == nil && report.Bytes != k.size {
			err = fmt.Errorf("%s served %d bytes, not %d", who, report.Bytes, k.size)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.table.add(k.what, "us", who, micros(spent, job.Count))
	return nil
}
