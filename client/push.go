package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/cotahq/cota"
)

// StartPush starts a Batch Update of a product's current version, which must
// be version unless that is 0.
func (c *Client) StartPush(ctx context.Context, product string, version int64) (cota.Push, error) {
	in := struct {
		Version int64 `json:"version,omitempty"`
	}{version}
	return call[cota.Push](ctx, c, http.MethodPost, path("products", product, "pushes"), in)
}

// PushFilter picks pushes. Its zero fields pick all.
type PushFilter struct {
	Product string // its key
	State   cota.PushState
}

// Pushes lists pushes, newest first.
func (c *Client) Pushes(ctx context.Context, f PushFilter) iter.Seq2[cota.Push, error] {
	return list[cota.Push](ctx, c, "pushes", "pushes", query{"product": f.Product, "state": string(f.State)})
}

// Push is the push with this number.
func (c *Client) Push(ctx context.Context, no int64) (cota.Push, error) {
	return call[cota.Push](ctx, c, http.MethodGet, pushPath(no), nil)
}

// Progress is when ever more devices of a push had applied it, by percent. Of
// percents that were passed at once only the highest is there.
func (c *Client) Progress(ctx context.Context, no int64) ([]cota.Milestone, error) {
	var out struct {
		Progress []cota.Milestone `json:"progress"`
	}
	err := c.do(ctx, http.MethodGet, pushPath(no)+"/progress", nil, &out)
	return out.Progress, err
}

// StopPush stops a running push: once it has returned, nothing more is sent.
func (c *Client) StopPush(ctx context.Context, no int64, reason string) (cota.Push, error) {
	in := struct {
		Reason string `json:"reason,omitempty"`
	}{reason}
	return call[cota.Push](ctx, c, http.MethodPost, pushPath(no)+"/stop", in)
}

// PushDevices lists the devices of a push's product, by name; with a state,
// only those that stand there in this push. A device that a newer push has
// reached since is shown where it stands in that one.
func (c *Client) PushDevices(ctx context.Context, no int64, state *cota.Rung) iter.Seq2[cota.Device, error] {
	q := query{}
	if state != nil {
		q["state"] = state.String()
	}
	return list[cota.Device](ctx, c, pushPath(no)+"/devices", "devices", q)
}

func pushPath(no int64) string { return path("pushes", strconv.FormatInt(no, 10)) }
