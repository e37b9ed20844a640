package device_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/device"
)

func TestServe(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		handled, stop := s.serving(t, always(nil))
		defer stop()
		s.push(name, offerOf(content, "a"))
		c := <-handled
		if string(c.Content) != content {
			t.Errorf("handler was given %s; want %s", c.Content, content)
		}
		s.await("config/report")
		synctest.Wait()
		want := []string{
			"PUBACK",
			`PUBLISH q0 /sys/a1b2c3d4e5f/meter-1/thing/config/push_reply {"id":"7","code":200,"data":{}}`,
			`PUBLISH q1 /sys/a1b2c3d4e5f/meter-1/thing/config/report {"id":"1","version":"1.0","sys":{"ack":0},"params":{"configId":"` + c.ConfigID + `","state":"applied"},"method":"thing.config.report"}`,
		}
		got := s.said(name)[2:]
		if strings.Contains(got[0], "push_reply") { // either may be first
			got[0], got[1] = got[1], got[0]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("conversation (-want +got):\n%s", diff)
		}
	})
}

func TestServeReportsWhatHandlerReturns(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"error", errors.New(`no "register" 7`), `"state":"failed","message":"no \"register\" 7"`},
		{"failure with a code", fmt.Errorf("apply: %w", &device.Failure{Code: 100007, Err: errors.New("register 7")}), `"state":"failed","code":100007,"message":"apply: register 7"`},
		{"reverted", &device.Reverted{Err: errors.New("no network")}, `"state":"reverted","message":"no network"`},
		{"reverted with a code", &device.Reverted{Err: &device.Failure{Code: 100008}}, `"state":"reverted","code":100008,"message":"failed"`},
		{"busy", &device.Failure{Code: alink.CodeTooManyRequests, Err: errors.New("busy")}, `"state":"failed","code":429,"message":"busy"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
				handled, stop := s.serving(t, always(tt.err))
				defer stop()
				for range 2 { // what is not in force is handled again
					s.push(name, offerOf(content, "a"))
					<-handled
					if line := s.await("config/report"); !strings.Contains(line, tt.want) {
						t.Errorf("report = %s; want %s", line, tt.want)
					}
				}
			})
		})
	}
}

func TestServeReportsAgainWhatIsInForce(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		handled, stop := s.serving(t, always(nil))
		defer stop()
		for range 3 {
			s.push(name, offerOf(content, "a"))
			s.await("config/report", `"state":"applied"`)
		}
		if len(handled) != 1 || len(s.requested()) != 1 {
			t.Errorf("handled %d times after %d downloads; want once", len(handled), len(s.requested()))
		}
	})
}

func TestServeKnowsWhatWasReported(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		go s.answerGet(offerOf(content, "a"))
		c, err := s.Config(t.Context())
		if err == nil {
			err = s.Report(t.Context(), c, nil)
		}
		if err != nil {
			t.Fatalf("Config and Report: %v", err)
		}
		s.await("config/report")
		handled, stop := s.serving(t, always(nil))
		defer stop()
		s.push(name, offerOf(content, "b"))
		s.await("config/report")
		if len(handled) != 0 {
			t.Error("what was applied was handled again")
		}
		if err := s.Report(t.Context(), c, &device.Reverted{}); err != nil {
			t.Fatalf("Report() = %v", err)
		}
		s.await("config/report", `"state":"reverted"`)
		s.push(name, offerOf(content, "b"))
		<-handled // for it is not in force any more
	})
}

func TestServeNewestWins(t *testing.T) {
	files := func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/c/a":
			file(content)(w, r)
		case "/c/c":
			file(newer)(w, r)
		default:
			w.WriteHeader(503)
		}
	}
	play(t, device.Options{}, files, func(t *testing.T, s *stage) {
		results := make(chan error)
		handled, stop := s.serving(t, results)
		defer stop()

		// While the handler runs two come: the first is dropped.
		s.push(name, offerOf(content, "a"))
		<-handled
		s.push(name, offerOf(`{}`, "b"))
		s.push(name, offerOf(newer, "c"))
		synctest.Wait()
		if len(handled) != 0 {
			t.Fatal("handler was called while it ran")
		}
		results <- nil
		s.await("config/report", offerOf(content, "").ConfigID)
		if c := <-handled; string(c.Content) != newer {
			t.Errorf("handler was given %s; want %s", c.Content, newer)
		}
		results <- nil
		s.await("config/report", offerOf(newer, "").ConfigID)

		// A download that gets nowhere is given up for a newer one.
		s.push(name, offerOf(`{}`, "b"))
		time.Sleep(time.Minute) // the bubble's clock
		s.push(name, offerOf(content, "a"))
		<-handled
		results <- nil
		if line := s.await("config/report"); !strings.Contains(line, offerOf(content, "").ConfigID) {
			t.Errorf("report = %s; want one of the newest only", line)
		}
	})
}

func TestDownloads(t *testing.T) {
	first, second := content[:7], content[7:]
	refuse := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	cut := func(w http.ResponseWriter) { // in the middle
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.Write([]byte(first))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	rest := func(w http.ResponseWriter) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", len(first), len(content)-1, len(content)))
		w.WriteHeader(206)
		w.Write([]byte(second))
	}
	all := func(w http.ResponseWriter) { w.Write([]byte(content)) }
	other := func(w http.ResponseWriter) { w.Write([]byte(newer)) }
	longer := func(w http.ResponseWriter) { w.Write([]byte(content + " ")) }

	const a = "/c/a"
	tests := []struct {
		name    string
		answers []func(http.ResponseWriter) // the last for ever
		gets    []string                    // nil: not counted
		report  string
		after   time.Duration // at least
	}{
		{"cut off, and resumed", []func(http.ResponseWriter){cut, rest}, []string{a, a + " bytes=7-"}, `"applied"`, 0},
		{"cut off, and not resumed", []func(http.ResponseWriter){cut, all}, []string{a, a + " bytes=7-"}, `"applied"`, 0},
		{"range refused", []func(http.ResponseWriter){cut, refuse(416), all}, []string{a, a + " bytes=7-", a}, `"applied"`, 0},
		{"server in trouble", []func(http.ResponseWriter){refuse(503), refuse(429), refuse(500), all}, []string{a, a, a, a}, `"applied"`, 2 * time.Second},
		{"link refused", []func(http.ResponseWriter){refuse(403)}, []string{a}, `"failed","code":-2,`, 0},
		{"link refused after trouble", []func(http.ResponseWriter){refuse(503), refuse(403)}, []string{a, a}, `"failed","code":-2,`, 0},
		{"trouble for longer than links live", []func(http.ResponseWriter){refuse(503)}, nil, `"failed","code":-2,`, 29 * time.Minute},
		{"wrong digest once", []func(http.ResponseWriter){other, all}, []string{a, a}, `"applied"`, 0},
		{"wrong digest again", []func(http.ResponseWriter){other, other, all}, []string{a, a}, `"failed","code":-3,`, 0},
		{"wrong size", []func(http.ResponseWriter){longer, longer, all}, []string{a, a}, `"failed","code":-3,`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := func(n int, w http.ResponseWriter, r *http.Request) {
				tt.answers[min(n, len(tt.answers))-1](w)
			}
			play(t, device.Options{}, files, func(t *testing.T, s *stage) {
				_, stop := s.serving(t, always(nil))
				defer stop()
				began := time.Now()
				s.push(name, offerOf(content, "a"))
				line := s.await("config/report")
				if !strings.Contains(line, tt.report) {
					t.Errorf("report = %s; want %s", line, tt.report)
				}
				if strings.Contains(line, "http") || strings.Contains(line, "/c/a") {
					t.Errorf("report = %s; want no link in it", line)
				}
				if took := time.Since(began); took < tt.after {
					t.Errorf("reported after %v; want %v at least", took, tt.after)
				}
				if diff := cmp.Diff(tt.gets, s.requested()); tt.gets != nil && diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestFreshLinkIsUsedWhenTheOldOneIsRefused(t *testing.T) {
	files := func(_ int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/c/b":
			file(content)(w, r)
		case time.Since(time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC)) < 0:
			w.WriteHeader(503)
		default:
			w.WriteHeader(403)
		}
	}
	play(t, device.Options{}, files, func(t *testing.T, s *stage) {
		handled, stop := s.serving(t, always(nil))
		defer stop()
		s.push(name, offerOf(content, "a"))
		synctest.Wait()
		s.push(name, offerOf(content, "b"))
		if line := s.await("config/report"); !strings.Contains(line, `"applied"`) {
			t.Errorf("report = %s; want applied", line)
		}
		if len(handled) != 1 {
			t.Errorf("handled %d times; want once", len(handled))
		}
	})
}

func TestOffersThatAreNotAcceptable(t *testing.T) {
	play(t, device.Options{MaxSize: 10}, serves(content), func(t *testing.T, s *stage) {
		_, stop := s.serving(t, always(nil))
		defer stop()
		s.push(name, offerOf(content, "a"))
		s.await("config/report", `"failed","code":460,"message":"configuration of 15 bytes is larger than 10"`)
		md5 := strings.Replace(string(alink.AppendPush(nil, offerOf(`{}`, "a"))), "Sha256", "Md5", 1)
		s.send(name, alink.ConfigPush, []byte(md5))
		s.await("config/report", `"failed","code":460,"message":"sign method \"Md5\" is not Sha256"`)
		s.send(name, alink.ConfigPush, []byte(`{"id":"9","params":{}}`))
		s.await("push_reply", `{"id":"9","code":460,"data":{}}`)
		if got := s.requested(); len(got) != 0 {
			t.Errorf("downloads = %q; want none", got)
		}
	})
}

func TestReportIsRepeatedUntilAcknowledged(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		s.set(func() { s.silent = true })
		reported := make(chan error)
		c := device.Config{ConfigID: offerOf(content, "").ConfigID}
		go func() { reported <- s.Report(t.Context(), c, nil) }()
		first := s.await("config/report")
		s.await("config/report") // after a while without acknowledgement
		s.set(func() { s.silent = false })
		s.drop(name)
		if third := s.await("config/report"); third != first {
			t.Errorf("repeated report = %s; want %s", third, first)
		}
		if err := <-reported; err != nil {
			t.Errorf("Report() = %v", err)
		}

		s.set(func() { s.silent = true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Report(ctx, c, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Report() without acknowledgement = %v; want deadline exceeded", err)
		}
	})
}

func TestPushBeforeServeIsNotLost(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		s.push(name, offerOf(content, "a"))
		s.await("push_reply")
		_, stop := s.serving(t, always(nil))
		defer stop()
		s.await("config/report", `"applied"`)
	})
}
