package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/cotahq/cota"
)

// CA is what a product trusts to issue certificates to its devices.
func (c *Client) CA(ctx context.Context, product string) (cota.CA, error) {
	return call[cota.CA](ctx, c, http.MethodGet, path("products", product, "ca"), nil)
}

// SetCA has a product trust the CAs whose certificates are given in PEM, and
// no others.
func (c *Client) SetCA(ctx context.Context, product, pem string) (cota.CA, error) {
	in := struct {
		PEM string `json:"pem"`
	}{pem}
	return call[cota.CA](ctx, c, http.MethodPut, path("products", product, "ca"), in)
}

// RemoveCA has a product trust no CA, and forget what was revoked.
func (c *Client) RemoveCA(ctx context.Context, product string) error {
	return c.do(ctx, http.MethodDelete, path("products", product, "ca"), nil, nil)
}

// Revoked lists the serial numbers of a product's certificates that are
// revoked.
func (c *Client) Revoked(ctx context.Context, product string) iter.Seq2[string, error] {
	return list[string](ctx, c, path("products", product, "ca", "revoked"), "serials", nil)
}

// SetRevoked replaces that list, whichever CA of the product issued the
// certificates. Connections of devices that signed in by one are closed.
func (c *Client) SetRevoked(ctx context.Context, product string, serials []string) (cota.CA, error) {
	in := struct {
		Serials []string `json:"serials"`
	}{append([]string{}, serials...)}
	return call[cota.CA](ctx, c, http.MethodPut, path("products", product, "ca", "revoked"), in)
}

// AddRevoked adds to that list.
func (c *Client) AddRevoked(ctx context.Context, product string, serials ...string) (cota.CA, error) {
	in := struct {
		Serials []string `json:"serials"`
	}{append([]string{}, serials...)}
	return call[cota.CA](ctx, c, http.MethodPost, path("products", product, "ca", "revoked"), in)
}

// RemoveRevoked takes a serial number off that list, however it came there: the
// certificate counts again.
func (c *Client) RemoveRevoked(ctx context.Context, product, serial string) error {
	return c.do(ctx, http.MethodDelete, path("products", product, "ca", "revoked", serial), nil, nil)
}

// SetCRL is SetRevoked with a list in PEM, which a CA of the product has
// signed.
func (c *Client) SetCRL(ctx context.Context, product, crl string) (cota.CA, error) {
	in := struct {
		CRL string `json:"crl"`
	}{crl}
	return call[cota.CA](ctx, c, http.MethodPut, path("products", product, "ca", "revoked"), in)
}
