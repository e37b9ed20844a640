package sim

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// Stats is what a crowd has come to. Counts only grow, except Connected.
type Stats struct {
	Devices    int
	Connected  int   // now
	Connects   int64 // accepted sign-ins, with Reconnects
	Reconnects int64
	Refused    int64 // sign-ins that the server refused
	Offers     int64 // pushes, and answers to gets that brought a configuration
	Fetched    int64 // downloads that were verified
	Retries    int64 // downloads that went wrong and were tried again
	Applied    int64 // configurations in force; by QoS 1 report, when that is acknowledged
	Failed     int64 // configurations that failed, likewise

	Latency Latency // of the devices that have applied
}

// Latency is how long devices took from the first offer of their last
// configuration until it counted as applied.
type Latency struct {
	P50, P95, P99, Max time.Duration
}

type counts struct {
	connected, connects, reconnects, refused  atomic.Int64
	offers, fetched, retries, applied, failed atomic.Int64
}

// Stats is a snapshot.
func (c *Crowd) Stats() Stats {
	s := c.counted()
	var took []int64
	for i := range c.devices {
		if d := c.devices[i].latency.Load(); d > 0 {
			took = append(took, d)
		}
	}
	slices.Sort(took)
	s.Latency = Latency{P50: percentile(took, 50), P95: percentile(took, 95), P99: percentile(took, 99), Max: percentile(took, 100)}
	return s
}

func (c *Crowd) counted() Stats {
	n := &c.counts
	return Stats{
		Devices:   len(c.devices),
		Connected: int(n.connected.Load()), Connects: n.connects.Load(), Reconnects: n.reconnects.Load(), Refused: n.refused.Load(),
		Offers: n.offers.Load(), Fetched: n.fetched.Load(), Retries: n.retries.Load(), Applied: n.applied.Load(), Failed: n.failed.Load(),
	}
}

// percentile is the least that p per cent do not exceed.
func percentile(sorted []int64, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return time.Duration(sorted[(len(sorted)*p+99)/100-1])
}

// WaitUntil waits until ok is true of the stats, in which Latency is left
// out. It returns ctx's error if that ends before, or the crowd's.
func (c *Crowd) WaitUntil(ctx context.Context, ok func(Stats) bool) error {
	changed := make(chan struct{}, 1)
	c.mu.Lock()
	c.waiting[changed] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, changed)
		c.mu.Unlock()
	}()
	for !ok(c.counted()) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// add changes a count, and wakes who waits for that.
func (c *Crowd) add(n *atomic.Int64, delta int64) {
	n.Add(delta)
	c.note()
}

func (c *Crowd) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for changed := range c.waiting {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}
