package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/bench/load"
	"github.com/cotahq/cota/client"
)

// password is that of the administrator of servers that live as long as a
// run, on loopback.
const password = "measured, not kept"

// seed is the data of a server that was never used: a product with devices,
// some of which can sign in.
type seed struct {
	dir     string
	product string
	token   string
	fleet   string // file of the devices that can sign in
	count   int    // of them
}

// cotaServer is the server that all this is about.
type cotaServer struct {
	*client.Client
	p        *process
	seed     *seed
	mqtt     netip.AddrPort
	files    netip.AddrPort
	http     netip.AddrPort
	size     int // of a configuration
	saved    int // configurations so far
	push     int64
	extra    []string // flags
	inline   bool     // devices take small files in the push itself
	profiled bool     // with the door of profiles, at
	pprof    netip.AddrPort
}

func (s *cotaServer) name() string      { return "cota" }
func (s *cotaServer) process() *process { return s.p }

// start runs the server on a copy of the seed.
func (s *cotaServer) start(ctx context.Context, r *rig) error {
	dir := r.file("cota")
	if out, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", s.seed.dir, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the seed: %w: %s", err, out)
	}
	s.saved = 0
	if err := s.serve(ctx, r, dir); err != nil {
		return err
	}
	s.Client = client.New("http://"+s.http.String(), s.seed.token)
	return nil
}

// serve runs the server on a directory.
func (s *cotaServer) serve(ctx context.Context, r *rig, dir string) (err error) {
	for _, addr := range []*netip.AddrPort{&s.mqtt, &s.files, &s.http, &s.pprof} {
		if *addr, err = freeAddr(); err != nil {
			return err
		}
	}
	args := append([]string{
		"serve", "--data", dir, "--http", s.http.String(), "--mqtt", s.mqtt.String(), "--files", s.files.String(),
		"--files-url", "http://" + s.files.String(), "--push-rate", "0", "--verification", "off", "--log", "error",
		"--refusals-per-address", "0", "--refusals-per-device", "0", "--takeovers-per-device", "0",
	}, append(s.extra, r.serveFlags...)...)
	if s.profiled {
		args = append(args, "--pprof", s.pprof.String())
	}
	env := []string{"COTA_ADMIN_PASSWORD=" + password}
	if s.p, err = startProcess(ctx, r.file("cota.log"), env, r.cota, args...); err != nil {
		return err
	}
	return await(ctx, s.p, s.ready)
}

func (s *cotaServer) ready() bool {
	resp, err := http.Get("http://" + s.http.String() + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *cotaServer) connect() load.Connect {
	return load.Connect{Addr: s.mqtt.String(), Speech: load.Cota, Devices: s.seed.fleet, Inline: s.inline}
}

// prepare saves a configuration that was never pushed.
func (s *cotaServer) prepare(ctx context.Context) error {
	s.saved++
	_, err := s.SaveVersion(ctx, s.seed.product, client.Draft{Content: document(s.saved, s.size)})
	return err
}

// document is a JSON document of size bytes.
func document(number, size int) string {
	head := fmt.Sprintf(`{"number":%d,"filling":"`, number)
	return head + strings.Repeat("x", max(0, size-len(head)-2)) + `"}`
}

// tell starts a push. That pushes go out with QoS 1 is for the server to say.
func (s *cotaServer) tell(ctx context.Context, _ byte) error {
	p, err := s.StartPush(ctx, s.seed.product, 0)
	s.push = p.No
	return err
}

// told waits until every device that was told is on record.
func (s *cotaServer) told(ctx context.Context, connections int) error {
	return s.progress(ctx, func(p cota.Push) bool { return int(p.Sent+p.Received+p.Fetched+p.Applied) >= connections })
}

// progress waits until the push has come so far.
func (s *cotaServer) progress(ctx context.Context, ok func(cota.Push) bool) error {
	for deadline := time.Now().Add(startTimeout); ; {
		p, err := s.Push(ctx, s.push)
		if err != nil || ok(p) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("push %d stands still: sent %d, received %d, fetched %d, applied %d", p.No, p.Sent, p.Received, p.Fetched, p.Applied)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// devicePage is how many devices the API adds at a time.
const devicePage = 10_000

// newSeed makes a product with devices. As many as signIn of them, evenly
// spread, can sign in.
func newSeed(ctx context.Context, r *rig, registered, signIn int) (*seed, error) {
	dir, err := r.folder("seed")
	if err != nil {
		return nil, err
	}
	s := &cotaServer{}
	if err := s.serve(ctx, r, dir); err != nil {
		return nil, err
	}
	out := &seed{dir: dir, fleet: filepath.Join(r.dir, filepath.Base(dir)+".json"), count: signIn}
	if err := out.fill(ctx, s, registered); err != nil {
		return nil, err
	}
	return out, s.p.stop()
}

func (d *seed) fill(ctx context.Context, s *cotaServer, registered int) error {
	s.Client = client.New("http://"+s.http.String(), "")
	if _, err := s.SignIn(ctx, "admin", password); err != nil {
		return err
	}
	var err error
	if _, d.token, err = s.AddToken(ctx, client.NewToken{Name: "bench", Role: cota.Admin}); err != nil {
		return err
	}
	p, err := s.AddProduct(ctx, cota.DefaultInstance, "bench")
	if err != nil {
		return err
	}
	d.product = p.Key
	if _, err := s.SetConfig(ctx, p.Key, client.ConfigPatch{Enabled: new(true), Policy: &cota.PolicyPatch{CooldownSeconds: new(int64(0))}}); err != nil {
		return err
	}
	return d.register(ctx, s, 0, registered)
}

// register adds devices until the product has as many as it should.
func (d *seed) register(ctx context.Context, s *cotaServer, from, to int) error {
	fleet := load.Fleet{Product: d.product}
	every := max(1, (to-from)/d.count)
	for from < to {
		// The numbers behind one prefix have six digits.
		prefix := fmt.Sprintf("dev%d-", from/500_000)
		added, err := s.AddNumberedDevices(ctx, d.product, prefix, min(devicePage, to-from))
		if err != nil {
			return fmt.Errorf("add devices: %w", err)
		}
		for i, c := range added {
			if (from+i)%every == 0 && len(fleet.Devices) < d.count {
				fleet.Devices = append(fleet.Devices, load.Credentials{Name: c.Name, Secret: c.Secret})
			}
		}
		from += len(added)
	}
	text, err := json.Marshal(fleet)
	if err != nil {
		return err
	}
	return os.WriteFile(d.fleet, text, 0o600)
}
