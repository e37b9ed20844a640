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
	c, changes := newConn(g, nc), g.changes.Load()
	d, err := g.control.SignIn(ctx, login.ProductKey, login.DeviceName, login.Verify)
	return func() (control.Device, error) {
		err := c.enter(d, login, changes)
		return c.device.Device, err
	}, err
}
