package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/cotahq/cota"
)

// Instance is an instance with what it holds.
type Instance struct {
	cota.Instance
	Products int64 `json:"products"`
	Devices  int64 `json:"devices"` // registered
	Online   int64 `json:"online"`  // connected now
	Running  int64 `json:"running"` // pushes on their way
}

// InstancePatch changes what is not nil.
type InstancePatch struct {
	Name        *string `json:"name,omitempty"`
	Environment *string `json:"environment,omitempty"`
}

// Instances lists all instances, by id.
func (c *Client) Instances(ctx context.Context) iter.Seq2[Instance, error] {
	return list[Instance](ctx, c, "instances", "instances", nil)
}

// Instance is the instance with this id.
func (c *Client) Instance(ctx context.Context, id string) (Instance, error) {
	return call[Instance](ctx, c, http.MethodGet, path("instances", id), nil)
}

// AddInstance adds an instance with i's id, name and environment; ""
// environment is production.
func (c *Client) AddInstance(ctx context.Context, i cota.Instance) (Instance, error) {
	in := struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Environment string `json:"environment,omitempty"`
	}{i.ID, i.Name, i.Environment}
	return call[Instance](ctx, c, http.MethodPost, "instances", in)
}

// SetInstance changes an instance.
func (c *Client) SetInstance(ctx context.Context, id string, patch InstancePatch) (Instance, error) {
	return call[Instance](ctx, c, http.MethodPatch, path("instances", id), patch)
}

// RemoveInstance removes an instance without products.
func (c *Client) RemoveInstance(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, path("instances", id), nil, nil)
}
