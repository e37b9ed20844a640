package control

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// ErrNoCA says that a product trusts no CA, so that a certificate proves
// nothing to it.
var ErrNoCA = cota.Errorf(cota.Unauthenticated, "the product trusts no CA")

// maxTrusting is how many products that trust one CA are tried for a device
// that does not say which is its own.
const maxTrusting = 16

// SignInByCertificate lets a device in by the certificates that it presented,
// its own first, of which it has proven to have the key. It refuses with
// Forbidden what they do not prove, and with ErrNoCA when the product does not
// go by certificates.
//
// With no product and no name they are found by the certificate: the device is
// the one whose name it bears in a product that trusts its CA (vendor: Use X.509
// certificates to authenticate devices).
func (c *Control) SignInByCertificate(ctx context.Context, product, name string, presented []*x509.Certificate) (Entrant, error) {
	row, err := c.certified(ctx, product, name, presented)
	if err != nil {
		return Entrant{}, err
	}
	return c.admit(ctx, row)
}

// RecheckCertificate refuses a device that SignInByCertificate has let in and
// would not let in now. Of any other it looks up where it stands now.
func (c *Control) RecheckCertificate(ctx context.Context, d *Entrant, presented []*x509.Certificate) error {
	row, err := c.certified(ctx, d.Product, d.Name, presented)
	return d.again(row, err)
}

func (c *Control) certified(ctx context.Context, product, name string, presented []*x509.Certificate) (store.Login, error) {
	if product == "" {
		return c.identify(ctx, presented)
	}
	names, err := c.proven(ctx, product, presented)
	if err != nil {
		return store.Login{}, err
	}
	if !slices.Contains(names, name) {
		return store.Login{}, cota.Errorf(cota.Forbidden, "the client certificate is of another device")
	}
	return c.enabled(ctx, product, name)
}

// identify finds the one device that a certificate belongs to.
func (c *Control) identify(ctx context.Context, presented []*x509.Certificate) (found store.Login, err error) {
	products, err := c.trusting(ctx, presented)
	if err != nil {
		return found, err
	}
	refused := error(cota.Errorf(cota.Forbidden, "no product trusts the CA of the client certificate"))
	for _, product := range products {
		names, err := c.proven(ctx, product, presented)
		if refusal(err) {
			refused = err
			continue
		}
		if err != nil {
			return found, err
		}
		for _, name := range names {
			row, err := c.enabled(ctx, product, name)
			switch {
			case refusal(err):
				refused = err
				continue
			case err != nil:
				return found, err
			case found.ID != 0:
				return found, cota.Errorf(cota.Forbidden, "the client certificate is of more than one device; it takes a user name")
			}
			found = row
		}
	}
	if found.ID == 0 {
		return found, refused
	}
	return found, nil
}

// trusting finds the products that may trust a CA above a certificate.
func (c *Control) trusting(ctx context.Context, presented []*x509.Certificate) (products []string, err error) {
	for _, cert := range presented[:min(len(presented), cota.MaxChain)] {
		some, err := c.store.ProductsTrusting(ctx, cota.IssuerID(cert.RawIssuer), maxTrusting+1)
		if err != nil {
			return nil, err
		}
		products = append(products, some...)
	}
	slices.Sort(products)
	products = slices.Compact(products)
	if len(products) > maxTrusting {
		return nil, cota.Errorf(cota.Forbidden, "more than %d products trust the CA of the client certificate; it takes a user name", maxTrusting)
	}
	return products, nil
}

// refusal reports whether err is of a device that is not let in, and not of us.
func refusal(err error) bool {
	switch cota.CodeOf(err) {
	case cota.Forbidden, cota.NotFound, cota.Disabled, cota.Unauthenticated:
		return true
	}
	return false
}

// proven is what a certificate that a product trusts proves: the names of its
// owner.
func (c *Control) proven(ctx context.Context, product string, presented []*x509.Certificate) (names []string, err error) {
	cas, err := c.store.CA(ctx, product)
	if err != nil {
		return nil, err
	}
	if len(cas) == 0 {
		return nil, ErrNoCA
	}
	chains, err := cota.VerifyDevice(presented, cas, time.Now())
	if err != nil {
		return nil, err
	}
	for _, chain := range chains {
		revoked, err := c.revoked(ctx, product, chain)
		if err != nil {
			return nil, err
		}
		if !revoked {
			return cota.DeviceNames(presented[0]), nil
		}
	}
	return nil, cota.Errorf(cota.Forbidden, "the client certificate or one above it is revoked")
}

// revoked reports whether any but the last of a chain is, which is the one that
// the product trusts by itself.
func (c *Control) revoked(ctx context.Context, product string, chain []*x509.Certificate) (bool, error) {
	for _, cert := range chain[:len(chain)-1] {
		r := cota.Revocation{Serial: cota.SerialOf(cert), Issuer: cota.IssuerID(cert.RawIssuer)}
		if revoked, err := c.store.Revoked(ctx, product, r); revoked || err != nil {
			return revoked, err
		}
	}
	return false, nil
}

// enabled is a device that may sign in once it has proven who it is.
func (c *Control) enabled(ctx context.Context, product, name string) (store.Login, error) {
	row, _, err := c.login(ctx, product, name, func(string) bool { return true })
	return row, err
}
