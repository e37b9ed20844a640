package gateway

import (
	"context"
	"net"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/port"
)

// SignInInTwo looks a device up as it signs in over nc, and returns what has
// it enter the fleet: between the two anything may happen.
func (g *Gateway) SignInInTwo(ctx context.Context, nc net.Conn, login alink.Login) (enter func() (cota.Standing, error), err error) {
	c, changes := newStream(g, nc, port.Address(nc)), g.changes.Load()
	by, err := c.entry(login)
	if err != nil {
		return nil, err
	}
	d, err := by.signIn(ctx)
	return func() (cota.Standing, error) {
		err := c.enter(d, login, by, changes)
		return *c.device().standing, err
	}, err
}

// Offers has a device offered things as its fleet does it, in the words of
// the first offer. It is one of the many of whom no messages are kept.
func (g *Gateway) Offers(key string, device int64, first control.Offer) (offer func(control.Offer) bool, err error) {
	f := g.fleet(key)
	f.mu.Lock()
	m, _ := f.members.get(device)
	f.mu.Unlock()
	m.conn.mu.Lock()
	m.device.product = &product{key: key}
	m.conn.mu.Unlock()
	t, err := f.templateOf(first)
	return func(o control.Offer) bool { return m.conn.offer(m.device, o, t) }, err
}
