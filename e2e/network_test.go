package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/sim"
)

// badNetwork is what lies between some devices and the server.
type badNetwork struct {
	name   string
	toxics []string // of toxiproxy, each on both ways
	halves bool     // connections are half closed by the devices
}

var badNetworks = []badNetwork{
	{name: "latency of 0 to 2 s", toxics: []string{`{"type": "latency", "attributes": {"latency": 1000, "jitter": 1000}}`}},
	{name: "resets and cuts", toxics: []string{
		`{"type": "reset_peer", "toxicity": 0.1, "attributes": {"timeout": 400}}`, // which lets nothing through before
		`{"type": "limit_data", "toxicity": 0.15, "attributes": {"bytes": 420}}`,
	}},
	{name: "1 KB/s", toxics: []string{`{"type": "bandwidth", "attributes": {"rate": 1}}`}},
	{name: "slices of 1 to 5 bytes", toxics: []string{`{"type": "slicer", "attributes": {"average_size": 3, "size_variation": 2, "delay": 300}}`}},
	{name: "half-closes", halves: true},
}

const (
	badDevices = 100 // on each bad network, and so many of them use the SDK:
	badSDKs    = 4
)

// TestBadNetworks has 500 devices sign in, fetch and report across networks of
// five kinds of badness, all at once: they converge all the same.
func TestBadNetworks(t *testing.T) {
	s := start(t)
	product, _ := s.productWithDevice("network")
	all, err := s.AddNumberedDevices(t.Context(), product, "dev-", badDevices*len(badNetworks))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"pad": %q}`, strings.Repeat("x", 1500))
	push := s.saveAndPush(product, text)
	begun := time.Now()
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	var crowds []*sim.Crowd
	var sdks sync.WaitGroup
	defer sdks.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i, bad := range badNetworks {
		door := bad.before(t, proxies, s.ports[1])
		files := bad.before(t, proxies, s.ports[2])
		mine := all[i*badDevices : (i+1)*badDevices]
		for _, id := range mine[:badSDKs] {
			sdks.Go(func() { serveSDK(ctx, t, product, id, door, files) })
		}
		devices := make([]sim.Credentials, 0, badDevices)
		for _, id := range mine[badSDKs:] {
			devices = append(devices, sim.Credentials{Name: id.Name, Secret: id.Secret})
		}
		crowd := sim.Run(ctx, sim.Options{
			Server: s.ports[1], ProductKey: product, Devices: devices, Seed: uint64(i), Dial: door, DialFiles: files,
			Log: slog.New(slog.DiscardHandler),
		})
		defer crowd.Close()
		crowds = append(crowds, crowd)
	}
	want := int64(badDevices * len(badNetworks))
	eventually(t, func(ctx context.Context) error {
		p, err := s.Push(ctx, push.No)
		if err == nil && p.Applied != want {
			err = fmt.Errorf("the push counts %+v; want %d applied; not: %q", p.Counts, want, s.laggards(push.No))
		}
		return err
	})
	s.recount(product, push.No)
	for i, crowd := range crowds {
		st := crowd.Stats()
		t.Logf("%s: %d devices with %d reconnections and %d downloads tried again; from offer to acknowledged report %v in the middle, %v at most",
			badNetworks[i].name, badDevices, st.Reconnects, st.Retries, st.Latency.P50.Round(time.Millisecond), st.Latency.Max.Round(time.Millisecond))
	}
	t.Logf("%d devices had applied after %v", want, time.Since(begun).Round(time.Millisecond))
	if log := s.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
		t.Error("the server's log has an error")
	}
}

// laggards names a few devices that were told of a push and have not applied
// it.
func (s *server) laggards(no int64) (names []string) {
	s.t.Helper()
	for d, err := range s.PushDevices(s.t.Context(), no, nil) {
		if err == nil && d.State != cota.Applied && d.State != cota.Pending && len(names) < 10 {
			names = append(names, fmt.Sprintf("%s %v, online %t, since %v", d.Name, d.State, d.Online, d.ConnectedAt))
		}
	}
	return names
}

// dial makes a connection, wherever it is asked for.
type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// before puts a bad network before a door, and returns the way across it.
func (n badNetwork) before(t *testing.T, proxies *toxiproxy.ApiServer, door string) dial {
	t.Helper()
	proxy := toxiproxy.NewProxy(proxies, n.name, "127.0.0.1:0", door)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	for i, toxic := range n.toxics {
		for _, stream := range []string{"upstream", "downstream"} {
			toxic := fmt.Sprintf(`{"name": "%d %s", "stream": %q, %s`, i, stream, stream, toxic[1:])
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatal(err)
			}
		}
	}
	to := proxy.Listen // with the port that it found
	if n.halves {
		to = door // toxiproxy closes whole what is half closed
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, to)
		if err == nil && n.halves && rand.IntN(3) == 0 {
			time.AfterFunc(rand.N(time.Second), func() { nc.(*net.TCPConn).CloseWrite() })
		}
		return nc, err
	}
}

// serveSDK has the device SDK apply what comes.
func serveSDK(ctx context.Context, t *testing.T, product string, id cota.Credentials, door, files dial) {
	for ctx.Err() == nil {
		d, err := device.Dial(ctx, device.Options{
			Server: "mqtt://127.0.0.1:1", ProductKey: product, DeviceName: id.Name, DeviceSecret: id.Secret,
			Dial: door, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: files, DisableKeepAlives: true}},
		})
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		d.Serve(ctx, func(context.Context, device.Config) error { return nil }) // ends with ctx
		d.Close()
	}
}
