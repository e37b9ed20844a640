package load_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/cotahq/cota/bench/load"
)

// crowd serves jobs for the length of a test.
type crowd struct {
	t       *testing.T
	jobs    *json.Encoder
	reports *json.Decoder
}

func newCrowd(t *testing.T) *crowd {
	in, jobs := io.Pipe()
	reports, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- load.Serve(in, out) }()
	t.Cleanup(func() {
		jobs.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return &crowd{t, json.NewEncoder(jobs), json.NewDecoder(reports)}
}

func (c *crowd) do(j load.Job) load.Report {
	c.t.Helper()
	if err := c.jobs.Encode(j); err != nil {
		c.t.Fatal(err)
	}
	return c.report()
}

func (c *crowd) report() (r load.Report) {
	c.t.Helper()
	if err := c.reports.Decode(&r); err != nil {
		c.t.Fatal(err)
	}
	if r.Err != "" {
		c.t.Fatalf("the crowd reports %s", r.Err)
	}
	return r
}

// broker is one to be told by.
func broker(t *testing.T) (*mqtt.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	for _, err := range []error{b.AddHook(new(auth.AllowHook), nil), b.AddListener(listeners.NewNet("tcp", ln)), b.Serve()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { b.Close() })
	return b, ln.Addr().String()
}

func TestCrowdIsTold(t *testing.T) {
	const devices = 200
	b, addr := broker(t)
	c := newCrowd(t)
	up := c.do(load.Job{Connect: &load.Connect{Addr: addr, Speech: load.MQTT, Count: devices, Source: 99, QoS: 1}})
	if up.Count != devices || up.Took.Max == 0 {
		t.Fatalf("connect: %+v; want %d that took some time", up, devices)
	}
	c.do(load.Job{Join: "fleet"})
	for qos := range byte(2) {
		if r := c.do(load.Job{Expect: &load.Expect{Hold: qos == 1}}); !r.Listening {
			t.Fatalf("expect: %+v; want a crowd that listens", r)
		}
		if err := b.Publish("fleet", make([]byte, 300), false, qos); err != nil {
			t.Fatal(err)
		}
		r := c.report()
		if r.Count != devices || r.QoS != int(qos) || r.Stray != 0 || r.At.P50 < r.Began || r.At.Max > r.Ended {
			t.Errorf("told with QoS %d: %+v; want %d, once each, while it listened", qos, r, devices)
		}
	}
	if got := b.Info.Clone().Inflight; got != devices {
		t.Errorf("%d messages in flight while PUBACKs are held back; want %d", got, devices)
	}
	c.do(load.Job{Release: true})
	c.do(load.Job{Close: true})
}

func TestFetch(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%v", keep), func(t *testing.T) {
			const count, atOnce = 50, 4
			var connections atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat("x", 70_000)))
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			s.Start()
			t.Cleanup(s.Close)
			list := filepath.Join(t.TempDir(), "urls")
			if err := os.WriteFile(list, []byte(s.URL+"/a\n"+s.URL+"/b\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			r := newCrowd(t).do(load.Job{Fetch: &load.Fetch{URLs: list, Count: count, AtOnce: atOnce, KeepAlive: keep, Source: 99}})
			want := int32(count)
			if keep {
				want = atOnce
			}
			if r.Count != count || r.Bytes != 70_000 || connections.Load() != want {
				t.Errorf("fetch: %+v by %d connections; want %d of 70000 bytes by %d", r, connections.Load(), count, want)
			}
		})
	}
}
