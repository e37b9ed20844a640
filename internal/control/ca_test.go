package control_test

import (
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// signIn has a device sign in by a certificate.
func (r *rig) signIn(product, name string, presented ...*x509.Certificate) (control.Entrant, error) {
	return r.SignInByCertificate(r.ctx, product, name, presented)
}

func TestSignInByCertificate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1", "dev-2")
		ca := certtest.New(t, "devices")
		one := ca.Device("dev-1", nil).Leaf
		if _, err := r.signIn(r.product, "dev-1", one); err != control.ErrNoCA {
			t.Errorf("before the product trusts a CA: %v; want ErrNoCA", err)
		}
		_, err := r.signIn("", "", one)
		r.refused("nameless, before any product trusts a CA", err, cota.Forbidden)

		r.must(r.SetCA(r.ctx, system, r.product, ca.PEM()))
		for _, names := range [][2]string{{r.product, "dev-1"}, {"", ""}} {
			d, err := r.signIn(names[0], names[1], one)
			if err != nil || d.Product != r.product || d.Name != "dev-1" || d.ID == 0 {
				t.Fatalf("as %q: %+v, %v; want dev-1", names, d, err)
			}
			r.must(r.RecheckCertificate(r.ctx, &d, []*x509.Certificate{one}))
		}
		_, err = r.signIn(r.product, "dev-2", one)
		r.refused("as another device", err, cota.Forbidden)
		_, err = r.signIn(r.product, "dev-3", ca.Device("dev-3", nil).Leaf)
		r.refused("as a device that there is not", err, cota.NotFound)

		d, err := r.signIn(r.product, "dev-1", one)
		r.must(err)
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-1", true))
		r.refused("once it is disabled", r.RecheckCertificate(r.ctx, &d, []*x509.Certificate{one}), cota.Disabled)
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-1"))
		r.refused("once it is removed", r.RecheckCertificate(r.ctx, &d, []*x509.Certificate{one}), cota.NotFound)
		r.devices("dev-1")
		r.refused("once there is another of its name", r.RecheckCertificate(r.ctx, &d, []*x509.Certificate{one}), cota.NotFound)
	})
}

func TestRevocation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1", "dev-2")
		// The CA's certificate is renewed: both are trusted, and one serial
		// number may be of either.
		ca, other := certtest.New(t, "devices"), certtest.New(t, "other")
		r.must(r.SetCA(r.ctx, system, r.product, ca.PEM()+other.PEM()))
		below := ca.Intermediate("below")
		one := ca.Device("dev-1", nil).Leaf
		two := below.Device("dev-2", nil).Leaf
		twin := other.Device("dev-1", func(c *x509.Certificate) { c.SerialNumber = one.SerialNumber }).Leaf
		want := func(what string, codes ...cota.Code) {
			t.Helper()
			for i, presented := range [][]*x509.Certificate{{one}, {two, below.Cert}, {twin}} {
				name := presented[0].Subject.CommonName
				_, err := r.signIn(r.product, name, presented...)
				r.refused(fmt.Sprintf("%s: %s by %s", what, name, presented[0].Issuer), err, codes[i])
			}
		}
		want("nothing revoked", "", "", "")
		r.must(r.Revoke(r.ctx, system, r.product, []string{cota.SerialOf(one)}))
		want("by its serial number", cota.Forbidden, "", cota.Forbidden)
		r.must(r.RevokeByCRL(r.ctx, system, r.product, ca.Revoke(nil, one)))
		want("by its CA", cota.Forbidden, "", "")
		r.must(r.RevokeByCRL(r.ctx, system, r.product, ca.Revoke(nil, below.Cert)))
		want("the CA between", "", cota.Forbidden, "")
		r.refused("a list of a CA that is not trusted",
			r.RevokeByCRL(r.ctx, system, r.product, certtest.New(t, "foreign").Revoke(nil, one)), cota.Invalid)
		want("the same still", "", cota.Forbidden, "")
		r.must(r.Revoke(r.ctx, system, r.product, nil))
		want("nothing any more", "", "", "")
		r.must(r.RevokeByCRL(r.ctx, system, r.product, ca.Revoke(nil, one)))
		r.must(r.RevokeMore(r.ctx, system, r.product, []string{cota.SerialOf(two)}))
		want("one more than by its CA", cota.Forbidden, cota.Forbidden, "")
		r.must(r.Unrevoke(r.ctx, system, r.product, "00:"+cota.SerialOf(two)))
		want("one less", cota.Forbidden, "", "")
		r.must(r.Unrevoke(r.ctx, system, r.product, cota.SerialOf(one)))
		want("nothing once more", "", "", "")
		r.refused("what is not revoked", r.Unrevoke(r.ctx, system, r.product, cota.SerialOf(one)), cota.NotFound)
		r.refused("nothing more", r.RevokeMore(r.ctx, system, r.product, nil), cota.Invalid)

		many := make([]string, cota.MaxRevoked+1)
		for i := range many {
			many[i] = fmt.Sprintf("%x", i)
		}
		r.refused("too many", r.Revoke(r.ctx, system, r.product, many), cota.TooLarge)
		r.must(r.Revoke(r.ctx, system, r.product, many[:cota.MaxRevoked]))
		n, err := r.store.CountRevoked(r.ctx, r.product)
		r.must(err)
		if n != cota.MaxRevoked {
			t.Errorf("%d are revoked; want %d", n, cota.MaxRevoked)
		}
		r.refused("one more than there may be", r.RevokeMore(r.ctx, system, r.product, many[cota.MaxRevoked:]), cota.TooLarge)
		r.must(r.RevokeMore(r.ctx, system, r.product, many[:1]))
	})
}

// A CA that very many products trust is not tried for all of them.
func TestOneCAForManyProducts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1")
		ca := certtest.New(t, "devices")
		r.must(r.SetCA(r.ctx, system, r.product, ca.PEM()))
		one := ca.Device("dev-1", nil).Leaf
		for n := range 16 {
			_, err := r.signIn("", "", one)
			r.refused(fmt.Sprintf("with %d products more", n), err, "")
			p, _, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, fmt.Sprintf("product %d", n))
			r.must(err)
			r.must(r.SetCA(r.ctx, system, p.Key, ca.PEM()))
		}
		_, err := r.signIn("", "", one)
		r.refused("with 16 products more", err, cota.Forbidden)
		_, err = r.signIn(r.product, "dev-1", one)
		r.refused("with 16 products more, and a user name", err, "")
	})
}

// Who listens is told to look at the connections again.
func TestTrustIsNoted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		var notes []store.Note
		r.store.Listen(func(n store.Note) { notes = append(notes, n) })
		ca := certtest.New(t, "devices")
		for what, command := range map[string]func() error{
			"SetCA":      func() error { return r.SetCA(r.ctx, system, r.product, ca.PEM()) },
			"Revoke":     func() error { return r.Revoke(r.ctx, system, r.product, []string{"1"}) },
			"RevokeMore": func() error { return r.RevokeMore(r.ctx, system, r.product, []string{"2"}) },
			"Unrevoke": func() error {
				r.RevokeMore(r.ctx, system, r.product, []string{"3"})
				return r.Unrevoke(r.ctx, system, r.product, "3")
			},
			"RevokeByCRL": func() error {
				r.SetCA(r.ctx, system, r.product, ca.PEM())
				return r.RevokeByCRL(r.ctx, system, r.product, ca.Revoke(nil))
			},
			"RemoveCA": func() error { r.SetCA(r.ctx, system, r.product, ca.PEM()); return r.RemoveCA(r.ctx, system, r.product) },
		} {
			notes = nil
			r.must(command())
			if len(notes) == 0 || !notes[len(notes)-1].Certificates || notes[len(notes)-1].Product != r.product {
				t.Errorf("%s left %+v; want a note about certificates", what, notes)
			}
		}
	})
}
