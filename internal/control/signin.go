package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Device is a device that has signed in.
type Device struct {
	ID      int64
	Product string
	Name    string
}

// Entrant is a device that is let in, and how it was found.
type Entrant struct {
	Device
	Standing  cota.Standing // where it stood then, or when it was checked again
	Elsewhere bool          // another node held a connection of it
}

var errSignature = cota.Errorf(cota.Unauthenticated, "wrong signature")

// SignIn lets a device in if verify accepts its secret. It refuses with
// NotFound a device or product that is unknown, with Unauthenticated a wrong
// signature, and with Disabled a device that signs correctly but is disabled.
func (c *Control) SignIn(ctx context.Context, product, name string, verify func(secret string) bool) (Entrant, error) {
	row, _, err := c.login(ctx, product, name, verify)
	if err != nil {
		return Entrant{}, err
	}
	return c.admit(ctx, row)
}

// admit lets in a device that has proven who it is.
func (c *Control) admit(ctx context.Context, row store.Login) (Entrant, error) {
	e := c.entrant(row)
	if e.Elsewhere {
		if err := c.takeOver(ctx, e); err != nil {
			return Entrant{}, err
		}
	}
	return e, nil
}

func (c *Control) entrant(row store.Login) Entrant {
	return Entrant{
		Device:    Device{ID: row.ID, Product: row.Product, Name: row.Name},
		Standing:  row.Standing,
		Elsewhere: row.Node != 0 && row.Node != c.store.Node(),
	}
}

// Recheck refuses a device that SignIn has let in and would not let in now. Of
// any other it looks up where it stands now.
func (c *Control) Recheck(ctx context.Context, d *Entrant, verify func(secret string) bool) error {
	row, _, err := c.login(ctx, d.Product, d.Name, verify)
	return d.again(row, err)
}

// again takes what was found of a device that had been let in.
func (d *Entrant) again(row store.Login, err error) error {
	switch {
	case err != nil:
		return err
	case row.ID != d.ID:
		return cota.Errorf(cota.NotFound, "the device is gone")
	}
	d.Standing = row.Standing
	return nil
}

func (c *Control) login(ctx context.Context, product, name string, verify func(secret string) bool) (row store.Login, secret string, err error) {
	row, secret, err = c.store.DeviceLogin(ctx, product, name)
	return row, secret, admissible(row, secret, err, verify)
}

// admissible judges what was found of a device that wants to sign in.
func admissible(row store.Login, secret string, err error, verify func(secret string) bool) error {
	switch {
	case err != nil:
		return err
	case !verify(secret):
		return errSignature
	case row.Disabled:
		return errDisabled(row.Name)
	}
	return nil
}

func errDisabled(name string) error { return cota.Errorf(cota.Disabled, "device %s is disabled", name) }

// takeOver has other nodes close the connections that they hold to devices.
func (c *Control) takeOver(ctx context.Context, all ...Entrant) error {
	if len(all) == 0 {
		return nil
	}
	return c.store.Update(ctx, func(tx *store.Tx) error {
		for _, d := range all {
			tx.Note(store.Note{Product: d.Product, Device: d.ID})
		}
		return nil
	})
}

// Connected records that a connection of d has begun, from where, and with
// which properties.
func (c *Control) Connected(ctx context.Context, d *Device, since time.Time, from string, properties []cota.Property) error {
	return c.store.Record(ctx, store.Report{
		Device: d.ID, At: since, Kind: cota.EventConnected, Detail: from, Properties: properties, Connected: true, Since: since,
	})
}

// Contested records that two fight over d's connection, and who they are.
func (c *Control) Contested(ctx context.Context, d *Device, who string) error {
	return c.store.Record(ctx, store.Report{Device: d.ID, At: time.Now(), Kind: cota.EventContested, Detail: who})
}

// Disconnected records that the connection that began at since has ended, and
// why.
func (c *Control) Disconnected(ctx context.Context, d *Device, since time.Time, why string) error {
	return c.store.Record(ctx, store.Report{
		Device: d.ID, At: time.Now(), Kind: cota.EventDisconnected, Detail: why, Disconnected: true, Since: since,
	})
}

// Standings says where devices stand now, by id.
func (c *Control) Standings(ctx context.Context, ids []int64) (map[int64]cota.Standing, error) {
	return c.store.Standings(ctx, ids)
}
