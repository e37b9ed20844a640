package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// MaxDevices bounds how many devices one call adds.
const MaxDevices = 10_000

// numberDigits is the width of the number in a generated device name.
const numberDigits = 6

// AddDevices adds devices of the given names to a product and returns what
// they sign in with. Either all are added or none.
func (c *Control) AddDevices(ctx context.Context, by Actor, product string, names []string) ([]cota.Credentials, error) {
	all := make([]cota.Credentials, min(len(names), MaxDevices+1)) // ImportDevices refuses more
	for i := range all {
		all[i] = cota.Credentials{Name: names[i], Secret: cota.NewDeviceSecret()}
	}
	return all, c.ImportDevices(ctx, by, product, all)
}

// AddNumberedDevices adds n devices named prefix and a number of six digits,
// which goes on from the greatest there is.
func (c *Control) AddNumberedDevices(ctx context.Context, by Actor, product, prefix string, n int) (all []cota.Credentials, err error) {
	if n < 1 || n > MaxDevices {
		return nil, cota.Errorf(cota.Invalid, "1 to %d devices can be added at a time", MaxDevices)
	}
	if err := cota.CheckDeviceName(fmt.Sprintf("%s%0*d", prefix, numberDigits, n)); err != nil {
		return nil, err
	}
	err = c.addDevices(ctx, by, product, func(tx *store.Tx) ([]cota.Credentials, error) {
		last, err := tx.LastNumbered(ctx, product, prefix, numberDigits)
		if err != nil {
			return nil, err
		}
		if last+int64(n) >= 1e6 {
			return nil, cota.Errorf(cota.Invalid, "the numbers behind prefix %s are used up; take another prefix", prefix)
		}
		all = make([]cota.Credentials, n)
		for i := range all {
			all[i] = cota.Credentials{
				Name: fmt.Sprintf("%s%0*d", prefix, numberDigits, last+1+int64(i)), Secret: cota.NewDeviceSecret(),
			}
		}
		return all, nil
	})
	return all, c.taken(err, cota.Exists, "some of these devices are there already; none was added")
}

func (c *Control) addDevices(ctx context.Context, by Actor, product string, of func(*store.Tx) ([]cota.Credentials, error)) error {
	return c.change(ctx, by, "device.add", product, func(tx *store.Tx) (string, error) {
		if _, err := tx.Product(ctx, product); err != nil {
			return "", err
		}
		all, err := of(tx)
		if err != nil {
			return "", err
		}
		detail := all[0].Name
		if len(all) > 1 {
			detail = fmt.Sprintf("%d devices, %s to %s", len(all), all[0].Name, all[len(all)-1].Name)
		}
		return detail, tx.AddDevices(ctx, product, all, time.Now())
	})
}

// DisableDevice disables a device, which ends its connection, or enables it.
func (c *Control) DisableDevice(ctx context.Context, by Actor, product, name string, disabled bool) error {
	return c.changeDevice(ctx, by, "device.set", product, name, func(tx *store.Tx, d store.DeviceRow) (string, error) {
		event := cota.SubdeviceEnabled
		if disabled {
			event = cota.SubdeviceDisabled
		}
		if err := tellGateway(ctx, tx, d, event); err != nil {
			return "", err
		}
		return fmt.Sprintf("disabled %t", disabled), tx.SetDevice(ctx, d.ID, disabled)
	})
}

// ResetDeviceSecret gives a device a new secret and ends its connection. It may
// register again until it signs in.
func (c *Control) ResetDeviceSecret(ctx context.Context, by Actor, product, name string) (secret string, err error) {
	if err := c.prove(ctx, by, "a new device secret"); err != nil {
		return "", err
	}
	if err := c.flush(ctx); err != nil { // its last sign-in is before the reset
		return "", err
	}
	secret = cota.NewDeviceSecret()
	return secret, c.changeDevice(ctx, by, "device.reset", product, name, func(tx *store.Tx, d store.DeviceRow) (string, error) {
		return "new secret", tx.SetDeviceSecret(ctx, d.ID, product, name, secret, secretTime(d))
	})
}

// secretTime is now, when a device is given a secret, or else the first moment
// after its last sign-in.
func secretTime(d store.DeviceRow) time.Time {
	now := time.Now().Truncate(time.Millisecond) // as the store keeps it
	if d.ConnectedAt != nil && !now.After(*d.ConnectedAt) {
		return d.ConnectedAt.Add(time.Millisecond)
	}
	return now
}

// RemoveDevice removes a device with its timeline and ends its connection.
func (c *Control) RemoveDevice(ctx context.Context, by Actor, product, name string) error {
	return c.changeDevice(ctx, by, "device.remove", product, name, func(tx *store.Tx, d store.DeviceRow) (string, error) {
		if err := tellGateway(ctx, tx, d, cota.SubdeviceRemoved); err != nil {
			return "", err
		}
		return "", tx.RemoveDevice(ctx, product, d.ID, time.Now())
	})
}

func (c *Control) changeDevice(ctx context.Context, by Actor, action, product, name string, fn func(*store.Tx, store.DeviceRow) (string, error)) error {
	return c.change(ctx, by, action, product+"/"+name, func(tx *store.Tx) (string, error) {
		d, err := tx.Device(ctx, product, name)
		if err != nil {
			return "", err
		}
		detail, err := fn(tx, d)
		tx.Note(store.Note{Product: product, Device: d.ID}) // after what its gateway is told
		return detail, err
	})
}
