package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
)

// noFiles is a file door that nobody gets in at.
func noFiles(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("the file door is shut")
}

// A whole update needs no download: every device of a crowd that takes small
// files in messages applies them, and is on record as any other.
func TestPushWithoutADownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 50)
		c := sim.Run(context.Background(), sim.Options{
			Server: "mqtt:1883", ProductKey: product, Devices: devices, Dial: s.Dial, DialFiles: noFiles, Inline: true, Seed: 1,
		})
		defer c.Close()
		if err := c.WaitUntil(t.Context(), func(st sim.Stats) bool { return st.Connected == 50 }); err != nil {
			t.Fatal(err)
		}
		save(t, s, product, "{\n  \"interval\": 60\n}\n")
		p, err := s.StartPush(t.Context(), product, 0)
		must(t, err)
		if p := watch(t, s, p.No); p.State != cota.Completed || p.Applied != 50 {
			t.Errorf("push ended as %+v; want all applied", p)
		}
		var kinds []cota.EventKind
		for e, err := range s.Events(t.Context(), product, devices[0].Name) {
			must(t, err)
			kinds = append(kinds, e.Kind)
		}
		for _, want := range []cota.Rung{cota.Sent, cota.Fetched, cota.Applied} {
			if !slices.Contains(kinds, cota.EventKind(want.String())) {
				t.Errorf("the timeline is %v; want %v in it", kinds, want)
			}
		}
	})
}

// The SDK asks and is pushed to without a download, and downloads what is too
// large for a message.
func TestDeviceWithoutADownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 1)
		downloads := 0
		files := *s.Files
		files.Transport = counting{s.Files.Transport, &downloads}
		d, err := device.Dial(t.Context(), device.Options{
			Server: "tcp://mqtt:1883", ProductKey: product, DeviceName: devices[0].Name, DeviceSecret: devices[0].Secret,
			Dial: s.Dial, HTTPClient: &files, Inline: true,
		})
		must(t, err)
		defer d.Close()
		const small = "{\n\t\"name\": \"Z\u00e4hler \\\\ \\\"1\\\"\"\n}\n"
		save(t, s, product, small)
		c, err := d.Config(t.Context())
		must(t, err)
		if string(c.Content) != small || c.SHA256 != cota.Digest(small) || downloads != 0 {
			t.Errorf("Config = %q with %d downloads; want the file with none", c.Content, downloads)
		}
		handled := make(chan device.Config, 1)
		served := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			served <- d.Serve(ctx, func(_ context.Context, c device.Config) error { handled <- c; return nil })
		}()
		push, err := s.StartPush(t.Context(), product, 0)
		must(t, err)
		if c := <-handled; string(c.Content) != small || downloads != 0 {
			t.Errorf("pushed %q with %d downloads; want the file with none", c.Content, downloads)
		}
		if p := watch(t, s, push.No); p.Applied != 1 {
			t.Errorf("push ended as %+v; want it applied", p)
		}
		large := `{"a":"` + strings.Repeat("x", 10_000) + `"}`
		save(t, s, product, large)
		if c, err := d.Config(t.Context()); err != nil || string(c.Content) != large || downloads != 1 {
			t.Errorf("Config of %d bytes: %d, %v with %d downloads; want it with one", len(large), len(c.Content), err, downloads)
		}
		stop()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve = %v", err)
		}
	})
}

// counting counts the requests that go through it.
type counting struct {
	http.RoundTripper
	n *int
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.n++
	return c.RoundTripper.RoundTrip(r)
}
