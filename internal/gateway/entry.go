package gateway

import (
	"context"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// entry is how a login is let in and, if need be, looked at again.
type entry struct {
	signIn  func(context.Context) (control.Entrant, error)
	recheck func(context.Context, *control.Entrant) error
}

// entry finds out by what a login proves whose it is: the secret of the
// device or its certificate, the token of a device that registered without
// being listed, or the token of one that has pre-authenticated.
func (c *conn) entry(login alink.Login) (entry, error) {
	ctl, product, name, verify := c.gw.control, login.ProductKey, login.DeviceName, login.Verify
	if login.AuthType == alink.AuthToken {
		return entry{
			func(ctx context.Context) (control.Entrant, error) {
				return ctl.SignInByToken(ctx, product, name, login.ClientID, login.Password())
			},
			func(ctx context.Context, d *control.Entrant) error {
				return ctl.RecheckToken(ctx, d, login.ClientID, login.Password())
			},
		}, nil
	}
	if login.IotID == "" && len(c.certificates()) > 0 {
		return c.byCertificate(login), nil
	}
	if login.IotID != "" {
		var err error
		if product, name, verify, err = ctl.PreAuthorized(c.gw.ctx, login.IotID, login.Password()); err != nil {
			return entry{}, err
		}
	}
	return entry{
		func(ctx context.Context) (control.Entrant, error) { return ctl.SignIn(ctx, product, name, verify) },
		func(ctx context.Context, d *control.Entrant) error { return ctl.Recheck(ctx, d, verify) },
	}, nil
}

// bySecret reports whether a login proves by the secret of the device, and by
// nothing else, whose it is.
func (c *conn) bySecret(login *alink.Login) bool {
	return login.AuthType != alink.AuthToken && login.IotID == "" && len(c.certificates()) == 0
}
