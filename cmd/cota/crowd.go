package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/sim"
)

// crowd is the simulated devices of a product, as a file keeps them: a server
// shows secrets once.
type crowd struct {
	Product string            `json:"productKey"`
	Devices []sim.Credentials `json:"devices"`
}

// loadCrowd reads a crowd; one that was never saved is empty.
func loadCrowd(path string) (c crowd, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("read %s: %w", path, err)
	}
	return c, nil
}

// save writes the crowd for its owner's eyes only.
func (c crowd) save(path string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// grow adds devices to the product until the crowd has n.
func (c *crowd) grow(ctx context.Context, cl *client.Client, prefix string, n int) error {
	const most = 10_000 // at a time
	for len(c.Devices) < n {
		added, err := cl.AddNumberedDevices(ctx, c.Product, prefix, min(n-len(c.Devices), most))
		if err != nil {
			return err
		}
		for _, d := range added {
			c.Devices = append(c.Devices, sim.Credentials{Name: d.Name, Secret: d.Secret})
		}
	}
	return nil
}

// missing reports whether the server does not know the crowd: the file is of
// another server, or the devices were removed.
func (c *crowd) missing(ctx context.Context, cl *client.Client) (bool, error) {
	if len(c.Devices) == 0 {
		return false, nil
	}
	_, err := cl.Device(ctx, c.Product, c.Devices[len(c.Devices)-1].Name)
	if cota.CodeOf(err) == cota.NotFound {
		return true, nil
	}
	return false, err
}
