package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// AddInstance adds an instance.
func (c *Control) AddInstance(ctx context.Context, by Actor, i cota.Instance) (cota.Instance, error) {
	if err := checkInstance(i); err != nil {
		return i, err
	}
	i.CreatedAt = time.Now()
	err := c.change(ctx, by, "instance.add", i.ID, func(tx *store.Tx) (string, error) {
		return i.Name, tx.AddInstance(ctx, i)
	})
	return i, c.taken(err, cota.Exists, "instance %s is there already", i.ID)
}

// SetInstance changes the name and environment of an instance.
func (c *Control) SetInstance(ctx context.Context, by Actor, i cota.Instance) error {
	if err := checkInstance(i); err != nil {
		return err
	}
	return c.change(ctx, by, "instance.set", i.ID, func(tx *store.Tx) (string, error) {
		return fmt.Sprintf("%s, %s", i.Name, i.Environment), tx.SetInstance(ctx, i)
	})
}

func checkInstance(i cota.Instance) error {
	if err := cota.CheckInstanceID(i.ID); err != nil {
		return err
	}
	if err := cota.CheckName("the name", i.Name); err != nil {
		return err
	}
	return cota.CheckName("the environment", i.Environment)
}

// RemoveInstance removes an instance without products.
func (c *Control) RemoveInstance(ctx context.Context, by Actor, id string) error {
	if id == cota.DefaultInstance {
		return cota.Errorf(cota.InUse, "the default instance stays")
	}
	return c.change(ctx, by, "instance.remove", id, func(tx *store.Tx) (string, error) {
		if _, err := tx.Instance(ctx, id); err != nil {
			return "", err
		}
		products, err := tx.Products(ctx, store.ProductFilter{Instance: id}, "", 1)
		if err != nil {
			return "", err
		}
		if len(products) > 0 {
			return "", cota.Errorf(cota.InUse, "instance %s still has products; remove them first", id)
		}
		return "", tx.RemoveInstance(ctx, id)
	})
}

// AddProduct adds a product, switched off, and returns its ProductSecret.
func (c *Control) AddProduct(ctx context.Context, by Actor, instance, name string) (p cota.Product, secret string, err error) {
	return c.ImportProduct(ctx, by, instance, name, "", "")
}

// RenameProduct gives a product another name.
func (c *Control) RenameProduct(ctx context.Context, by Actor, key, name string) (p cota.Product, err error) {
	if err := cota.CheckName("the name", name); err != nil {
		return p, err
	}
	err = c.change(ctx, by, "product.rename", key, func(tx *store.Tx) (string, error) {
		if p, err = tx.Product(ctx, key); err != nil {
			return "", err
		}
		p.Name, p.UpdatedAt = name, time.Now()
		return name, tx.SetProduct(ctx, p)
	})
	return p, c.taken(err, cota.Exists, "the instance has a product of this name already")
}

// RemoveProduct removes a product without devices, with its versions and
// pushes.
func (c *Control) RemoveProduct(ctx context.Context, by Actor, key string) error {
	return c.change(ctx, by, "product.remove", key, func(tx *store.Tx) (string, error) {
		p, err := tx.Product(ctx, key)
		if err != nil {
			return "", err
		}
		if p.Devices > 0 {
			return "", cota.Errorf(cota.InUse, "product %s still has %d devices; remove them first", key, p.Devices)
		}
		tx.Note(store.Note{Product: key})
		return p.Name, tx.RemoveProduct(ctx, key)
	})
}

// SetConfig turns a product's switch and changes its policy, each unless nil.
//
// Turning the switch off stops the running push: once SetConfig has returned,
// nothing more is sent, get is refused and links that are out do not open.
// Turning it on sends nothing by itself.
func (c *Control) SetConfig(ctx context.Context, by Actor, product string, enabled *bool, patch *cota.PolicyPatch) error {
	if patch != nil {
		if err := c.prove(ctx, by, "the policy"); err != nil {
			return err
		}
	}
	release, err := c.hold(ctx, product)
	if err != nil {
		return err
	}
	defer release()
	return c.change(ctx, by, "config.set", product, func(tx *store.Tx) (detail string, err error) {
		p, err := tx.Product(ctx, product)
		if err != nil {
			return "", err
		}
		p.UpdatedAt = time.Now()
		tx.Note(store.Note{Product: product})
		if patch != nil {
			policy := p.Policy.With(*patch)
			if err := policy.Check(); err != nil {
				return "", err
			}
			// Links made under the old policy may outlive those of the new one.
			if err := tx.KeepVersions(ctx, product, p.UpdatedAt.Add(p.Policy.Link())); err != nil {
				return "", err
			}
			p.Policy = policy
			detail = fmt.Sprintf("policy %+v ", policy)
		}
		if enabled != nil {
			p.Enabled = *enabled
			detail += fmt.Sprintf("enabled %t", *enabled)
			if !p.Enabled {
				if err := c.halt(ctx, tx, &p, "remote configuration was switched off"); err != nil {
					return "", err
				}
			}
		}
		return detail, tx.SetProduct(ctx, p)
	})
}
