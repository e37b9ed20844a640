package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/cotahq/cota"
)

// DeviceFilter chooses devices. The zero filter chooses all.
type DeviceFilter struct {
	Prefix string     // of the name
	Online *bool      // connected now, or not
	State  *cota.Rung // where it stands in the product's push
}

// Devices lists devices of a product, by name.
func (c *Client) Devices(ctx context.Context, product string, f DeviceFilter) iter.Seq2[cota.Device, error] {
	q := query{"prefix": f.Prefix}
	if f.Online != nil {
		q["online"] = strconv.FormatBool(*f.Online)
	}
	if f.State != nil {
		q["state"] = f.State.String()
	}
	return list[cota.Device](ctx, c, path("products", product, "devices"), "devices", q)
}

// Device is the device of a product with this name.
func (c *Client) Device(ctx context.Context, product, name string) (cota.Device, error) {
	return call[cota.Device](ctx, c, http.MethodGet, path("products", product, "devices", name), nil)
}

type newDevices struct {
	Names   []string           `json:"deviceNames,omitempty"`
	Devices []cota.Credentials `json:"devices,omitempty"`
	Count   int                `json:"count,omitempty"`
	Prefix  string             `json:"prefix,omitempty"`
}

// AddDevices adds devices of these names, all or none, and returns what they
// sign in with. Secrets are shown once.
func (c *Client) AddDevices(ctx context.Context, product string, names ...string) ([]cota.Credentials, error) {
	return c.addDevices(ctx, product, newDevices{Names: names})
}

// AddNumberedDevices adds n devices named prefix ("" is dev-) and a number,
// which goes on from the greatest there is.
func (c *Client) AddNumberedDevices(ctx context.Context, product, prefix string, n int) ([]cota.Credentials, error) {
	return c.addDevices(ctx, product, newDevices{Count: n, Prefix: prefix})
}

// ImportDevices adds devices with the secrets that they have already, all or
// none.
func (c *Client) ImportDevices(ctx context.Context, product string, devices ...cota.Credentials) error {
	_, err := c.addDevices(ctx, product, newDevices{Devices: devices})
	return err
}

func (c *Client) addDevices(ctx context.Context, product string, in newDevices) ([]cota.Credentials, error) {
	var out struct {
		Devices []cota.Credentials `json:"devices"`
	}
	err := c.do(ctx, http.MethodPost, path("products", product, "devices"), in, &out)
	return out.Devices, err
}

type devicePatch struct {
	Disabled    *bool `json:"disabled,omitempty"`
	ResetSecret bool  `json:"resetSecret,omitempty"`
}

type patchedDevice struct {
	cota.Device
	Secret string `json:"deviceSecret"`
}

// DisableDevice disables a device, which ends its connection, or enables it.
func (c *Client) DisableDevice(ctx context.Context, product, name string, disabled bool) (cota.Device, error) {
	d, err := c.patchDevice(ctx, product, name, devicePatch{Disabled: &disabled})
	return d.Device, err
}

// ResetDeviceSecret gives a device a new secret, which is shown once, and ends
// its connection.
func (c *Client) ResetDeviceSecret(ctx context.Context, product, name string) (secret string, err error) {
	d, err := c.patchDevice(ctx, product, name, devicePatch{ResetSecret: true})
	return d.Secret, err
}

func (c *Client) patchDevice(ctx context.Context, product, name string, in devicePatch) (patchedDevice, error) {
	return call[patchedDevice](ctx, c, http.MethodPatch, path("products", product, "devices", name), in)
}

// RemoveDevice removes a device with its timeline and ends its connection.
func (c *Client) RemoveDevice(ctx context.Context, product, name string) error {
	return c.do(ctx, http.MethodDelete, path("products", product, "devices", name), nil, nil)
}

// Subdevices lists the devices behind a device, in the order in which they were
// made.
func (c *Client) Subdevices(ctx context.Context, product, gateway string) iter.Seq2[cota.Device, error] {
	return list[cota.Device](ctx, c, path("products", product, "devices", gateway, "subdevices"), "devices", nil)
}

// DetachDevice takes a device out from behind its gateway, which ends its
// connection through it.
func (c *Client) DetachDevice(ctx context.Context, product, name string) error {
	return c.do(ctx, http.MethodDelete, path("products", product, "devices", name, "gateway"), nil, nil)
}

// Events lists the timeline of a device, newest first.
func (c *Client) Events(ctx context.Context, product, device string) iter.Seq2[cota.Event, error] {
	return list[cota.Event](ctx, c, path("products", product, "devices", device, "events"), "events", nil)
}

// Messages are the last that a device and the node that answers exchanged,
// newest first.
func (c *Client) Messages(ctx context.Context, product, device string) ([]cota.Message, error) {
	var out struct {
		Messages []cota.Message `json:"messages"`
	}
	err := c.do(ctx, http.MethodGet, path("products", product, "devices", device, "messages"), nil, &out)
	return out.Messages, err
}
