package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota/bench/load"
)

// smallFile is the size of the configurations of fan-outs and convergences.
const smallFile = 4 << 10

// messageSize is the size of the PUBLISH that the others send: as large as
// the one by which cota offers a configuration here. wave sees to it.
const messageSize = 390

// sizeMayDiffer is by how much: the length of an address changes the link.
const sizeMayDiffer = 25

// contender is a server with the crowd that is connected to it.
type contender struct {
	server
	crowd *crowd
}

// measureFanOut holds as many connections to each server as the sizes say,
// and tells them all, over and over. On the way it measures what a connection
// costs to hold. Every device of cota's product is connected.
func measureFanOut(ctx context.Context, r *rig) error {
	n := r.sizes.connections
	data, err := newSeed(ctx, r, n, n)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	for round := range r.sizes.rounds {
		servers := []server{
			&cotaServer{seed: data, size: smallFile},
			&floor{size: messageSize},
			&broker{called: "mosquitto", most: 1, run: runMosquitto, size: messageSize},
			&broker{called: "mosquitto tuned", most: 1, run: runTunedMosquitto, size: messageSize},
		}
		if r.sizes.peers {
			servers = append(servers,
				&broker{called: "mochi", most: 1, run: runMochi, size: messageSize},
				&broker{called: "nats", most: 0, run: runNATS, size: messageSize})
		}
		progress("fan-out, round %d of %d", round+1, r.sizes.rounds)
		if err := fanOutRound(ctx, r, servers, round); err != nil {
			return err
		}
	}
	return nil
}

// fanOutRound is one life of every server.
func fanOutRound(ctx context.Context, r *rig, servers []server, round int) (err error) {
	all := make([]*contender, len(servers))
	defer func() {
		for _, c := range all {
			if c != nil {
				err = firstError(err, c.stop())
			}
		}
	}()
	for i, s := range servers {
		all[i] = &contender{server: s}
		if _, err := all[i].begin(ctx, r, byte(10+10*i), idlePlain); err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
	}
	for qos := range byte(2) {
		for wave := range r.sizes.waves {
			for i := range all {
				c := all[(i+wave+round)%len(all)]
				if err := c.wave(ctx, r, qos); err != nil {
					return fmt.Errorf("%s, fan-out with QoS %d: %w", c.name(), qos, err)
				}
			}
		}
	}
	for _, c := range all {
		peak, err := c.process().peak()
		if err != nil {
			return err
		}
		r.table.add(peakRSS, "MB", c.name(), peak/1e6)
	}
	return nil
}

func (c *contender) stop() error {
	var err error
	if c.crowd != nil {
		err = c.crowd.stop()
	}
	return firstError(err, c.process().stop())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// settle is how long a server has for itself before its memory is read.
const settle = 2 * time.Second

// begin starts the server and connects the crowd. idle is the row for what a
// connection occupies.
func (c *contender) begin(ctx context.Context, r *rig, source byte, idle string) (joined joining, err error) {
	if joined, err = c.fill(ctx, r, r.sizes.connections, source, false); err != nil {
		return joined, err
	}
	r.table.add(startRSS, "MB", c.name(), joined.empty/1e6)
	r.table.add(idle, "B", c.name(), joined.each)
	if _, ok := c.server.(*broker); ok {
		_, err = c.crowd.do(load.Job{Join: fleetTopic})
	}
	return joined, err
}

// joining is what came of connecting a crowd to a server that was empty.
type joining struct {
	load.Report
	cpu   float64 // microseconds of the server's, for each
	empty float64 // bytes resident before
	each  float64 // and since then, for each
}

// fill starts the server, connects the crowd, and measures what that takes of
// the server.
func (c *contender) fill(ctx context.Context, r *rig, n int, source byte, byTLS bool) (joined joining, err error) {
	if err := c.start(ctx, r); err != nil {
		return joined, err
	}
	empty, before, err := c.atRest(ctx)
	if err != nil {
		return joined, err
	}
	if joined.Report, err = c.joinBy(ctx, r, n, source, byTLS); err != nil {
		return joined, err
	}
	after, err := c.process().quiet(ctx)
	if err != nil {
		return joined, err
	}
	if err := pause(ctx, settle); err != nil {
		return joined, err
	}
	full, _, err := c.atRest(ctx)
	if err != nil {
		return joined, err
	}
	joined.cpu, joined.empty, joined.each = micros(after-before, n), empty, (full-empty)/float64(n)
	return joined, nil
}

// join connects a crowd.
func (c *contender) join(ctx context.Context, r *rig, n int, source byte) (load.Report, error) {
	return c.joinBy(ctx, r, n, source, false)
}

func (c *contender) joinBy(ctx context.Context, r *rig, n int, source byte, byTLS bool) (report load.Report, err error) {
	if c.crowd, err = startCrowd(ctx, r); err != nil {
		return report, err
	}
	how := c.connect()
	how.Count, how.Source, how.TLS = n, source, byTLS
	return c.crowd.do(load.Job{Connect: &how})
}

// atRest is the memory and the CPU clock of the server when it is quiet.
func (c *contender) atRest(ctx context.Context) (resident float64, cpu time.Duration, err error) {
	if cpu, err = c.process().quiet(ctx); err != nil {
		return 0, 0, err
	}
	resident, err = c.process().resident()
	return resident, cpu, err
}

// micros are the microseconds of CPU for each of n.
func micros(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }

// wave tells every connection once.
func (c *contender) wave(ctx context.Context, r *rig, qos byte) error {
	if b, ok := c.server.(*broker); ok && qos > b.most {
		return nil
	}
	n := r.sizes.connections
	if err := c.prepare(ctx); err != nil {
		return err
	}
	before, err := c.process().quiet(ctx)
	if err != nil {
		return err
	}
	wait, err := c.crowd.expect(load.Expect{Hold: qos == 0, Timeout: time.Minute})
	if err != nil {
		return err
	}
	ordered := time.Now()
	if err := c.tell(ctx, qos); err != nil {
		return err
	}
	report, err := wait()
	if err != nil {
		return err
	}
	told, err := c.process().cpu()
	if err != nil {
		return err
	}
	if err := c.told(ctx, n); err != nil {
		return err
	}
	rest, err := c.process().quiet(ctx)
	if err != nil {
		return err
	}
	if d := report.Bytes - messageSize; max(d, -d) > sizeMayDiffer {
		return fmt.Errorf("messages have %d bytes; those of others %d: change messageSize", report.Bytes, messageSize)
	}
	r.recordWave(c.name(), qos, n, ordered, report, told-before, rest-before)
	if qos == 0 {
		return c.crowd.release()
	}
	return nil
}

func (r *rig) recordWave(who string, qos byte, n int, ordered time.Time, report load.Report, told, rest time.Duration) {
	t := r.table
	after := func(at int64) float64 { return float64(at-ordered.UnixNano()) / 1e6 }
	rate := float64(n) / (after(report.At.Max) / 1e3)
	if qos == 0 {
		t.add(fanOut0CPU, "us", who, micros(told, n))
		t.add(fanOut0Rest, "us", who, micros(rest, n))
		t.add(fanOut0Rate, "/s", who, rate)
		t.add(fanOut0Latency, "ms", who, after(report.At.P99))
		t.add(loadCPU, "us", who, micros(report.CPU, n))
		t.note(fanOut0CPU, "us", fmt.Sprintf("%d connections each; messages of %d bytes. cota's are QoS 1 whose PUBACK is held back: that is not in these figures. mosquitto compares each client with all before it; tuned (allow_duplicate_messages) it does not", n, messageSize))
		return
	}
	if who != "C" {
		t.add(fanOut1CPU, "us", who, micros(rest, n))
		t.add(fanOut1Told, "us", who, micros(told, n))
		t.add(fanOut1Rate, "/s", who, rate)
		t.add(fanOut1Latency, "ms", who, after(report.At.P99))
	}
}
