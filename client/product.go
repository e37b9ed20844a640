package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/cotahq/cota"
)

// Product is a product with the number of its devices that are connected now.
type Product struct {
	cota.Product
	Online int64 `json:"online"`
}

// NewProduct is a product with its ProductSecret, which is shown once.
type NewProduct struct {
	Product
	Secret string `json:"productSecret"`
}

// ListedProduct is a product with its last push; nil if there was none.
type ListedProduct struct {
	Product
	LastPush *cota.Push `json:"lastPush"`
}

// ProductFilter picks products. Its zero fields pick all.
type ProductFilter struct {
	Instance string
	Search   string // a part of the name, in any case, or the beginning of the key
}

// Products lists products, by key.
func (c *Client) Products(ctx context.Context, f ProductFilter) iter.Seq2[ListedProduct, error] {
	return list[ListedProduct](ctx, c, "products", "products", query{"instance": f.Instance, "q": f.Search})
}

// Product is the product with this key.
func (c *Client) Product(ctx context.Context, key string) (Product, error) {
	return call[Product](ctx, c, http.MethodGet, path("products", key), nil)
}

// AddProduct adds a product to an instance; "" is the default instance. Remote
// configuration is switched off for it.
func (c *Client) AddProduct(ctx context.Context, instance, name string) (NewProduct, error) {
	return c.ImportProduct(ctx, instance, name, "", "")
}

// ImportProduct is AddProduct for a product whose devices have a ProductKey
// and a ProductSecret already. The server makes the one that is "".
func (c *Client) ImportProduct(ctx context.Context, instance, name, key, secret string) (NewProduct, error) {
	in := struct {
		Name     string `json:"name"`
		Instance string `json:"instance,omitempty"`
		Key      string `json:"productKey,omitempty"`
		Secret   string `json:"productSecret,omitempty"`
	}{name, instance, key, secret}
	return call[NewProduct](ctx, c, http.MethodPost, "products", in)
}

// RenameProduct gives a product another name.
func (c *Client) RenameProduct(ctx context.Context, key, name string) (Product, error) {
	in := struct {
		Name string `json:"name"`
	}{name}
	return call[Product](ctx, c, http.MethodPatch, path("products", key), in)
}

// Registration changes what is not nil of a product's dynamic registration.
type Registration struct {
	Dynamic    *bool `json:"dynamicRegistration,omitempty"`    // listed devices get their secrets by the ProductSecret
	WithoutPre *bool `json:"withoutPreRegistration,omitempty"` // so do devices that are not listed
}

// SetRegistration turns a product's dynamic registration on or off.
func (c *Client) SetRegistration(ctx context.Context, key string, r Registration) (Product, error) {
	return call[Product](ctx, c, http.MethodPatch, path("products", key), r)
}

// RemoveProduct removes a product without devices.
func (c *Client) RemoveProduct(ctx context.Context, key string) error {
	return c.do(ctx, http.MethodDelete, path("products", key), nil, nil)
}
