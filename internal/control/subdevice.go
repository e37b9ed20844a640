package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Subdevice is a device that a gateway names, and what tells whether the
// device agrees to that.
type Subdevice struct {
	Product, Name string
	Verify        func(secret string) bool
}

var (
	errNotBehind = cota.Errorf(cota.Forbidden, "the device is not behind this gateway")
	errOfItself  = cota.Errorf(cota.Invalid, "a device cannot be behind itself")
	errFull      = cota.Errorf(cota.TooLarge, "%d devices are behind this gateway already", cota.MaxSubdevices)
)

// Attach puts devices behind a gateway, and out from behind any other: all of
// them, or none, and then bad says because of which. It refuses with NotFound
// a device that is unknown, with Unauthenticated a wrong signature, with
// Disabled a device that is, with Invalid the gateway itself and with TooLarge
// more devices than may be behind one gateway.
func (c *Control) Attach(ctx context.Context, gateway *Device, all []Subdevice) (bad int, err error) {
	err = c.store.Update(ctx, func(tx *store.Tx) error {
		for bad = range all {
			if err := attach(ctx, tx, gateway, all[bad]); err != nil {
				return err
			}
		}
		n, err := tx.CountSubdevices(ctx, gateway.ID)
		if err == nil && n > cota.MaxSubdevices {
			return errFull
		}
		return err
	})
	return bad, err
}

func attach(ctx context.Context, tx *store.Tx, gateway *Device, s Subdevice) error {
	row, secret, err := tx.DeviceLogin(ctx, s.Product, s.Name)
	if err := admissible(row, secret, err, s.Verify); err != nil {
		return err
	}
	if row.ID == gateway.ID {
		return errOfItself
	}
	was, err := tx.GatewayOf(ctx, row.ID)
	if err != nil || was == gateway.ID {
		return err
	}
	if was != 0 {
		tx.Note(store.Note{Product: s.Product, Device: row.ID, Gateway: was})
	}
	return tx.Attach(ctx, row.ID, gateway.ID, time.Now())
}

// Detach takes devices out from behind a gateway and ends their connections
// through it: of all of them, or of none, and then bad says because of which.
// One that is not behind the gateway is passed over; one that does not exist
// is refused with NotFound.
func (c *Control) Detach(ctx context.Context, gateway *Device, all []Subdevice) (bad int, err error) {
	err = c.store.Update(ctx, func(tx *store.Tx) error {
		for bad = range all {
			row, err := tx.Device(ctx, all[bad].Product, all[bad].Name)
			if err != nil {
				return err
			}
			if err := detach(ctx, tx, row, gateway.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return bad, err
}

// detach takes a device out from behind its gateway, if that is the given one
// or any is meant, by 0.
func detach(ctx context.Context, tx *store.Tx, d store.DeviceRow, gateway int64) error {
	is, err := tx.GatewayOf(ctx, d.ID)
	if err != nil || is == 0 || gateway != 0 && is != gateway {
		return err
	}
	tx.Note(store.Note{Product: d.Product, Device: d.ID, Gateway: is})
	return tx.Detach(ctx, d.ID)
}

// DetachDevice takes a device out from behind its gateway and ends its
// connection through it. It refuses with NotFound a device that is behind none.
func (c *Control) DetachDevice(ctx context.Context, by Actor, product, name string) error {
	return c.change(ctx, by, "device.detach", product+"/"+name, func(tx *store.Tx) (string, error) {
		d, err := tx.Device(ctx, product, name)
		if err != nil {
			return "", err
		}
		if d.Gateway == nil {
			return "", cota.Errorf(cota.NotFound, "device %s is behind no gateway", name)
		}
		if err := tellGateway(ctx, tx, d, cota.SubdeviceRemoved); err != nil {
			return "", err
		}
		return "from " + d.Gateway.Product + "/" + d.Gateway.Name, detach(ctx, tx, d, 0)
	})
}

// tellGateway has the gateway told of what an operator does to a device, if that
// is behind one.
func tellGateway(ctx context.Context, tx *store.Tx, d store.DeviceRow, e cota.TopologyEvent) error {
	if d.Gateway == nil {
		return nil
	}
	gateway, err := tx.GatewayOf(ctx, d.ID)
	if err != nil {
		return err
	}
	tx.Note(store.Note{
		Product:  d.Gateway.Product,
		Topology: &cota.TopologyChange{Gateway: gateway, Product: d.Product, Name: d.Name, Event: e},
	})
	return nil
}

// Behind names the devices behind a gateway.
func (c *Control) Behind(ctx context.Context, gateway *Device) ([]store.DeviceName, error) {
	return c.store.SubdeviceNames(ctx, gateway.ID, cota.MaxSubdevices)
}

// SignInThrough lets devices in through a gateway: all of them, or none, and
// then bad says because of which. It refuses as SignIn does, and with Forbidden
// a device that is not behind the gateway.
func (c *Control) SignInThrough(ctx context.Context, gateway *Device, all []Subdevice) (let []Entrant, bad int, err error) {
	let = make([]Entrant, len(all))
	var elsewhere []Entrant
	for i, s := range all {
		row, _, err := c.login(ctx, s.Product, s.Name, s.Verify)
		if err == nil {
			err = c.checkBehind(ctx, gateway, row.ID)
		}
		if err != nil {
			return nil, i, err
		}
		let[i] = c.entrant(row)
		if let[i].Elsewhere {
			elsewhere = append(elsewhere, let[i])
		}
	}
	return let, 0, c.takeOver(ctx, elsewhere...)
}

// checkBehind refuses with Forbidden a device that is not behind the gateway.
func (c *Control) checkBehind(ctx context.Context, gateway *Device, id int64) error {
	is, err := c.store.GatewayOf(ctx, id)
	if err == nil && is != gateway.ID {
		return errNotBehind
	}
	return err
}

// RecheckThrough refuses a device that SignInThrough has let in and would not
// let in now.
func (c *Control) RecheckThrough(ctx context.Context, gateway *Device, d *Entrant, verify func(secret string) bool) error {
	if err := c.Recheck(ctx, d, verify); err != nil {
		return err
	}
	return c.checkBehind(ctx, gateway, d.ID)
}

// Expelled says why a device may not be connected through a gateway any longer,
// in the words of SignInThrough; nil if it may: then it has connected elsewhere
// or has a new secret.
func (c *Control) Expelled(ctx context.Context, gateway, d *Device) error {
	return c.RecheckThrough(ctx, gateway, &Entrant{Device: *d}, func(string) bool { return true })
}

// ConnectedThrough records that a connection of d through a gateway has begun.
func (c *Control) ConnectedThrough(ctx context.Context, gateway, d *Device, since time.Time) error {
	return c.store.Record(ctx, store.Report{
		Device: d.ID, At: since, Kind: cota.EventConnected, Detail: "through gateway " + gateway.Product + "/" + gateway.Name,
		Connected: true, Since: since, Through: gateway.ID,
	})
}
