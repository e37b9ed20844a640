package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// byCertificate lets a device in by the certificate that it presented, if its
// product goes by certificates, and by its password otherwise.
func (c *conn) byCertificate(login alink.Login) entry {
	ctl := c.gw.control
	return entry{
		func(ctx context.Context) (control.Entrant, error) {
			d, err := ctl.SignInByCertificate(ctx, login.ProductKey, login.DeviceName, c.tls.certificates)
			if errors.Is(err, control.ErrNoCA) {
				return ctl.SignIn(ctx, login.ProductKey, login.DeviceName, login.Verify)
			}
			c.tls.certified = err == nil
			return d, err
		},
		func(ctx context.Context, d *control.Entrant) error {
			if c.tls.certified {
				return ctl.RecheckCertificate(ctx, d, c.tls.certificates)
			}
			return ctl.Recheck(ctx, d, login.Verify)
		},
	}
}

// identify tells a device that signed in without a name what its names are.
func (s *session) identify() {
	m := mqtt.Publish{
		Topic: []byte(alink.IdentityTopic), Payload: alink.AppendIdentity(nil, s.device.key(), s.device.name()),
	}
	s.out = m.Append(s.out, s.version)
}

// LookAtCertificates has the gateway look again at the devices of a product
// ("" for all) that were let in by a certificate, and close the connections of
// those that would not be now. It does not block.
func (g *Gateway) LookAtCertificates(product string) {
	g.changes.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.done.Go(func() { g.recheckCertificates(product) })
	}
}

func (g *Gateway) recheckCertificates(product string) {
	g.rechecking.Lock()
	defer g.rechecking.Unlock()
	for _, c := range g.certified(product) {
		for {
			d := control.Entrant{Device: c.device().who()}
			err := g.control.RecheckCertificate(g.ctx, &d, c.tls.certificates)
			if err == nil {
				break
			}
			if code := cota.CodeOf(err); code != cota.Internal {
				c.close(&closed{mqtt.AdministrativeAction, err.Error(), false})
				break
			}
			if g.ctx.Err() == nil {
				g.log.Error("certificate cannot be checked again", "product", c.device().key(), "device", c.device().name(), "err", err)
			}
			select {
			case <-g.ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
	}
}

// certified finds the connections that were let in by a certificate.
func (g *Gateway) certified(product string) (found []*conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, f := range g.fleets {
		if product != "" && product != key {
			continue
		}
		f.mu.Lock()
		for _, c := range f.members.own {
			if c.tls != nil && c.tls.certified {
				found = append(found, c)
			}
		}
		f.mu.Unlock()
	}
	return found
}
