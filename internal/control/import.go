package control

import (
	"cmp"
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// ImportProduct adds a product, switched off, under the ProductKey and with
// the ProductSecret that its devices have already. Each of the two is made if
// it is "".
func (c *Control) ImportProduct(ctx context.Context, by Actor, instance, name, key, productSecret string) (p cota.Product, secret string, err error) {
	if err := checkProduct(name, key, productSecret); err != nil {
		return p, "", err
	}
	now := time.Now()
	p = cota.Product{
		Key: cmp.Or(key, cota.NewProductKey()), Instance: instance, Name: name, Policy: cota.DefaultPolicy(), CreatedAt: now, UpdatedAt: now,
	}
	secret = cmp.Or(productSecret, cota.NewProductSecret())
	err = c.change(ctx, by, "product.add", p.Key, func(tx *store.Tx) (string, error) {
		if _, err := tx.Instance(ctx, instance); err != nil {
			return "", err
		}
		switch _, err := tx.Product(ctx, p.Key); {
		case err == nil:
			return "", cota.Errorf(cota.Exists, "product %s is there already", p.Key)
		case cota.CodeOf(err) != cota.NotFound:
			return "", err
		}
		return name, tx.AddProduct(ctx, p, secret)
	})
	return p, secret, c.taken(err, cota.Exists, "instance %s has a product of this name already", instance)
}

func checkProduct(name, key, secret string) error {
	err := cota.CheckName("the name", name)
	if err == nil && key != "" {
		err = cota.CheckProductKey(key)
	}
	if err == nil && secret != "" {
		err = cota.CheckProductSecret(secret)
	}
	return err
}

// ImportDevices adds devices with the secrets that they have already to a
// product. Either all are added or none.
func (c *Control) ImportDevices(ctx context.Context, by Actor, product string, all []cota.Credentials) error {
	if err := checkDevices(all); err != nil {
		return err
	}
	err := c.addDevices(ctx, by, product, func(*store.Tx) ([]cota.Credentials, error) { return all, nil })
	if len(all) == 1 {
		return c.taken(err, cota.Exists, "device %s is there already", all[0].Name)
	}
	return c.taken(err, cota.Exists, "some of these devices are there already; none was added")
}

func checkDevices(all []cota.Credentials) error {
	if len(all) == 0 || len(all) > MaxDevices {
		return cota.Errorf(cota.Invalid, "1 to %d devices can be added at a time", MaxDevices)
	}
	seen := make(map[string]bool, len(all))
	for _, d := range all {
		if err := cota.CheckDeviceName(d.Name); err != nil {
			return err
		}
		if err := cota.CheckDeviceSecret(d.Secret); err != nil {
			return cota.Errorf(cota.Invalid, "device %s: %v", d.Name, err)
		}
		if seen[d.Name] {
			return cota.Errorf(cota.Invalid, "device %s is named twice", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}
