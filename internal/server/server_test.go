package server_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
)

// fleet adds an enabled product with n devices.
func fleet(t *testing.T, s *servertest.Server, n int) (product string, devices []sim.Credentials) {
	t.Helper()
	p, err := s.AddProduct(t.Context(), "", "meter")
	if err != nil {
		t.Fatal(err)
	}
	on := true
	if _, err := s.SetConfig(t.Context(), p.Key, client.ConfigPatch{Enabled: &on}); err != nil {
		t.Fatal(err)
	}
	all, err := s.AddNumberedDevices(t.Context(), p.Key, "dev-", n)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		devices = append(devices, sim.Credentials{Name: c.Name, Secret: c.Secret})
	}
	return p.Key, devices
}

func save(t *testing.T, s *servertest.Server, product, text string) cota.Version {
	t.Helper()
	v, err := s.SaveVersion(t.Context(), product, client.Draft{Content: text})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func crowd(t *testing.T, s *servertest.Server, product string, devices []sim.Credentials) *sim.Crowd {
	t.Helper()
	c := sim.Run(context.Background(), sim.Options{
		Server: "mqtt:1883", ProductKey: product, Devices: devices, Dial: s.Dial, DialFiles: s.DialFiles, Seed: 1,
	})
	t.Cleanup(c.Close)
	if err := c.WaitUntil(t.Context(), func(st sim.Stats) bool { return st.Connected == len(devices) }); err != nil {
		t.Fatal(err)
	}
	return c
}

// watch follows a push to its end.
func watch(t *testing.T, s *servertest.Server, no int64) (last cota.Push) {
	t.Helper()
	for p, err := range s.Watch(t.Context(), no) {
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	return last
}

func TestPushReachesEveryDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 100)
		crowd(t, s, product, devices)
		save(t, s, product, `{"interval": 60}`)
		p, err := s.StartPush(t.Context(), product, 0)
		if err != nil {
			t.Fatal(err)
		}
		if p := watch(t, s, p.No); p.State != cota.Completed || p.Applied != 100 || p.Total != 100 {
			t.Errorf("push ended as %+v; want all applied", p)
		}
	})
}

func TestCooldownLastsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 3)
		crowd(t, s, product, devices)
		save(t, s, product, `{"n": 1}`)
		first, err := s.StartPush(t.Context(), product, 0)
		if err != nil {
			t.Fatal(err)
		}
		watch(t, s, first.No)
		save(t, s, product, `{"n": 2}`)
		time.Sleep(time.Until(first.StartedAt.Add(time.Hour - time.Second)))
		_, err = s.StartPush(t.Context(), product, 0)
		if e, ok := err.(*cota.Error); !ok || e.Code != cota.Cooldown || !e.Until.Equal(first.StartedAt.Add(time.Hour)) {
			t.Fatalf("a second too soon: %v; want cooldown until the hour is over", err)
		}
		time.Sleep(time.Second)
		second, err := s.StartPush(t.Context(), product, 0)
		if err != nil {
			t.Fatalf("after an hour: %v", err)
		}
		if p := watch(t, s, second.No); p.Applied != 3 {
			t.Errorf("second push ended as %+v", p)
		}
	})
}

func TestLinkLivesHalfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, nil)
		product, devices := fleet(t, s, 1)
		const text = `{"n": 1}`
		save(t, s, product, text)
		d := &wire{t: t, s: s, product: product, device: devices[0]}
		nc := d.signIn()
		defer nc.Close()
		url := d.askForLink(nc)
		start := time.Now()
		get := func() (int, string) {
			t.Helper()
			res, err := s.Files.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode, string(body)
		}
		time.Sleep(time.Until(start.Add(30*time.Minute - 2*time.Second)))
		if status, body := get(); status != http.StatusOK || body != text {
			t.Errorf("just before half an hour: %d %q", status, body)
		}
		time.Sleep(2 * time.Second)
		if status, _ := get(); status != http.StatusForbidden {
			t.Errorf("after half an hour: %d; want 403", status)
		}
	})
}

func TestRestartGoesOnWithThePush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o server.Options
		s := servertest.Start(t, func(p *server.Options) { o = *p })
		product, devices := fleet(t, s, 10)
		save(t, s, product, `{"n": 1}`)
		p, err := s.StartPush(t.Context(), product, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		s = servertest.Resume(t, o)
		if _, err := s.SignIn(t.Context(), "admin", servertest.AdminPassword); err != nil {
			t.Fatal(err)
		}
		if s.FirstPassword != "" {
			t.Error("the second start made an administrator again")
		}
		crowd(t, s, product, devices)
		if p := watch(t, s, p.No); p.Applied != 10 {
			t.Errorf("push ended as %+v; want all applied", p)
		}
	})
}

func TestDeviceSDK(t *testing.T) {
	s := servertest.Start(t, nil)
	product, devices := fleet(t, s, 1)
	addr := servertest.Forward(t, s.Dial)
	d, err := device.Dial(t.Context(), device.Options{
		Server: "tcp://" + addr, ProductKey: product, DeviceName: devices[0].Name, DeviceSecret: devices[0].Secret, HTTPClient: s.Files,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	save(t, s, product, `{"n": 1}`)
	conf, err := d.Config(t.Context())
	if err != nil || string(conf.Content) != `{"n": 1}` {
		t.Fatalf("Config() = %q, %v", conf.Content, err)
	}
	if err := d.Report(t.Context(), conf, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Device(t.Context(), product, devices[0].Name)
	if err != nil || got.ConfigVersion != 1 {
		t.Errorf("runs version %d, %v; want 1", got.ConfigVersion, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	applied := make(chan string, 1)
	go func() {
		served <- d.Serve(ctx, func(_ context.Context, c device.Config) error {
			applied <- string(c.Content)
			return nil
		})
	}()
	save(t, s, product, `{"n": 2}`)
	p, err := s.StartPush(t.Context(), product, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-applied; got != `{"n": 2}` {
		t.Errorf("handler got %q", got)
	}
	if p := watch(t, s, p.No); p.Applied != 1 {
		t.Errorf("push ended as %+v", p)
	}
	cancel()
	<-served
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, o *server.Options)
		want   string
	}{
		{"a data directory that is a file", func(t *testing.T, o *server.Options) {
			o.DataDir = filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(o.DataDir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "data directory"},
		{"a master key that is missing", func(t *testing.T, o *server.Options) {
			if err := os.WriteFile(filepath.Join(o.DataDir, "cota.db"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "master.key"},
		{"a master key that is damaged", func(t *testing.T, o *server.Options) {
			if err := os.WriteFile(filepath.Join(o.DataDir, "master.key"), []byte("00"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "hexadecimal"},
		{"links that would be too long", func(t *testing.T, o *server.Options) {
			o.FilesURL = "http://" + strings.Repeat("long.", 40) + "example.com"
		}, "too long"},
		{"a bound below nothing", func(t *testing.T, o *server.Options) { o.TakeoversPerDevice = -1 }, "must not be negative"},
		{"an address of files that is none", func(t *testing.T, o *server.Options) { o.FilesURL = "files.example.com" }, "http://host"},
		{"a certificate without a key", func(t *testing.T, o *server.Options) { o.TLS.Certs = []string{"cota.crt"} }, "tls-key"},
		{"a certificate that is not there", func(t *testing.T, o *server.Options) {
			o.TLS.Certs, o.TLS.Keys = []string{"cota.crt"}, []string{"cota.key"}
		}, "cota.crt"},
		{"old TLS without a certificate", func(t *testing.T, o *server.Options) { o.TLS.Legacy = true }, "tls-cert"},
		{"a management door over TLS without a certificate", func(t *testing.T, o *server.Options) { o.TLS.Management = true }, "tls-cert"},
		{"a file door over TLS without a certificate", func(t *testing.T, o *server.Options) { o.FilesTLS = pipenet.New("files") }, "tls-cert"},
		{"an address of files with a password", func(t *testing.T, o *server.Options) { o.FilesURL = "http://u:p@host" }, "no user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := servertest.Options(t)
			test.change(t, &o)
			_, err := server.Open(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("Open() = %v; want one line about %q", err, test.want)
			}
			if _, err := o.MQTT[0].Accept(); err == nil {
				t.Error("the doors stayed open")
			}
		})
	}
}

// There is no password that a new server has unless an operator chose it.
func TestFirstPasswordIsRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		o := servertest.Options(t)
		o.AdminPassword = ""
		s := servertest.Resume(t, o)
		if len(s.FirstPassword) < 26 || seen[s.FirstPassword] {
			t.Errorf("first password %q; want one of 128 random bits, and of its own", s.FirstPassword)
		}
		seen[s.FirstPassword] = true
		for _, guess := range []string{"", "admin", "cota", "password", servertest.AdminPassword} {
			if _, err := s.SignIn(t.Context(), "admin", guess); cota.CodeOf(err) != cota.Unauthenticated {
				t.Errorf("sign-in with %q: %v; want it refused", guess, err)
			}
		}
		if _, err := s.SignIn(t.Context(), "admin", s.FirstPassword); err != nil {
			t.Error(err)
		}
	}
}
