package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profile gets a profile of the server by its name.
func (s *cotaServer) profile(ctx context.Context, name string, to io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/%s", s.pprof, name), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("profile %s: %s", name, resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// profileAll writes a CPU profile and an allocation profile of fan-outs, and
// of whole convergences, and says what is on top of each.
func profileAll(ctx context.Context, r *rig, args []string) error {
	flags := flag.NewFlagSet("bench profile", flag.ExitOnError)
	n := flags.Int("n", 5000, "connections")
	registered := flags.Int("registered", 0, "devices among which they are evenly spread (default as many)")
	dir := flags.String("results", "results/profile", "directory to write the profiles to")
	flags.Parse(args)
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	data, err := newSeed(ctx, r, max(*n, *registered), *n)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	r.sizes = sizes{connections: *n}
	for _, p := range []struct {
		name string
		run  func(context.Context, *contender) error
	}{
		{"signin", func(ctx context.Context, c *contender) error {
			_, err := c.join(ctx, r, *n, 10)
			return err
		}},
		{"fanout", func(ctx context.Context, c *contender) error { return c.wave(ctx, r, 1) }},
		{"converge", func(ctx context.Context, c *contender) error {
			_, _, _, err := converge(ctx, c, c.server.(*cotaServer), *n)
			return err
		}},
	} {
		progress("profile of %s", p.name)
		if err := profileOne(ctx, r, data, filepath.Join(*dir, p.name), p.run); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// profiledFor is how long a profile of CPU lasts.
const profiledFor = 10 * time.Second

// profileOne runs again and again for the time of a profile, in a new server.
func profileOne(ctx context.Context, r *rig, data *seed, to string, run func(context.Context, *contender) error) (err error) {
	s := &cotaServer{seed: data, size: smallFile, profiled: true}
	c := &contender{server: s}
	defer func() { err = firstError(err, c.stop()) }()
	if err := c.start(ctx, r); err != nil {
		return err
	}
	signIn := filepath.Base(to) == "signin"
	if !signIn {
		if _, err := c.join(ctx, r, r.sizes.connections, 10); err != nil {
			return err
		}
		if _, err := s.p.quiet(ctx); err != nil {
			return err
		}
	}
	before, cpu, after := to+".before.pb.gz", to+".cpu.pb.gz", to+".allocs.pb.gz"
	if err := s.save(ctx, "allocs?gc=1", before); err != nil {
		return err
	}
	defer os.Remove(before)
	saved := make(chan error, 1)
	go func() { saved <- s.save(ctx, fmt.Sprintf("profile?seconds=%d", profiledFor/time.Second), cpu) }()
	times := 0
	for begun := time.Now(); time.Since(begun) < profiledFor; times++ {
		if signIn && times > 0 {
			if err := c.crowd.stop(); err != nil {
				return err
			}
		}
		if err := run(ctx, c); err != nil {
			return err
		}
	}
	if err := <-saved; err != nil {
		return err
	}
	if err := s.save(ctx, "allocs?gc=1", after); err != nil {
		return err
	}
	fmt.Printf("%s, %d times %d devices\n", filepath.Base(to), times, r.sizes.connections)
	for _, top := range [][]string{
		{"-top", "-nodecount=25", cpu},
		{"-top", "-cum", "-nodecount=45", cpu},
		{"-top", "-sample_index=alloc_space", "-nodecount=25", "-base", before, after},
	} {
		text, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof"}, top...)...).Output()
		if err != nil {
			return fmt.Errorf("go tool pprof: %w", err)
		}
		fmt.Printf("\n%s\n", bytes.TrimSpace(text))
	}
	return nil
}

// save writes a profile to a file.
func (s *cotaServer) save(ctx context.Context, name, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.profile(ctx, name, file)
}
