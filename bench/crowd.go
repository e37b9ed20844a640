package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cotahq/cota/bench/load"
)

// crowd is a process that plays clients (see package load).
type crowd struct {
	*process
	jobs    *json.Encoder
	reports *json.Decoder
}

func startCrowd(ctx context.Context, r *rig) (*crowd, error) {
	p, err := startProcess(ctx, r.file("crowd.log"), []string{"GOGC=400"}, r.self, "load")
	if err != nil {
		return nil, fmt.Errorf("start a crowd: %w", err)
	}
	return &crowd{process: p, jobs: json.NewEncoder(p.in), reports: json.NewDecoder(p.out)}, nil
}

// do has the crowd do a job. Any client that fails is an error.
func (c *crowd) do(j load.Job) (load.Report, error) {
	if err := c.jobs.Encode(j); err != nil {
		return load.Report{}, fmt.Errorf("tell a crowd: %w%s", err, c.lastWords())
	}
	return c.report()
}

// expect has the crowd listen; wait returns when every client has what it
// expects.
func (c *crowd) expect(e load.Expect) (wait func() (load.Report, error), err error) {
	r, err := c.do(load.Job{Expect: &e})
	if err == nil && !r.Listening {
		err = errors.New("a crowd does not listen")
	}
	return c.report, err
}

func (c *crowd) report() (r load.Report, err error) {
	if err := c.reports.Decode(&r); err != nil {
		return r, fmt.Errorf("hear from a crowd: %w%s", err, c.lastWords())
	}
	if r.Err != "" {
		return r, fmt.Errorf("crowd: %s", r.Err)
	}
	return r, nil
}

// release has the crowd acknowledge what it held back.
func (c *crowd) release() error {
	_, err := c.do(load.Job{Release: true})
	return err
}
