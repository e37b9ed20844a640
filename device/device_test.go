package device_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
)

const (
	name    = "meter-1"
	content = `{"interval":60}`
	newer   = `{"interval":30}`
)

// offerOf is an offer of a configuration; its link is the path on the file
// server.
func offerOf(body, path string) alink.Config {
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	return alink.Config{ConfigID: digest[:32], Size: int64(len(body)), Sign: digest, URL: "http://files/c/" + path}
}

// stage is a scripted server, a file server and a device in one bubble.
type stage struct {
	*peer
	*device.Device

	mu   sync.Mutex
	gets []string // requests for files: path and range; guarded by mu
}

// play sets a stage. files serves the nth request, counted from 1.
func play(t *testing.T, o device.Options, files func(n int, w http.ResponseWriter, r *http.Request), act func(*testing.T, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		broker, httpd := pipenet.New("peer"), pipenet.New("peer")
		s := &stage{peer: newPeer(t, broker)}
		stop := serveFiles(httpd, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.gets = append(s.gets, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
			n := len(s.gets)
			s.mu.Unlock()
			files(n, w, r)
		})
		o.Server, o.ProductKey, o.DeviceName, o.DeviceSecret = "tcp://broker:1883", productKey, name, "secret"
		o.Dial = broker.Dial
		o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: httpd.Dial, DisableKeepAlives: true}}
		d, err := device.Dial(t.Context(), o)
		if err != nil {
			t.Fatalf("Dial() = %v", err)
		}
		s.Device = d
		act(t, s)
		if err := d.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		s.close()
		stop()
	})
}

func serves(body string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, r *http.Request) { file(body)(w, r) }
}

// serving runs Serve with a handler that returns what results brings, and
// passes on what it is given.
func (s *stage) serving(t *testing.T, results <-chan error) (handled <-chan device.Config, stop func()) {
	configs := make(chan device.Config, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Serve(ctx, func(ctx context.Context, c device.Config) error {
			configs <- c
			select {
			case err := <-results:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return configs, func() {
		t.Helper()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve() = %v; want context.Canceled", err)
		}
	}
}

func always(err error) <-chan error {
	c := make(chan error, 16)
	for range cap(c) {
		c <- err
	}
	return c
}

func (s *stage) requested() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets
}

func TestDial(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		want := "CONNECT 3.1.1 clean=true keepalive=120 " + productKey + "." + name + "|securemode=3,signmethod=hmacsha256,_ss=1,lan=Go| "
		line := s.said(name)[0]
		if !strings.HasPrefix(line, want) {
			t.Errorf("first packet = %s; want %s", line, want)
		}
		words := strings.Fields(line)
		if login, err := alink.ParseLogin(words[4], words[5], words[6]); err != nil || !login.Verify("secret") {
			t.Errorf("login of %s does not verify (%v)", line, err)
		}
		filters := s.await("SUBSCRIBE")
		for _, f := range []string{"/thing/config/push q1", "/thing/config/get_reply q1"} {
			if !strings.Contains(filters, f) {
				t.Errorf("subscriptions = %s; want %s", filters, f)
			}
		}
	})
}

func TestDialRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := pipenet.New("peer")
		p := newPeer(t, broker)
		p.set(func() { p.code = mqtt.BadUserNameOrPassword })
		_, err := device.Dial(t.Context(), device.Options{
			Server: "mqtt://broker:1883", ProductKey: productKey, DeviceName: name, DeviceSecret: "guess", Dial: broker.Dial,
		})
		refusal, ok := errors.AsType[*device.Refusal](err)
		if !errors.Is(err, device.ErrRefused) || !ok || refusal.Code != 4 {
			t.Errorf("Dial() = %v; want a refusal of code 4", err)
		}
		p.close()
		if _, err = device.Dial(t.Context(), device.Options{
			Server: "mqtt://broker:1883", ProductKey: productKey, DeviceName: name, DeviceSecret: "guess", Dial: broker.Dial,
		}); err == nil || errors.Is(err, device.ErrRefused) {
			t.Errorf("Dial() without a server = %v; want an error of the network", err)
		}
	})
}

func TestDialBadOptions(t *testing.T) {
	for _, o := range []device.Options{
		{},
		{Server: "host:1883", ProductKey: productKey, DeviceName: name, DeviceSecret: "secret"},
		{Server: "http://host", ProductKey: productKey, DeviceName: name, DeviceSecret: "secret"},
		{Server: "tcp://host:1883", ProductKey: productKey, DeviceName: name},
		{Server: "tcp://host:1883", ProductKey: productKey, DeviceName: "a&b", DeviceSecret: "secret"},
	} {
		if _, err := device.Dial(t.Context(), o); err == nil {
			t.Errorf("Dial(%+v) = nil error; want one", o)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := device.Dial(ctx, device.Options{
			Server: "tcp://broker:1883", ProductKey: productKey, DeviceName: name, DeviceSecret: "secret",
			Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil },
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Dial() = %v after %v; want deadline exceeded after 1s", err, time.Since(began))
		}
	})
}

// answerGet answers the get that the device is about to send.
func (s *stage) answerGet(c alink.Config) {
	c.ID = idOf(s.await("config/get "))
	s.send(name, alink.ConfigGetReply, alink.AppendGetReply(nil, c))
}

// idOf is the id in a heard message.
func idOf(line string) string {
	_, rest, _ := strings.Cut(line, `{"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestConfig(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		go s.answerGet(offerOf(content, "a"))
		c, err := s.Config(t.Context())
		if err != nil || string(c.Content) != content || c.ConfigID != offerOf(content, "").ConfigID || c.SHA256 != offerOf(content, "").Sign {
			t.Errorf("Config() = %+v, %v; want %s", c, err, content)
		}
		go s.answerGet(offerOf(newer, "b"))
		if c, err = s.Config(t.Context()); err == nil {
			t.Errorf("Config() of another file than offered = %s; want an error", c.Content)
		}
		if f, ok := errors.AsType[*device.Failure](err); !ok || f.Code != alink.StepVerificationFailed {
			t.Errorf("Config() of another file than offered: %v; want a failure of code -3", err)
		}
	})
}

func TestConfigRefused(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		for _, code := range []alink.Code{alink.CodeConfigOff, alink.CodeNoData} {
			go func() {
				id := idOf(s.await("config/get "))
				s.send(name, alink.ConfigGetReply, alink.AppendGetError(nil, id, code))
			}()
			_, err := s.Config(t.Context())
			if e, ok := errors.AsType[*alink.Error](err); !ok || e.Code != code {
				t.Errorf("Config() = %v; want code %d", err, code)
			}
		}
	})
}

func TestConfigAsksAgain(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		go func() {
			s.await("config/get ") // not answered
			s.await("config/get ")
			s.drop(name)
			s.answerGet(offerOf(content, "a"))
		}()
		if c, err := s.Config(t.Context()); err != nil || string(c.Content) != content {
			t.Errorf("Config() = %+v, %v; want %s", c, err, content)
		}
	})
}

func TestClose(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		errs := make(chan error)
		go func() {
			_, err := s.Config(t.Context())
			errs <- err
		}()
		go func() { errs <- s.Serve(t.Context(), func(context.Context, device.Config) error { return nil }) }()
		s.await("config/get ")
		s.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, device.ErrClosed) {
				t.Errorf("a call on a closed device = %v; want ErrClosed", err)
			}
		}
		s.await("DISCONNECT")
	})
}

func TestOneServesAtATime(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		_, stop := s.serving(t, nil)
		defer stop()
		synctest.Wait()
		if err := s.Serve(t.Context(), nil); err == nil {
			t.Error("second Serve() = nil; want an error")
		}
	})
}

func TestReconnects(t *testing.T) {
	play(t, device.Options{}, serves(content), func(t *testing.T, s *stage) {
		_, stop := s.serving(t, always(nil))
		defer stop()
		s.await("SUBSCRIBE")
		s.set(func() { s.code = mqtt.ServerUnavailable })
		began := time.Now()
		s.drop(name)
		for range 6 {
			s.await("CONNECT")
		}
		if took := time.Since(began); took < 10*time.Second || took > time.Minute {
			t.Errorf("six refused attempts took %v; want pauses that double", took)
		}
		s.set(func() { s.code = mqtt.Success })
		s.await("SUBSCRIBE")
		synctest.Wait()
		s.push(name, offerOf(content, "a"))
		s.await("config/report", `"state":"applied"`)
	})
}

func TestOverTLS(t *testing.T) {
	files := httptest.NewTLSServer(file(content))
	defer files.Close()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", files.TLS)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, ln)
	defer p.close()
	o := device.Options{Server: "mqtts://" + ln.Addr().String(), ProductKey: productKey, DeviceName: name, DeviceSecret: "secret"}
	if _, err := device.Dial(t.Context(), o); err == nil {
		t.Error("Dial() of a server with an unknown certificate = nil; want an error")
	}
	roots := x509.NewCertPool()
	roots.AddCert(files.Certificate())
	o.TLSConfig = &tls.Config{RootCAs: roots}
	d, err := device.Dial(t.Context(), o)
	if err != nil {
		t.Fatalf("Dial() = %v", err)
	}
	defer d.Close()
	p.await("CONNECT", "securemode=2")
	go d.Serve(t.Context(), func(context.Context, device.Config) error { return nil })
	offer := offerOf(content, "")
	offer.URL = files.URL + "/c/token"
	p.push(name, offer)
	p.await("config/report", `"state":"applied"`)
}

// Over sockets, as it is in the field.
func TestOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	files, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, ln)
	defer p.close()
	defer serveFiles(files, file(content))()
	d, err := device.Dial(t.Context(), device.Options{
		Server: "tcp://" + ln.Addr().String(), ProductKey: productKey, DeviceName: name, DeviceSecret: "secret",
	})
	if err != nil {
		t.Fatalf("Dial() = %v", err)
	}
	defer d.Close()
	go d.Serve(t.Context(), func(_ context.Context, c device.Config) error {
		if string(c.Content) != content {
			return fmt.Errorf("got %s", c.Content)
		}
		return nil
	})
	o := offerOf(content, "")
	o.URL = "http://" + files.Addr().String() + "/c/token"
	p.push(name, o)
	p.await("config/report", `"state":"applied"`)
}
