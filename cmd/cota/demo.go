package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/sim"
)

// What the demonstration is made of.
const (
	demoInstance = "demo"
	demoProduct  = "smart-meter"
	demoDevices  = 200
	demoFile     = "demo.json" // in the data directory: product and devices
	demoPatience = 30 * time.Second
	demoTemplate = `{
  "report_interval_s": 60,
  "tariff": { "peak": "17:00-21:00", "off_peak": "23:00-06:00" },
  "display": { "language": "en", "backlight": true }
}
`
)

// demo runs simulated devices against the server: the first time it sets up a
// product and pushes to them, and later they only connect. They live until ctx
// ends.
func demo(ctx context.Context, s *server.Server, o server.Options, out, errs io.Writer) error {
	path := filepath.Join(o.DataDir, demoFile)
	crew, err := loadCrowd(path)
	if err != nil {
		return err
	}
	first := crew.Product == ""
	var cl *client.Client
	if first {
		if cl, err = demoClient(ctx, s, o); err != nil {
			return err
		}
		if err := setUpDemo(ctx, cl, &crew); err != nil {
			return err
		}
		if err := crew.save(path); err != nil {
			return err
		}
	}
	s0 := sim.Run(ctx, sim.Options{
		Server: local(o.MQTT[0].Addr()), ProductKey: crew.Product, Devices: crew.Devices, ApplyMax: 200 * time.Millisecond,
	})
	wait, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	all := len(crew.Devices)
	if err := s0.WaitUntil(wait, func(st sim.Stats) bool { return st.Connected == all }); err != nil {
		return fmt.Errorf("%d of %d simulated devices are connected: %w", s0.Stats().Connected, all, err)
	}
	fmt.Fprintf(out, "demo: %d simulated devices of product %s (%s) are connected\n", all, demoProduct, crew.Product)
	if !first {
		return nil
	}
	return demoPush(ctx, cl, crew.Product, out, errs)
}

// demoClient is a client that acts for the administrator, whose password is
// only known when the server is new, or given.
func demoClient(ctx context.Context, s *server.Server, o server.Options) (*client.Client, error) {
	password := s.FirstPassword
	if password == "" {
		password = o.AdminPassword
	}
	if password == "" {
		return nil, cota.Errorf(cota.Invalid, "%s was used without --demo; give COTA_ADMIN_PASSWORD or another --data", o.DataDir)
	}
	cl := client.New("http://"+local(o.HTTP.Addr()), "")
	_, err := cl.SignIn(ctx, "admin", password)
	return cl, err
}

func setUpDemo(ctx context.Context, cl *client.Client, crew *crowd) error {
	_, err := cl.AddInstance(ctx, cota.Instance{ID: demoInstance, Name: "Demonstration", Environment: "test"})
	if err != nil && cota.CodeOf(err) != cota.Exists {
		return err
	}
	p, err := cl.AddProduct(ctx, demoInstance, demoProduct)
	if err != nil {
		return err
	}
	crew.Product = p.Key
	return crew.grow(ctx, cl, "meter-", demoDevices)
}

func demoPush(ctx context.Context, cl *client.Client, product string, out, errs io.Writer) error {
	on := true
	if _, err := cl.SetConfig(ctx, product, client.ConfigPatch{Enabled: &on}); err != nil {
		return err
	}
	if _, err := cl.SaveVersion(ctx, product, client.Draft{Content: demoTemplate, Note: "first template"}); err != nil {
		return err
	}
	push, err := cl.StartPush(ctx, product, 0)
	if err != nil {
		return err
	}
	bar := newLadder(errs)
	for p, err := range cl.Watch(ctx, push.No) {
		if err != nil {
			return err
		}
		push = p
		bar.show(p)
	}
	bar.end()
	_, err = fmt.Fprintln(out, outcome(push))
	return err
}

func printStats(out io.Writer, s sim.Stats) {
	fmt.Fprintf(out, "%d of %d connected, %d refused, %d offers, %d fetched, %d applied, %d failed",
		s.Connected, s.Devices, s.Refused, s.Offers, s.Fetched, s.Applied, s.Failed)
	if s.Applied > 0 {
		round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
		fmt.Fprintf(out, "; offer to applied p50 %v, p95 %v, p99 %v, max %v",
			round(s.Latency.P50), round(s.Latency.P95), round(s.Latency.P99), round(s.Latency.Max))
	}
	fmt.Fprintln(out)
}

// local is where this machine reaches a door.
func local(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
