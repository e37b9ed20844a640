package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// StartPush starts a Batch Update of a product's current version, within the
// rules of Policy.CheckPush. asked, unless 0, must be that version. It writes
// one row however many devices there are, and supersedes the push before.
// Two pushes started at the same moment on two nodes: one is refused with
// PushRunning.
func (c *Control) StartPush(ctx context.Context, by Actor, product string, asked int64) (push cota.Push, err error) {
	if err := c.mayStart(ctx, by); err != nil {
		return push, err
	}
	release, err := c.hold(ctx, product)
	if err != nil {
		return push, err
	}
	defer release()
	err = c.change(ctx, by, "push.start", product, func(tx *store.Tx) (string, error) {
		p, err := tx.Product(ctx, product)
		if err != nil {
			return "", err
		}
		now := time.Now()
		if err := c.mayPush(ctx, tx, p, asked, now); err != nil {
			return "", err
		}
		if _, err := tx.EndPush(ctx, product, cota.Superseded, "", now); err != nil {
			return "", err
		}
		if err := c.retire(ctx, tx, p, now); err != nil {
			return "", err
		}
		push = cota.Push{Product: product, ProductName: p.Name, Version: p.Current, StartedBy: by.Name, StartedAt: now}
		if err := tx.AddPush(ctx, &push); err != nil {
			return "", err
		}
		p.Push, p.UpdatedAt = push.No, now
		tx.Note(store.Note{Product: product})
		return fmt.Sprintf("push %d, version %d, %d devices", push.No, push.Version, push.Total), tx.SetProduct(ctx, p)
	})
	if err = c.taken(err, cota.PushRunning, "another push of this product was started at the same moment"); err != nil {
		return cota.Push{}, err
	}
	c.log.Info("push started", "push", push.No, "product", product, "version", push.Version, "devices", push.Total, "by", by.Name)
	return push, nil
}

// mayPush applies the rules to what is on record.
func (c *Control) mayPush(ctx context.Context, tx *store.Tx, p cota.Product, asked int64, now time.Time) error {
	facts := cota.PushFacts{Enabled: p.Enabled, Current: p.Current, Asked: asked}
	if p.Current != 0 {
		current, err := tx.VersionHead(ctx, p.Key, p.Current)
		if err != nil {
			return err
		}
		facts.Pushed = current.Pushed
	}
	told, err := tx.LastTold(ctx, p.Key)
	if err != nil {
		return err
	}
	if told != nil {
		facts.LastPush = told.StartedAt
	}
	return p.Policy.CheckPush(facts, now)
}

// StopPush stops a running push: once it has returned, nothing more is sent.
// Devices keep what they have.
func (c *Control) StopPush(ctx context.Context, by Actor, no int64, reason string) (push cota.Push, err error) {
	if err := cota.CheckNote("the reason", reason); err != nil {
		return push, err
	}
	if push, err = c.store.Push(ctx, no); err != nil {
		return push, err
	}
	product := push.Product // push is not to be read in what may run again
	release, err := c.hold(ctx, product)
	if err != nil {
		return push, err
	}
	defer release()
	err = c.change(ctx, by, "push.stop", product, func(tx *store.Tx) (string, error) {
		p, err := tx.Product(ctx, product)
		if err != nil {
			return "", err
		}
		if push, err = tx.Push(ctx, no); err != nil {
			return "", err
		}
		if push.State != cota.Running {
			return "", cota.Errorf(cota.NotRunning, "push %d is %s already", no, push.State)
		}
		p.UpdatedAt = time.Now()
		tx.Note(store.Note{Product: p.Key})
		if err := c.halt(ctx, tx, &p, reason); err != nil {
			return "", err
		}
		if push, err = tx.Push(ctx, no); err != nil {
			return "", err
		}
		return fmt.Sprintf("push %d: %s", no, reason), tx.SetProduct(ctx, p)
	})
	if err == nil {
		c.log.Info("push stopped", "push", no, "product", product, "by", by.Name)
	}
	return push, err
}

// halt ends the running push of p, if any, and leaves its devices with
// nothing to converge to. The caller writes p.
func (c *Control) halt(ctx context.Context, tx *store.Tx, p *cota.Product, reason string) error {
	if _, err := tx.EndPush(ctx, p.Key, cota.Stopped, reason, p.UpdatedAt); err != nil {
		return err
	}
	err := c.retire(ctx, tx, *p, p.UpdatedAt)
	p.Push = 0
	return err
}

// retire keeps the version that p's devices converged to for as long as links
// to it may live.
func (c *Control) retire(ctx context.Context, tx *store.Tx, p cota.Product, now time.Time) error {
	if p.Push == 0 {
		return nil
	}
	old, err := tx.Push(ctx, p.Push)
	if err != nil {
		return err
	}
	return tx.KeepVersions(ctx, p.Key, now.Add(p.Policy.Link()), old.Version)
}
