package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// password is the administrator's.
const password = "correct horse"

var admin = control.Actor{Name: control.FirstAccount, Account: control.FirstAccount, Role: cota.Admin}

// world is an API before a real store.
type world struct {
	*testing.T
	store   *store.Store
	control *control.Control
	server  *httptest.Server
	done    chan struct{}
	log     *bytes.Buffer        // read it when no request is on its way
	tokens  map[cota.Role]string // of the administrator, with lesser roles
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, done: make(chan struct{}), log: new(bytes.Buffer), tokens: map[cota.Role]string{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.store, err = store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "cota.db"), Key: make([]byte, 32), Log: log})
	w.must(err)
	t.Cleanup(func() { w.store.Close(t.Context()) })
	w.control, err = control.New(t.Context(), control.Options{Store: w.store, FilesURL: "http://files.example", Log: log})
	w.must(err)
	_, err = w.control.EnsureAdmin(t.Context(), password)
	w.must(err)
	for role := cota.Viewer; role <= cota.Admin; role++ {
		_, w.tokens[role], err = w.control.AddToken(t.Context(), admin, cota.Token{Name: role.String(), Role: role})
		w.must(err)
	}
	w.server = httptest.NewServer(api.New(api.Options{
		Control: w.control, Store: w.store, Online: func(string) int { return 7 }, Messages: said, Done: w.done, Log: log, Version: "test", MQTTPort: 1883, FilesURL: "http://files",
	}))
	t.Cleanup(w.server.Close)
	return w
}

// said is a message of the device with this id.
func said(id int64) []cota.Message {
	return []cota.Message{{Direction: cota.Up, Topic: "t", QoS: 1, Payload: fmt.Sprint(id)}}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// as is a client whose token has a role.
func (w *world) as(role cota.Role) *client.Client { return client.New(w.server.URL, w.tokens[role]) }

// code is the last that went to the log.
var code = regexp.MustCompile(`(?s).* msg="verification code" .* code=(\d{6}) `)

// verify has the session of c pass a verification.
func (w *world) verify(c *client.Client) {
	w.Helper()
	_, _, err := c.AddToken(w.Context(), client.NewToken{Name: "a", Role: cota.Viewer})
	e, ok := errors.AsType[*cota.Error](err)
	sent := code.FindStringSubmatch(w.log.String())
	if !ok || e.Challenge == nil || sent == nil {
		w.Fatalf("AddToken: %v, code %v; want a challenge", err, sent)
	}
	_, err = c.Verify(w.Context(), e.Challenge.ID, sent[1])
	w.must(err)
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as an administrator, unless header has an
// Authorization: "" is none. A body goes as JSON.
func (w *world) ask(method, path, body string, header ...string) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.server.URL+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+w.tokens[cota.Admin])
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// into reads the body of an answer.
func (w *world) into(a answer, v any) {
	w.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		w.Fatalf("read %s: %v", a.body, err)
	}
}

// refused checks that an answer is a problem with this status and code.
func (w *world) refused(what string, a answer, status int, code cota.Code) {
	w.Helper()
	var p struct {
		Status        int
		Code          cota.Code
		Title, Detail string
	}
	w.into(a, &p)
	if a.status != status || p.Status != status || p.Code != code {
		w.Errorf("%s = %d %s; want %d %s", what, a.status, a.body, status, code)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		w.Errorf("%s: Content-Type %q; want application/problem+json", what, got)
	}
	if p.Title != http.StatusText(status) || p.Detail == "" {
		w.Errorf("%s = %s; want the title %q and a detail", what, a.body, http.StatusText(status))
	}
}

// code checks that err is a refusal with this code.
func (w *world) code(what string, err error, want cota.Code) {
	w.Helper()
	if got := cota.CodeOf(err); got != want {
		w.Errorf("%s: error %v, code %q; want code %q", what, err, got, want)
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// all reads a list to its end.
func all[T any](t testing.TB, list iter.Seq2[T, error]) (found []T) {
	t.Helper()
	for one, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	return found
}

// product adds a product with devices dev-000001 and so on.
func (w *world) product(devices int) string {
	w.Helper()
	p, _, err := w.control.AddProduct(w.Context(), admin, cota.DefaultInstance, w.Name()+time.Now().Format(" .000000000"))
	w.must(err)
	if devices > 0 {
		_, err := w.control.AddNumberedDevices(w.Context(), admin, p.Key, "dev-", devices)
		w.must(err)
	}
	return p.Key
}

// pushed adds a product of which a version is being pushed.
func (w *world) pushed(devices int) (product string, push cota.Push) {
	w.Helper()
	product = w.product(devices)
	on, none := true, int64(0)
	w.must(w.control.SetConfig(w.Context(), admin, product, &on, &cota.PolicyPatch{CooldownSeconds: &none}))
	return product, w.saveAndPush(product, `{"n": 1}`)
}

func (w *world) saveAndPush(product, content string) cota.Push {
	w.Helper()
	_, err := w.control.SaveVersion(w.Context(), admin, product, control.Draft{Content: content})
	w.must(err)
	push, err := w.control.StartPush(w.Context(), admin, product, 0)
	w.must(err)
	return push
}

// climb records that a device of a push's product stands on a rung.
func (w *world) climb(push cota.Push, name string, rung cota.Rung) {
	w.Helper()
	d, err := w.store.Device(w.Context(), push.Product, name)
	w.must(err)
	w.must(w.store.Record(w.Context(), store.Report{
		Device: d.ID, At: time.Now(), Kind: cota.EventKind(rung.String()), Push: push.No, Version: push.Version, Rung: rung,
	}))
	w.must(w.store.Flush(w.Context()))
}

var discard = slog.New(slog.DiscardHandler)
