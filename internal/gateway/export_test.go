package gateway

import (
	"context"
	"net"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// SignInInTwo looks a device up as it signs in over nc, and returns what has
// it enter the fleet: between the two anything may happen.
func (g *Gateway) SignInInTwo(ctx context.Context, nc net.Conn, login alink.Login) (enter func() (control.Device, error), err error) {
	c, changes := newStream(g, nc), g.changes.Load()
	by, err := c.entry(login)
	if err != nil {
		return nil, err
	}
	d, err := by.signIn(ctx)
	return func() (control.Device, error) {
		err := c.enter(d, login, by, changes)
		return c.device.Device, err
	}, err
}
