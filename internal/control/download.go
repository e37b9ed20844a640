package control

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Open says what a download link permits now. It refuses what Signer.Open
// refuses, and with Disabled when the product's switch is off. It reads the
// database only when something has changed.
func (c *Control) Open(ctx context.Context, token string) (cota.Grant, error) {
	g, err := c.Grant(token)
	if err != nil {
		return g, err
	}
	return g, c.Permit(ctx, g)
}

// Grant is what Open looks at first: it refuses what Signer.Open refuses, and
// reads nothing.
func (c *Control) Grant(token string) (cota.Grant, error) { return c.signer.Open(token, time.Now()) }

// Permit is the rest of Open: it refuses with LinkInvalid when the product is
// gone, and with Disabled when its switch is off.
func (c *Control) Permit(ctx context.Context, g cota.Grant) error {
	f, err := c.Facts(ctx, g.Product)
	switch {
	case cota.CodeOf(err) == cota.NotFound:
		return cota.Errorf(cota.LinkInvalid, "the product of this link is gone")
	case err != nil:
		return err
	}
	return f.permit()
}

// PermitRemembered is Permit that reads nothing. known is false, and nothing
// is said, when only the database could tell.
func (c *Control) PermitRemembered(g cota.Grant) (err error, known bool) {
	f := c.remembered(g.Product)
	if f == nil {
		return nil, false
	}
	return f.permit(), true
}

func (f *Facts) permit() error {
	if !f.Enabled {
		return errSwitchedOff
	}
	return nil
}

// Content is the version that a grant permits to fetch. A version never
// changes, so it may be kept.
func (c *Control) Content(ctx context.Context, g cota.Grant) (cota.Version, error) {
	return c.store.Version(ctx, g.Product, g.Version)
}

// Fetched records that the last byte of what g permits has been sent.
func (c *Control) Fetched(ctx context.Context, g cota.Grant) error {
	return c.store.Record(ctx, fetched(g))
}

// TryFetched is Fetched that does not wait: it reports false when it would have
// to, or could not.
func (c *Control) TryFetched(g cota.Grant) bool { return c.store.TryRecord(fetched(g)) }

func fetched(g cota.Grant) store.Report {
	return store.Report{
		Device: g.Device, At: time.Now(), Kind: cota.EventKind(cota.Fetched.String()),
		Push: g.Push, Version: g.Version, Rung: cota.Fetched,
	}
}
