package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/cotahq/cota"
)

// Config is the remote configuration of a product: its switch, what is saved
// and pushed, and its limits.
type Config struct {
	Enabled    bool          `json:"enabled"`
	Current    *cota.Version `json:"current"`    // without content; nil: nothing saved yet
	LastPush   *cota.Push    `json:"lastPush"`   // nil: none yet
	NextPushAt *time.Time    `json:"nextPushAt"` // end of the cool-down; nil: now
	Policy     cota.Policy   `json:"policy"`
}

// ConfigPatch changes what is not nil.
type ConfigPatch struct {
	Enabled *bool             `json:"enabled,omitempty"`
	Policy  *cota.PolicyPatch `json:"policy,omitempty"`
}

// Draft is a configuration to be saved.
type Draft struct {
	Content string
	Note    string
	// Base is the number of the version that the text was made from, 0 for
	// none: if another one is current by now, the save is refused with Stale.
	// Nil saves whatever has come between.
	Base *int64
}

// Config is the remote configuration of a product.
func (c *Client) Config(ctx context.Context, product string) (Config, error) {
	return call[Config](ctx, c, http.MethodGet, path("products", product, "config"), nil)
}

// SetConfig turns the switch of a product, or changes its policy. Switching
// off stops the running push; switching on sends nothing by itself.
func (c *Client) SetConfig(ctx context.Context, product string, patch ConfigPatch) (Config, error) {
	return call[Config](ctx, c, http.MethodPatch, path("products", product, "config"), patch)
}

// Versions lists the versions of a product that are kept, newest first,
// without their contents.
func (c *Client) Versions(ctx context.Context, product string) iter.Seq2[cota.Version, error] {
	return list[cota.Version](ctx, c, path("products", product, "config", "versions"), "versions", nil)
}

// Version is a version of a product with its content.
func (c *Client) Version(ctx context.Context, product string, number int64) (cota.Version, error) {
	at := path("products", product, "config", "versions", strconv.FormatInt(number, 10))
	return call[cota.Version](ctx, c, http.MethodGet, at, nil)
}

// SaveVersion saves a configuration as the product's current version.
func (c *Client) SaveVersion(ctx context.Context, product string, d Draft) (v cota.Version, err error) {
	in := struct {
		Content string `json:"content"`
		Note    string `json:"note,omitempty"`
	}{d.Content, d.Note}
	header := http.Header{}
	if d.Base != nil {
		header.Set("If-Match", fmt.Sprintf("%q", strconv.FormatInt(*d.Base, 10)))
	}
	err = c.send(ctx, http.MethodPost, path("products", product, "config", "versions"), header, in, &v)
	return v, err
}
