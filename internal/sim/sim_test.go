package sim_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/sim"
)

const content = `{"interval":60}`

// offerOf is an offer of a configuration with a link that serves body.
func offerOf(body string) alink.Config {
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	return alink.Config{ConfigID: digest[:32], Size: int64(len(body)), Sign: digest, URL: "http://files/c/token"}
}

func crowdOf(n int) []sim.Credentials {
	all := make([]sim.Credentials, n)
	for i := range all {
		all[i] = sim.Credentials{Name: fmt.Sprintf("dev-%d", i), Secret: "secret"}
	}
	return all
}

// stage is a scripted server, a file server and a crowd in one bubble.
type stage struct {
	*peer
	crowd *sim.Crowd
	gets  atomic.Int64 // requests for files
}

func play(t *testing.T, o sim.Options, files http.HandlerFunc, act func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		broker, http := pipenet.New("peer"), pipenet.New("peer")
		s.peer = newPeer(t, broker)
		stop := serveFiles(http, func(w httpWriter, r *httpRequest) {
			s.gets.Add(1)
			files(w, r)
		})
		if o.Devices == nil {
			o.Devices = crowdOf(1)
		}
		o.ProductKey, o.Server = productKey, "broker:1883"
		o.Dial, o.DialFiles = broker.Dial, http.Dial
		s.crowd = sim.Run(t.Context(), o)
		act(s)
		s.crowd.Close()
		if got := s.crowd.Stats().Connected; got != 0 {
			t.Errorf("after Close %d devices are connected; want 0", got)
		}
		s.close()
		stop()
	})
}

type (
	httpWriter  = http.ResponseWriter
	httpRequest = http.Request
)

func (s *stage) until(ok func(sim.Stats) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Hour)
	defer cancel()
	if err := s.crowd.WaitUntil(ctx, ok); err != nil {
		s.t.Fatalf("WaitUntil() = %v with %+v", err, s.crowd.Stats())
	}
}

func connected(n int) func(sim.Stats) bool {
	return func(s sim.Stats) bool { return s.Connected == n }
}

func applied(n int64) func(sim.Stats) bool {
	return func(s sim.Stats) bool { return s.Applied == n }
}

func failed(n int64) func(sim.Stats) bool {
	return func(s sim.Stats) bool { return s.Failed == n }
}

func topic(name string) string { return "/sys/" + productKey + "/" + name + "/thing/config/" }

func TestPushIsFetchedAppliedAndReported(t *testing.T) {
	play(t, sim.Options{Devices: crowdOf(50), ApplyMin: time.Second, ApplyMax: 3 * time.Second}, file(content), func(s *stage) {
		s.until(connected(50))
		for _, d := range crowdOf(50) {
			s.push(d.Name, offerOf(content))
		}
		s.until(applied(50))
		got := s.crowd.Stats()
		l := got.Latency
		if l.P50 < time.Second || l.P95 < l.P50 || l.P99 < l.P95 || l.Max < l.P99 || l.Max > 3*time.Second {
			t.Errorf("Stats().Latency = %+v; want it to grow from 1 s to 3 s", l)
		}
		got.Latency = sim.Latency{}
		want := sim.Stats{Devices: 50, Connected: 50, Connects: 50, Offers: 50, Fetched: 50, Applied: 50}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Stats() (-want +got):\n%s", diff)
		}
	})
}

func TestSameConfigurationIsReportedAgainUnfetched(t *testing.T) {
	play(t, sim.Options{}, file(content), func(s *stage) {
		s.until(connected(1))
		for range 2 {
			s.push("dev-0", offerOf(content))
			s.await("config/report", `"state":"applied"`)
		}
		synctest.Wait()
		if got := s.crowd.Stats(); got.Fetched != 1 || got.Applied != 1 || s.gets.Load() != 1 {
			t.Errorf("Stats() = %+v after %d downloads; want one fetched and applied", got, s.gets.Load())
		}
	})
}

func TestUnacknowledgedReportIsRepeatedAfterReconnect(t *testing.T) {
	play(t, sim.Options{}, file(content), func(s *stage) {
		s.until(connected(1))
		s.set(func() { s.silent = true })
		s.push("dev-0", offerOf(content))
		first := s.await("config/report")
		synctest.Wait()
		if got := s.crowd.Stats().Applied; got != 0 {
			t.Errorf("Stats().Applied = %d before the acknowledgement; want 0", got)
		}
		s.set(func() { s.silent = false })
		s.drop("dev-0")
		if second := s.await("config/report"); second != first {
			t.Errorf("repeated report = %s; want %s", second, first)
		}
		s.until(applied(1))
		if got := s.crowd.Stats(); got.Reconnects != 1 || got.Connects != 2 {
			t.Errorf("Stats() = %+v; want one reconnect", got)
		}
	})
}

func TestReconnectsWithBackoff(t *testing.T) {
	play(t, sim.Options{Devices: crowdOf(20)}, file(content), func(s *stage) {
		s.until(connected(20))
		s.set(func() { s.code = mqtt.ServerUnavailable })
		began := time.Now()
		for _, d := range crowdOf(20) {
			s.drop(d.Name)
		}
		s.until(func(n sim.Stats) bool { return n.Refused >= 20*5 })
		if took := time.Since(began); took < 8*time.Second {
			t.Errorf("5 refusals of each of 20 devices took %v; want pauses that double", took)
		}
		s.set(func() { s.code = mqtt.Success })
		s.until(connected(20))
		if got := s.crowd.Stats().Reconnects; got != 20 {
			t.Errorf("Stats().Reconnects = %d; want 20", got)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	play(t, sim.Options{KeepAlive: time.Minute}, file(content), func(s *stage) {
		s.until(connected(1))
		time.Sleep(10*time.Minute + time.Second) // the bubble's clock
		n := strings.Count(strings.Join(s.said("dev-0"), "\n"), "PINGREQ")
		if n != 10 {
			t.Errorf("%d pings in ten minutes; want 10", n)
		}
		if got := s.crowd.Stats().Connects; got != 1 {
			t.Errorf("Stats().Connects = %d; want 1", got)
		}
	})
}

func TestChance(t *testing.T) {
	results := make([]sim.Stats, 2)
	for i := range results {
		o := sim.Options{Devices: crowdOf(100), Seed: 7, FailRatio: 0.3, IgnoreRatio: 0.2, ApplyMax: time.Minute}
		play(t, o, file(content), func(s *stage) {
			s.until(connected(100))
			for _, d := range crowdOf(100) {
				s.push(d.Name, offerOf(content))
			}
			s.until(func(n sim.Stats) bool { return n.Offers == 100 })
			time.Sleep(2 * time.Minute) // the bubble's clock
			results[i] = s.crowd.Stats()
		})
	}
	got := results[0]
	if got.Failed < 10 || got.Failed > 40 || got.Applied+got.Failed < 70 || got.Applied+got.Failed > 90 {
		t.Errorf("Stats() = %+v; want about 20 devices that ignore and 24 that fail", got)
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Errorf("the same seed gives different results:\n%s", diff)
	}
}

func TestDownloadFailures(t *testing.T) {
	tests := []struct {
		name  string
		files func(n int64) http.HandlerFunc // for the nth request
		gets  int64
		code  string // of the report; "": applied
	}{
		{"refused link", func(int64) http.HandlerFunc { return status(403) }, 1, `"code":-2`},
		{"server in trouble twice", func(n int64) http.HandlerFunc {
			if n <= 2 {
				return status(503)
			}
			return file(content)
		}, 3, ""},
		{"wrong digest once", func(n int64) http.HandlerFunc {
			if n == 1 {
				return file(`{"interval":61}`)
			}
			return file(content)
		}, 2, ""},
		{"wrong digest again", func(int64) http.HandlerFunc { return file(`{"interval":61}`) }, 2, `"code":-3`},
		{"another size", func(int64) http.HandlerFunc { return file(`{}`) }, 2, `"code":-3`},
		{"no length", func(int64) http.HandlerFunc { return chunked }, 10, `"code":-2`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int64
			files := func(w http.ResponseWriter, r *http.Request) { tt.files(n.Add(1))(w, r) }
			play(t, sim.Options{}, files, func(s *stage) {
				s.until(connected(1))
				s.push("dev-0", offerOf(content))
				line := s.await("config/report")
				if want := `"state":"applied"`; tt.code == "" && !strings.Contains(line, want) || !strings.Contains(line, tt.code) {
					t.Errorf("report = %s; want code %q", line, tt.code)
				}
				if got := s.gets.Load(); got != tt.gets {
					t.Errorf("%d downloads; want %d", got, tt.gets)
				}
			})
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func chunked(w http.ResponseWriter, r *http.Request) {
	w.(http.Flusher).Flush()
	w.Write([]byte(content))
}

func TestNewestWins(t *testing.T) {
	const newer = `{"interval":30}`
	files := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/c/newer" {
			file(newer)(w, r)
			return
		}
		file(content)(w, r)
	}
	play(t, sim.Options{ApplyMin: time.Minute}, files, func(s *stage) {
		s.until(connected(1))
		s.push("dev-0", offerOf(content))
		s.until(func(n sim.Stats) bool { return n.Fetched == 1 })
		o := offerOf(newer)
		o.URL = "http://files/c/newer"
		s.push("dev-0", o)
		if line := s.await("config/report"); !strings.Contains(line, o.ConfigID) {
			t.Errorf("report = %s; want one of the newer configuration, %s", line, o.ConfigID)
		}
		s.until(applied(1))
	})
}

func TestFreshLinkIsUsed(t *testing.T) {
	files := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/c/token" {
			w.WriteHeader(503)
			return
		}
		file(content)(w, r)
	}
	play(t, sim.Options{}, files, func(s *stage) {
		s.until(connected(1))
		s.push("dev-0", offerOf(content))
		s.until(func(n sim.Stats) bool { return n.Retries == 1 })
		o := offerOf(content)
		o.URL = "http://files/c/fresh"
		s.push("dev-0", o)
		s.until(applied(1))
	})
}

func TestAsk(t *testing.T) {
	play(t, sim.Options{Ask: true}, file(content), func(s *stage) {
		s.await("config/get")
		o := offerOf(content)
		o.ID = "1"
		s.send("dev-0", alink.ConfigGetReply, alink.AppendGetReply(nil, o))
		s.until(applied(1))
	})
}

func TestRate(t *testing.T) {
	play(t, sim.Options{Devices: crowdOf(101), Rate: 10}, file(content), func(s *stage) {
		began := time.Now()
		s.until(connected(101))
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("101 connections at 10 a second took %v; want 10s", took)
		}
	})
}

func TestFailureIsReported(t *testing.T) {
	play(t, sim.Options{FailRatio: 1}, file(content), func(s *stage) {
		s.until(connected(1))
		s.push("dev-0", offerOf(content))
		s.until(failed(1))
		s.await("config/report", `"state":"failed"`, `"code":100001`)
	})
}
