package control

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Whoever can have a product trust a CA can be any of its devices, so that
// takes what a new device secret takes. So does a new list of what is revoked,
// which may leave out what the old one had.

var errManyRevoked = cota.Errorf(cota.TooLarge, "a product may have %d certificates revoked at most", cota.MaxRevoked)

// SetCA has a product trust the CAs whose certificates are given, in PEM, and
// no others. Connections of devices whose certificates do not do any more are
// closed.
func (c *Control) SetCA(ctx context.Context, by Actor, product, text string) error {
	if err := c.prove(ctx, by, "a CA for devices"); err != nil {
		return err
	}
	now := time.Now()
	all, err := cota.ParseCA(text, now)
	if err != nil {
		return err
	}
	return c.changeTrust(ctx, by, "ca.set", product, func(tx *store.Tx) (string, error) {
		detail := fmt.Sprintf("%d certificates, %s", len(all), cota.DescribeCertificate(all[0]).Fingerprint)
		if len(all) == 1 {
			detail = cota.DescribeCertificate(all[0]).Fingerprint
		}
		return detail, tx.SetCA(ctx, product, all, now)
	})
}

// RemoveCA has a product trust no CA, and forgets what was revoked.
// Connections of devices that signed in by a certificate are closed.
func (c *Control) RemoveCA(ctx context.Context, by Actor, product string) error {
	return c.changeTrust(ctx, by, "ca.remove", product, func(tx *store.Tx) (string, error) {
		all, err := tx.CA(ctx, product)
		if err == nil && len(all) == 0 {
			err = cota.Errorf(cota.NotFound, "product %s trusts no CA", product)
		}
		if err != nil {
			return "", err
		}
		if err := tx.SetRevoked(ctx, product, nil); err != nil {
			return "", err
		}
		return "", tx.SetCA(ctx, product, nil, time.Now())
	})
}

// Revoke replaces the list of a product's certificates that are revoked by one
// of serial numbers, whichever CA of the product issued them. Connections of
// devices that signed in by one are closed.
func (c *Control) Revoke(ctx context.Context, by Actor, product string, serials []string) error {
	if err := c.prove(ctx, by, "a list of revoked certificates"); err != nil {
		return err
	}
	all, err := parseSerials(serials)
	if err != nil {
		return err
	}
	return c.setRevoked(ctx, by, product, func(*store.Tx) ([]cota.Revocation, error) { return all, nil })
}

// parseSerials reads the serial numbers of certificates that any CA may have
// issued.
func parseSerials(serials []string) ([]cota.Revocation, error) {
	if len(serials) > cota.MaxRevoked {
		return nil, errManyRevoked
	}
	all := make([]cota.Revocation, len(serials))
	for i, text := range serials {
		serial, err := cota.ParseSerial(text)
		if err != nil {
			return nil, err
		}
		all[i] = cota.Revocation{Serial: serial}
	}
	return all, nil
}

// RevokeMore is Revoke, but what was revoked before stays so.
func (c *Control) RevokeMore(ctx context.Context, by Actor, product string, serials []string) error {
	if err := c.prove(ctx, by, "a list of revoked certificates"); err != nil {
		return err
	}
	all, err := parseSerials(serials)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return cota.Errorf(cota.Invalid, "send at least one serial number")
	}
	return c.changeTrust(ctx, by, "ca.revoke", product, func(tx *store.Tx) (string, error) {
		if err := tx.AddRevoked(ctx, product, all); err != nil {
			return "", err
		}
		n, err := tx.CountRevoked(ctx, product)
		if err == nil && n > cota.MaxRevoked {
			err = errManyRevoked
		}
		return added(all), err
	})
}

// added says in the audit log what was added to a list.
func added(all []cota.Revocation) string {
	if len(all) == 1 {
		return "added " + all[0].Serial
	}
	return fmt.Sprintf("added %d, %s the first", len(all), all[0].Serial)
}

// Unrevoke has a certificate of a product count again, by its serial number,
// whichever CA issued it and however it was revoked.
func (c *Control) Unrevoke(ctx context.Context, by Actor, product, serial string) error {
	if err := c.prove(ctx, by, "a list of revoked certificates"); err != nil {
		return err
	}
	serial, err := cota.ParseSerial(serial)
	if err != nil {
		return err
	}
	return c.changeTrust(ctx, by, "ca.unrevoke", product, func(tx *store.Tx) (string, error) {
		return serial, tx.RemoveRevoked(ctx, product, serial)
	})
}

// RevokeByCRL is Revoke with a list that a CA of the product has signed, in
// PEM. It names certificates of that CA only.
func (c *Control) RevokeByCRL(ctx context.Context, by Actor, product, text string) error {
	if err := c.prove(ctx, by, "a list of revoked certificates"); err != nil {
		return err
	}
	return c.setRevoked(ctx, by, product, func(tx *store.Tx) ([]cota.Revocation, error) {
		cas, err := tx.CA(ctx, product)
		if err != nil {
			return nil, err
		}
		return cota.ParseCRL(text, cas)
	})
}

func (c *Control) setRevoked(ctx context.Context, by Actor, product string, of func(*store.Tx) ([]cota.Revocation, error)) error {
	return c.changeTrust(ctx, by, "ca.revoke", product, func(tx *store.Tx) (string, error) {
		all, err := of(tx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d in the list", len(all)), tx.SetRevoked(ctx, product, all)
	})
}

func (c *Control) changeTrust(ctx context.Context, by Actor, action, product string, fn func(*store.Tx) (string, error)) error {
	return c.change(ctx, by, action, product, func(tx *store.Tx) (string, error) {
		if _, err := tx.Product(ctx, product); err != nil {
			return "", err
		}
		tx.Note(store.Note{Product: product, Certificates: true})
		return fn(tx)
	})
}
