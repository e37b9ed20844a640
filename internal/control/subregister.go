package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Registered is a device that was given a secret.
type Registered struct {
	Device        int64
	Product, Name string
	Secret        string
}

// RegisterBehind gives listed devices new secrets, for a gateway to hand on: all
// of them, or none, and then bad says because of which. The gateway is vouched
// for by its own sign-in and needs no ProductSecret, as the vendor has it; so the
// devices must be of products in the gateway's own instance. It refuses as
// Register does, and with Invalid the gateway itself.
func (c *Control) RegisterBehind(ctx context.Context, gateway *Device, all []Subdevice) (got []Registered, bad int, err error) {
	if err := c.flush(ctx); err != nil { // who was let in before is activated
		return nil, 0, err
	}
	err = c.store.Update(ctx, func(tx *store.Tx) error {
		of, err := tx.Product(ctx, gateway.Product)
		if err != nil {
			return err
		}
		got = make([]Registered, len(all))
		for bad = range all {
			if got[bad], err = registerBehind(ctx, tx, gateway, of.Instance, all[bad]); err != nil {
				return err
			}
		}
		return nil
	})
	return got, bad, err
}

func registerBehind(ctx context.Context, tx *store.Tx, gateway *Device, instance string, s Subdevice) (r Registered, err error) {
	p, err := tx.Product(ctx, s.Product)
	switch {
	case cota.CodeOf(err) == cota.NotFound, err == nil && p.Instance != instance:
		return r, ErrProductUnknown
	case err != nil:
		return r, err
	case !p.DynamicRegistration:
		return r, ErrRegistrationOff
	}
	d, err := tx.Device(ctx, s.Product, s.Name)
	switch {
	case cota.CodeOf(err) == cota.NotFound:
		return r, ErrNotListed
	case err != nil:
		return r, err
	case d.ID == gateway.ID:
		return r, errOfItself
	case d.Disabled:
		return r, errDisabled(s.Name)
	case d.Activated:
		return r, ErrActivated
	}
	r = Registered{d.ID, s.Product, s.Name, cota.NewDeviceSecret()}
	tx.Note(store.Note{Product: s.Product, Device: d.ID}) // nobody stays signed in by the secret before
	if err := tx.SetDeviceSecret(ctx, d.ID, s.Product, s.Name, r.Secret, secretTime(d)); err != nil {
		return r, err
	}
	from := "gateway " + gateway.Product + "/" + gateway.Name
	return r, tx.AddEvent(ctx, d.ID, cota.Event{At: time.Now(), Kind: cota.EventRegistered, Detail: from})
}
