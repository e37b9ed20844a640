package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Word is a device's own word on a configuration.
type Word struct {
	// What it speaks of, by one of these: a configuration by its ConfigID, a
	// version, or what a push delivers.
	ConfigID string
	Version  int64
	Push     int64

	Rung     cota.Rung // Received, Fetched if that held the file, Applied or Failed
	Reverted bool      // Failed: it was applied and taken back
	Code     int       // the device's reason of a failure
	Detail   string

	Properties []cota.Property // that came with it
}

// Report records what a device says. done, unless it is nil, is called once it
// is on disk, or with an error if it never will be; it must not block. An error returned
// means that done will not be called. What a device says of a configuration
// that its product does not have, or has no more, changes nothing and is not
// recorded.
func (c *Control) Report(ctx context.Context, d *Device, w Word, done func(error)) error {
	r := w.report(d, done)
	known, err := c.resolveInTime(ctx, d, w, &r)
	if err != nil {
		return err
	}
	if !known {
		// Not a line in the timeline: a device could fill the disk with them.
		c.log.Debug("device spoke of an unknown configuration", "product", d.Product, "device", d.Name)
		if done != nil {
			done(nil)
		}
		return nil
	}
	return c.store.Record(ctx, r)
}

// ReportNow is Report for callers that must not wait. It reports whether it did
// it; if not, nothing has happened: something has to be looked up, or too much
// waits to be recorded.
func (c *Control) ReportNow(d *Device, w Word, done func(error)) bool {
	f := c.remembered(d.Product)
	if f == nil {
		return false
	}
	v := f.spokenOf(&w)
	if v == nil || f.pushOf(v) == 0 {
		return false
	}
	r := w.report(d, done)
	r.Version = v.Number
	if w.Rung == cota.Applied {
		r.ConfigID = v.ConfigID
	}
	r.Push = f.pushOf(v)
	return c.store.TryRecord(r)
}

// report is what w says of d, but for what it speaks of.
func (w *Word) report(d *Device, done func(error)) store.Report {
	r := store.Report{
		Device: d.ID, At: time.Now(), Kind: cota.EventKind(w.Rung.String()), Code: w.Code, Detail: w.Detail,
		Rung: w.Rung, Reverted: w.Reverted, Properties: w.Properties, Done: done,
	}
	if w.Reverted {
		r.Kind = cota.EventReverted
	}
	return r
}

// Word on a configuration that is not remembered waits for a database that does
// not answer: an error would end the connection of each device that speaks,
// and all of them would sign in again when the database is back.
const (
	resolveWithin = time.Minute
	resolveEvery  = 250 * time.Millisecond
)

// resolveInTime is resolve, tried again while the database is in trouble.
func (c *Control) resolveInTime(ctx context.Context, d *Device, w Word, r *store.Report) (known bool, err error) {
	for until := time.Now().Add(resolveWithin); ; {
		known, err = c.resolve(ctx, d, w, r)
		if cota.CodeOf(c.store.Trouble(err)) != cota.Unavailable || time.Now().After(until) {
			return known, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(resolveEvery):
		}
	}
}

// resolve finds what w speaks of and says whether there is such a thing. A
// version is delivered by one push at most, so it is that push that the word
// counts for, however the device came by the version.
func (c *Control) resolve(ctx context.Context, d *Device, w Word, r *store.Report) (known bool, err error) {
	f, err := c.Facts(ctx, d.Product)
	if err != nil {
		return false, err
	}
	v, err := c.spokenOf(ctx, d, w, f)
	switch {
	case cota.CodeOf(err) == cota.NotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	r.Version = v.Number
	if w.Rung == cota.Applied {
		r.ConfigID = v.ConfigID
	}
	if r.Push = f.pushOf(&v); r.Push == 0 {
		r.Push, err = c.store.PushOfVersion(ctx, d.Product, v.Number)
	}
	return true, err
}

// spokenOf is the version that w speaks of. It refuses with NotFound what
// never was, or is no longer kept.
func (c *Control) spokenOf(ctx context.Context, d *Device, w Word, f *Facts) (cota.Version, error) {
	if v := f.spokenOf(&w); v != nil {
		return *v, nil
	}
	switch {
	case w.ConfigID != "":
		return c.store.VersionByConfigID(ctx, d.Product, w.ConfigID)
	case w.Version != 0:
		return c.store.VersionHead(ctx, d.Product, w.Version)
	}
	push, err := c.store.Push(ctx, w.Push)
	switch {
	case err != nil:
		return cota.Version{}, err
	case push.Product != d.Product:
		return cota.Version{}, cota.Errorf(cota.NotFound, "push %d is of another product", w.Push)
	}
	return c.store.VersionHead(ctx, d.Product, push.Version)
}

// spokenOf is the version that w speaks of, if it is one of these.
func (f *Facts) spokenOf(w *Word) *cota.Version {
	for _, v := range []*cota.Version{f.Pushed, f.Current} {
		if v != nil && w.speaksOf(v, f) {
			return v
		}
	}
	return nil
}

func (w *Word) speaksOf(v *cota.Version, f *Facts) bool {
	switch {
	case w.ConfigID != "":
		return w.ConfigID == v.ConfigID
	case w.Version != 0:
		return w.Version == v.Number
	}
	return w.Push == f.pushOf(v)
}
