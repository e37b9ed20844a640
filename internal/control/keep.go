package control

import (
	"context"
	"time"

	"github.com/cotahq/cota/internal/store"
)

const (
	// TimelineLife is how long a device's timeline goes back.
	TimelineLife = 30 * 24 * time.Hour

	keepEvery = time.Hour
	keepPage  = 5_000 // devices whose timelines are pruned at a time
)

// Keep keeps house until ctx ends: once an hour it drops what has outlived
// its time.
func (c *Control) Keep(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.prune(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("pruning failed", "err", err)
		}
	}
}

func (c *Control) prune(ctx context.Context) error {
	now := time.Now()
	err := c.store.Update(ctx, func(tx *store.Tx) error { return tx.PruneSessions(ctx, now, c.idleSince(now)) })
	if err == nil {
		err = c.pruneVerifications(ctx, now)
	}
	for from := int64(1); from != 0 && err == nil; {
		var next int64
		err = c.store.Update(ctx, func(tx *store.Tx) (err error) {
			next, err = tx.PruneEvents(ctx, from, keepPage, now.Add(-TimelineLife))
			return err
		})
		from = next
	}
	return err
}
