package control

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// SetRegistration turns the two switches of a product's dynamic registration,
// each unless nil. As at the vendor, turning one on needs a second proof:
// whoever knows the ProductSecret, and so whoever reads it out of one device,
// may have the secrets of devices that are not activated yet.
func (c *Control) SetRegistration(ctx context.Context, by Actor, key string, dynamic, withoutPre *bool) (p cota.Product, err error) {
	if dynamic != nil && *dynamic || withoutPre != nil && *withoutPre {
		if err := c.prove(ctx, by, "dynamic registration"); err != nil {
			return p, err
		}
	}
	err = c.change(ctx, by, "product.registration", key, func(tx *store.Tx) (string, error) {
		if p, err = tx.Product(ctx, key); err != nil {
			return "", err
		}
		if dynamic != nil {
			p.DynamicRegistration = *dynamic
		}
		if withoutPre != nil {
			p.WithoutPreRegistration = *withoutPre
		}
		p.UpdatedAt = time.Now()
		detail := fmt.Sprintf("dynamic registration %t, without pre-registration %t", p.DynamicRegistration, p.WithoutPreRegistration)
		return detail, tx.SetRegistration(ctx, p)
	})
	return p, err
}

// Registration is a device that asks for what it can sign in with.
type Registration struct {
	Product string
	Name    string
	// Verify reports whether it is signed with this ProductSecret.
	Verify func(productSecret string) bool
	// From says in the device's timeline how it came, and where from.
	From string
	// May is asked last before a device that need not be listed gets its token,
	// and refuses it by an error; nil: it may. It may be asked more than once.
	May func() error
}

// Why a registration is refused, besides a wrong signature (Unauthenticated)
// and a device that is disabled (Disabled).
var (
	ErrProductUnknown  = cota.Errorf(cota.NotFound, "registration for no product")
	ErrRegistrationOff = cota.Errorf(cota.Forbidden, "dynamic registration is switched off for the product")
	ErrNotListed       = cota.Errorf(cota.NotFound, "a device that is not listed")
	ErrActivated       = cota.Errorf(cota.Exists, "the device is activated; give it a new secret first")
	ErrTooManyClients  = cota.Errorf(cota.InUse, "the device has %d client ids; give it a new secret first", maxClientIDs)
)

// maxClientIDs is how many client ids a device may have that registers without
// being listed (vendor: MQTT-based dynamic registration).
const maxClientIDs = 5

// Register gives a listed device a new secret. It may do so again until it
// first signs in; the last secret counts.
func (c *Control) Register(ctx context.Context, r Registration) (secret string, err error) {
	if _, err := c.mayRegister(ctx, r); err != nil {
		return "", err
	}
	secret = cota.NewDeviceSecret()
	return secret, c.register(ctx, r, func(tx *store.Tx) (store.DeviceRow, error) {
		d, err := tx.Device(ctx, r.Product, r.Name)
		switch {
		case cota.CodeOf(err) == cota.NotFound:
			return d, ErrNotListed
		case err != nil:
			return d, err
		case d.Activated:
			return d, ErrActivated
		}
		tx.Note(store.Note{Product: r.Product, Device: d.ID}) // nobody stays signed in by the secret before
		return d, tx.SetDeviceSecret(ctx, d.ID, r.Product, r.Name, secret, secretTime(d))
	})
}

// RegisterUnlisted gives a device, which is added if it is not listed, a token
// to sign in with under a client id; for "" one is made. It may do so again
// until it first signs in with it. Whoever has a secret, and has signed in
// with it, gets no token.
func (c *Control) RegisterUnlisted(ctx context.Context, r Registration, clientID string) (id, token string, err error) {
	p, err := c.mayRegister(ctx, r)
	if err != nil {
		return "", "", err
	}
	if !p.WithoutPreRegistration {
		return "", "", ErrRegistrationOff
	}
	id, token = cmp.Or(clientID, rand.Text()), rand.Text()+rand.Text()
	err = c.register(ctx, r, func(tx *store.Tx) (store.DeviceRow, error) {
		d, err := listed(ctx, tx, r)
		if err != nil {
			return d, err
		}
		tokens, err := tx.DeviceTokens(ctx, d.ID)
		if err != nil {
			return d, err
		}
		if err := mayAdd(tokens, id, d.Activated); err != nil {
			return d, err
		}
		if d.Disabled {
			return d, errDisabled(r.Name)
		}
		if r.May != nil {
			if err := r.May(); err != nil {
				return d, err
			}
		}
		return d, tx.PutDeviceToken(ctx, d.ID, store.DeviceToken{ClientID: id, Hash: hashDeviceToken(token), CreatedAt: time.Now()})
	})
	return id, token, c.taken(err, cota.Unavailable, "the device is registering elsewhere; try again")
}

// mayRegister looks at the product. What is wrong with it is told only to
// those who know its secret.
func (c *Control) mayRegister(ctx context.Context, r Registration) (cota.Product, error) {
	secret, err := c.store.ProductSecret(ctx, r.Product)
	switch {
	case cota.CodeOf(err) == cota.NotFound:
		return cota.Product{}, ErrProductUnknown
	case err != nil:
		return cota.Product{}, err
	case !r.Verify(secret):
		return cota.Product{}, errSignature
	}
	p, err := c.store.Product(ctx, r.Product)
	if err == nil && !p.DynamicRegistration {
		err = ErrRegistrationOff
	}
	return p, err
}

// register runs what a registration changes, with its line in the timeline. A
// sign-in that this node let in before is on record by then.
func (c *Control) register(ctx context.Context, r Registration, fn func(*store.Tx) (store.DeviceRow, error)) error {
	if err := c.flush(ctx); err != nil {
		return err
	}
	return c.store.Update(ctx, func(tx *store.Tx) error {
		d, err := fn(tx)
		if err != nil {
			return err
		}
		if d.Disabled {
			return errDisabled(r.Name)
		}
		return tx.AddEvent(ctx, d.ID, cota.Event{At: time.Now(), Kind: cota.EventRegistered, Detail: r.From})
	})
}

// listed is the device that registers, which is added if it is not there, with
// a secret that nobody knows.
func listed(ctx context.Context, tx *store.Tx, r Registration) (store.DeviceRow, error) {
	d, err := tx.Device(ctx, r.Product, r.Name)
	if cota.CodeOf(err) != cota.NotFound {
		return d, err
	}
	added := []cota.Credentials{{Name: r.Name, Secret: cota.NewDeviceSecret()}}
	if err := tx.AddDevices(ctx, r.Product, added, time.Now()); err != nil {
		return d, err
	}
	return tx.Device(ctx, r.Product, r.Name)
}

// mayAdd refuses another token to a device that has these.
func mayAdd(tokens []store.DeviceToken, clientID string, activated bool) error {
	used := false
	for _, t := range tokens {
		used = used || !t.UsedAt.IsZero()
		if t.ClientID != clientID {
			continue
		}
		if !t.UsedAt.IsZero() {
			return ErrActivated
		}
		return nil
	}
	switch {
	case activated && !used:
		return ErrActivated // by its secret
	case len(tokens) >= maxClientIDs:
		return ErrTooManyClients
	}
	return nil
}

// SignInByToken is SignIn for a device that registered without being listed.
func (c *Control) SignInByToken(ctx context.Context, product, name, clientID, token string) (Entrant, error) {
	row, err := c.tokenLogin(ctx, product, name, clientID, token)
	if err != nil {
		return Entrant{}, err
	}
	return c.admit(ctx, row)
}

// RecheckToken is Recheck for a device that SignInByToken has let in.
func (c *Control) RecheckToken(ctx context.Context, d *Entrant, clientID, token string) error {
	row, err := c.tokenLogin(ctx, d.Product, d.Name, clientID, token)
	return d.again(row, err)
}

func (c *Control) tokenLogin(ctx context.Context, product, name, clientID, token string) (store.Login, error) {
	var t store.DeviceToken
	row, _, err := c.store.DeviceLogin(ctx, product, name)
	if err == nil {
		t, err = c.store.DeviceToken(ctx, row.ID, clientID)
		if cota.CodeOf(err) == cota.NotFound {
			err = errSignature
		}
	}
	switch {
	case err != nil:
		return row, err
	case subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashDeviceToken(token))) == 0:
		return row, errSignature
	case row.Disabled:
		return row, errDisabled(name)
	case t.UsedAt.IsZero():
		err = c.store.Update(ctx, func(tx *store.Tx) error { return tx.UseDeviceToken(ctx, row.ID, t, time.Now()) })
		if cota.CodeOf(err) == cota.NotFound {
			err = errSignature // another has just taken its place
		}
	}
	return row, err
}

// hashDeviceToken is what is kept of a token. It is random, so a plain hash
// will do.
func hashDeviceToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
