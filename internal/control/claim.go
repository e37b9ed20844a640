package control

import (
	"context"
	"slices"
	"strings"

	"github.com/cotahq/cota/internal/store"
)

// Claim is a device that wants to sign in by its secret, together with others.
type Claim struct {
	Product, Name string
	Verify        func(secret string) bool

	// What became of it: who it was let in as, or why it was not.
	Entrant Entrant
	Err     error
}

// SignInAll is SignIn of many, who share the looks at the store that it takes.
// It may change their order.
func (c *Control) SignInAll(ctx context.Context, all []*Claim) {
	var elsewhere []Entrant
	c.loginAll(ctx, all, func(claim *Claim, row store.Login, err error) {
		claim.Entrant, claim.Err = c.entrant(row), err
		if err == nil && claim.Entrant.Elsewhere {
			elsewhere = append(elsewhere, claim.Entrant)
		}
	})
	err := c.takeOver(ctx, elsewhere...)
	for _, claim := range all {
		if claim.Err == nil && claim.Entrant.Elsewhere {
			claim.Err = err
		}
	}
}

// RecheckAll is Recheck of many that SignInAll has let in.
func (c *Control) RecheckAll(ctx context.Context, all []*Claim) {
	c.loginAll(ctx, all, func(claim *Claim, row store.Login, err error) {
		claim.Err = claim.Entrant.again(row, err)
	})
}

// loginAll finds the devices and checks their secrets. It tells of each claim
// once.
func (c *Control) loginAll(ctx context.Context, all []*Claim, tell func(*Claim, store.Login, error)) {
	slices.SortFunc(all, func(a, b *Claim) int { return strings.Compare(a.Product, b.Product) })
	for len(all) > 0 {
		product, n := all[0].Product, 1
		for n < len(all) && all[n].Product == product {
			n++
		}
		c.loginTogether(ctx, product, all[:n], tell)
		all = all[n:]
	}
}

// loginTogether does so for devices of one product.
func (c *Control) loginTogether(ctx context.Context, product string, all []*Claim, tell func(*Claim, store.Login, error)) {
	names := make([]string, len(all))
	for i, claim := range all {
		names[i] = claim.Name
	}
	found := make([]bool, len(all))
	err := c.store.DeviceLogins(ctx, product, names, func(row store.Login, secret string, err error) {
		for i, claim := range all { // they are few
			if claim.Name == row.Name && !found[i] {
				found[i] = true
				tell(claim, row, admissible(row, secret, err, claim.Verify))
			}
		}
	})
	for i, claim := range all {
		switch {
		case found[i]:
		case err != nil:
			tell(claim, store.Login{}, err)
		default:
			tell(claim, store.Login{}, store.NoDevice(product, claim.Name))
		}
	}
}
