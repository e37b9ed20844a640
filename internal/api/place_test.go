package api_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/sms"
	"github.com/cotahq/cota/internal/store"
)

// site is an API in a bubble of time, that people come to from places.
type site struct {
	*testing.T
	store   *store.Store
	control *control.Control
	handler http.Handler
	log     *bytes.Buffer
	product string // switched on, with a version and no cool-down
}

// bubble runs a test of a site by a clock of its own.
func bubble(t *testing.T, options func(*control.Options, *api.Options), fn func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { fn(t, newSite(t, options)) })
}

func newSite(t *testing.T, options func(*control.Options, *api.Options)) *site {
	t.Helper()
	s := &site{T: t, log: new(bytes.Buffer)}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.store, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "cota.db"), Key: make([]byte, 32), Log: log})
	s.must(err)
	t.Cleanup(func() { s.must(s.store.Close(context.Background())) })
	co := control.Options{Store: s.store, FilesURL: "http://files.example", Log: log}
	ao := api.Options{Store: s.store, Log: log, Version: "test", Hosts: api.Hosts{"site"}}
	if options != nil {
		options(&co, &ao)
	}
	s.control, err = control.New(t.Context(), co)
	s.must(err)
	ao.Control = s.control
	s.handler = api.New(ao)
	_, err = s.control.EnsureAdmin(t.Context(), password)
	s.must(err)
	p, _, err := s.control.AddProduct(t.Context(), admin, cota.DefaultInstance, "meter")
	s.must(err)
	s.product = p.Key
	on, none := true, int64(0)
	s.must(s.control.SetConfig(t.Context(), admin, p.Key, &on, &cota.PolicyPatch{CooldownSeconds: &none}))
	s.save(`{"n": 1}`)
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) save(content string) {
	s.Helper()
	_, err := s.control.SaveVersion(s.Context(), admin, s.product, control.Draft{Content: content})
	s.must(err)
}

func (s *site) code(what string, err error, want cota.Code) {
	s.Helper()
	if got := cota.CodeOf(err); got != want {
		s.Errorf("%s: error %v, code %q; want code %q", what, err, got, want)
	}
}

// browser is a browser that asks the site from an address.
type browser struct {
	*client.Client
	s      *site
	addr   string
	header http.Header             // sent with every request
	stolen map[string]string       // cookies sent in place of its own
	kept   map[string]*http.Cookie // the last of each name that it was given
}

// from is a new browser at an address, which nobody has signed in with.
func (s *site) from(addr string) *browser {
	b := &browser{s: s, addr: addr, header: http.Header{}, stolen: map[string]string{}, kept: map[string]*http.Cookie{}}
	b.Client = client.New("http://site", "").Through(b)
	return b
}

// signedIn is a new browser at an address, with a session of an account.
func (s *site) signedIn(addr, account string) *browser {
	s.Helper()
	b := s.from(addr)
	b.signIn(account)
	return b
}

func (b *browser) signIn(account string) {
	b.s.Helper()
	_, err := b.SignIn(b.s.Context(), account, password)
	b.s.must(err)
}

// RoundTrip carries a request to the site.
func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RemoteAddr = b.addr
	for name, values := range b.header {
		r.Header[name] = values
	}
	if len(b.stolen) > 0 {
		r.Header.Del("Cookie")
		for name, value := range b.stolen {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	b.s.handler.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		b.kept[c.Name] = c
	}
	resp.Request = r
	return resp, nil
}

// push starts a push of a version that is saved for it.
func (b *browser) push() error {
	b.s.Helper()
	p, err := b.StartPush(b.s.Context(), b.s.product, 0)
	if err == nil {
		b.s.save(`{"n": ` + number(p.No+1) + `}`)
	}
	return err
}

// asked is the challenge that stands before a push.
func (b *browser) asked() cota.Challenge {
	b.s.Helper()
	err := b.push()
	e, ok := errors.AsType[*cota.Error](err)
	if !ok || e.Code != cota.VerificationRequired || e.Challenge == nil {
		b.s.Fatalf("StartPush: %v; want verification_required with a challenge", err)
	}
	return *e.Challenge
}

// prove passes the challenge that stands before a push, with the code in the
// log.
func (b *browser) prove() {
	b.s.Helper()
	_, err := b.Verify(b.s.Context(), b.asked().ID, b.s.logged())
	b.s.must(err)
}

// logged is the last code in the log.
func (s *site) logged() string {
	s.Helper()
	m := code.FindStringSubmatch(s.log.String())
	if m == nil {
		s.Fatal("no code in the log")
	}
	return m[1]
}

// codes is how many codes are in the log.
func (s *site) codes() int { return strings.Count(s.log.String(), `msg="verification code"`) }

// wrong is a code that right is not.
func wrong(right string) string {
	if right == "000000" {
		return "000001"
	}
	return "000000"
}

// phones is an operator's service that sends codes to phones.
type phones struct {
	last sms.Message
	sent int
	down error
}

func (*phones) Kind() string { return sms.KindWebhook }

func (p *phones) Send(_ context.Context, m sms.Message) error {
	if p.down != nil {
		return p.down
	}
	p.last = m
	p.sent++
	return nil
}
