package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Offer is a configuration that a device is offered: by a push, or because it
// asked.
type Offer struct {
	Push    int64         // 0: not part of a push
	Version *cota.Version // with its content, if that is no larger than KeptContent
	Expires time.Time     // of the link
}

// LinkURL is what stands before the token in every link.
func (c *Control) LinkURL() string { return c.linkURL }

// AppendToken appends the token of d's own link to what o offers.
func (c *Control) AppendToken(dst []byte, d *Device, o Offer) []byte {
	return c.signer.AppendToken(dst, cota.Grant{
		Product: d.Product, Version: o.Version.Number, Device: d.ID, Push: o.Push, Expires: o.Expires,
	})
}

// Supply runs send with what the devices of a product are to be offered now;
// with a zero Offer if that is nothing. For as long as send runs the offer
// stays true: a command that ends it waits. So send must be short.
func (c *Control) Supply(ctx context.Context, product string, send func(Offer) error) error {
	l := c.line(product)
	l.sending.RLock()
	defer l.sending.RUnlock()
	f, err := c.Facts(ctx, product)
	if err != nil {
		return err
	}
	return send(f.offer())
}

// SupplyNow is Supply for callers that must not wait. It reports whether it ran
// send: not if a command is about to change the facts, or if they have to be
// looked up.
func (c *Control) SupplyNow(product string, send func(Offer) error) (did bool, err error) {
	l := c.line(product)
	if !l.sending.TryRLock() {
		return false, nil
	}
	defer l.sending.RUnlock()
	f := l.facts.Load()
	if f == nil {
		return false, nil
	}
	return true, send(f.offer())
}

// offer is what devices are to be offered.
func (f *Facts) offer() Offer {
	if !f.Enabled || f.Push == 0 {
		return Offer{}
	}
	return Offer{Push: f.Push, Version: f.Pushed, Expires: time.Now().Add(f.Policy.Link())}
}

// Sent records that d was sent o, which is part of a push.
func (c *Control) Sent(ctx context.Context, d *Device, o Offer) error {
	return c.store.Record(ctx, store.Report{
		Device: d.ID, At: time.Now(), Kind: cota.EventKind(cota.Sent.String()),
		Push: o.Push, Version: o.Version.Number, Rung: cota.Sent,
	})
}

// ConfigFor answers a device that asks for its configuration: it runs send
// with the product's current version, after it is on record that the device
// was offered it, with the properties of its question. It refuses with Disabled if the switch is off and with
// NoConfig if nothing was saved. As in Supply, the offer stays true while send
// runs. It waits for a commit, and refuses with Unavailable if that does not
// come in time.
func (c *Control) ConfigFor(ctx context.Context, d *Device, properties []cota.Property, send func(Offer) error) error {
	for {
		f, err := c.mayGet(ctx, d.Product)
		if err != nil {
			return err
		}
		if err := c.recordAsked(ctx, d, properties, f); err != nil {
			return err
		}
		if done, err := c.answer(ctx, d, f.Current.Number, send); done || err != nil {
			return err
		}
		// Somebody saved meanwhile: what is on record is not what is current.
	}
}

func (c *Control) answer(ctx context.Context, d *Device, recorded int64, send func(Offer) error) (done bool, err error) {
	l := c.line(d.Product)
	l.sending.RLock()
	defer l.sending.RUnlock()
	f, err := c.mayGet(ctx, d.Product)
	if err != nil || f.Current.Number != recorded {
		return false, err
	}
	return true, send(Offer{Push: f.pushOf(f.Current), Version: f.Current, Expires: time.Now().Add(f.Policy.Link())})
}

// mayGet are the facts of a product whose devices may ask.
func (c *Control) mayGet(ctx context.Context, product string) (*Facts, error) {
	f, err := c.Facts(ctx, product)
	switch {
	case err != nil:
		return nil, err
	case !f.Enabled:
		return nil, errSwitchedOff
	case f.Current == nil:
		return nil, cota.Errorf(cota.NoConfig, "product %s has no configuration", product)
	}
	return f, nil
}

var errSwitchedOff = cota.Errorf(cota.Disabled, "remote configuration is switched off for this product")

// pushOf is the push that a version of the product is delivered by now; 0 if
// by none.
func (f *Facts) pushOf(v *cota.Version) int64 {
	if f.Push != 0 && f.Pushed.Number == v.Number {
		return f.Push
	}
	return 0
}

func (c *Control) recordAsked(ctx context.Context, d *Device, properties []cota.Property, f *Facts) error {
	r := store.Report{Device: d.ID, At: time.Now(), Kind: cota.EventAsked, Properties: properties}
	if push := f.pushOf(f.Current); push != 0 {
		r.Push, r.Version, r.Rung = push, f.Current.Number, cota.Sent
	} else {
		r.Offered = f.Current.Number
	}
	return c.recordAndWait(ctx, r)
}

// recordAndWait waits for no longer than patience.
func (c *Control) recordAndWait(ctx context.Context, r store.Report) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	done := make(chan error, 1)
	r.Done = func(err error) { done <- err }
	if err := c.store.Record(ctx, r); err != nil {
		return c.impatient(ctx, err)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return c.impatient(ctx, ctx.Err())
	}
}
