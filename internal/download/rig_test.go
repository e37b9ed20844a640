package download_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/download"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// engine is a way in which a Server serves.
type engine int

const (
	byHTTP engine = iota // net/http, over pipes
	asLoop               // what the loops go by, over pipes
	onLoop               // loops, over TCP
)

// bubble runs a test by a clock of its own, on every engine that takes one.
func bubble(t *testing.T, fn func(t *testing.T, e engine)) {
	t.Helper()
	t.Parallel()
	t.Run("net/http", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { fn(t, byHTTP) })
	})
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { fn(t, asLoop) })
	})
}

// everywhere runs a test that needs no clock on every engine.
func everywhere(t *testing.T, fn func(t *testing.T, e engine)) {
	t.Helper()
	bubble(t, fn)
	t.Run("loops", func(t *testing.T) {
		t.Parallel()
		fn(t, onLoop) // or net/http over TCP, where there are no loops
	})
}

// rig is a file door with all that is behind it: one enabled product with a
// version that is pushed, and one device.
type rig struct {
	t       *testing.T
	engine  engine
	dsn     string
	log     *lockedBuffer
	store   *store.Store
	control *control.Control
	server  *download.Server
	connect func(ctx context.Context, network, addr string) (net.Conn, error)
	links   int // so far
	product string
	device  control.Device
	version cota.Version
	push    cota.Push
}

func newRig(t *testing.T, e engine, content string) *rig {
	t.Helper()
	return newRigOf(t, e, content, download.Options{})
}

// newRigOf is newRig with a handler of these options.
func newRigOf(t *testing.T, e engine, content string, o download.Options) *rig {
	t.Helper()
	r := &rig{t: t, engine: e, dsn: storetest.Database(t, storetest.SQLiteEngine), log: new(lockedBuffer)}
	r.store = storetest.OpenDSN(t, r.dsn)
	ctx, log := t.Context(), slog.New(slog.NewTextHandler(r.log, nil))
	var err error
	r.control, err = control.New(ctx, control.Options{Store: r.store, FilesURL: "http://files.example.com", Log: log})
	r.must(err)
	o.Control, o.Log = r.control, log
	r.serve(download.New(o))
	p, _, err := r.control.AddProduct(ctx, control.System, cota.DefaultInstance, "meter")
	r.must(err)
	r.product = p.Key
	_, err = r.control.AddDevices(ctx, control.System, p.Key, []string{"dev-1"})
	r.must(err)
	r.enable(true)
	r.version, err = r.control.SaveVersion(ctx, control.System, p.Key, control.Draft{Content: content})
	r.must(err)
	r.push, err = r.control.StartPush(ctx, control.System, p.Key, 0)
	r.must(err)
	r.device = control.Device{ID: r.row().ID, Product: p.Key, Name: "dev-1"}
	return r
}

// serve serves as the server does: HTTP/1.1 only.
func (r *rig) serve(h *download.Handler) {
	r.t.Helper()
	one := new(http.Protocols)
	one.SetHTTP1(true)
	r.server = &download.Server{Files: h, HTTP: &http.Server{Handler: h, Protocols: one, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}}
	served := make(chan error, 1)
	if r.engine == onLoop {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		r.must(err)
		r.connect = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
		}
		go func() { served <- r.server.Serve(ln) }()
	} else {
		door := pipenet.New("files")
		r.t.Cleanup(func() { door.Close() })
		serve := r.server.Serve
		if r.engine == asLoop {
			serve = r.server.ServeAsLoops
		}
		r.connect = door.Dial
		go func() { served <- serve(door) }()
	}
	r.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what still goes on is nobody's
		r.must(r.server.Shutdown(ctx))
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			r.t.Error(err)
		}
	})
}

// lockedBuffer is a bytes.Buffer for many goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) enable(on bool) {
	r.t.Helper()
	r.must(r.control.SetConfig(r.t.Context(), control.System, r.product, &on, nil))
}

// token is a link's token, for what is pushed, for half an hour from now on, and
// a second more each time, so that each is another.
func (r *rig) token() string {
	more := time.Duration(r.links) * time.Second
	r.links++
	return string(r.control.AppendToken(nil, &r.device, control.Offer{
		Push: r.push.No, Version: &r.version, Expires: time.Now().Add(30*time.Minute + more),
	}))
}

// row is the device once everything said before is recorded.
func (r *rig) row() store.DeviceRow {
	r.t.Helper()
	r.wait()
	r.must(r.store.Flush(r.t.Context()))
	d, err := r.store.Device(r.t.Context(), r.product, "dev-1")
	r.must(err)
	return d
}

// wait waits until the server has nothing left to do. Where the clock goes on
// there is no telling; do returns when that is so for its own request.
func (r *rig) wait() {
	if r.engine != onLoop {
		synctest.Wait()
	}
}

// wantFetched checks whether the device is on record as having fetched the
// file.
func (r *rig) wantFetched(what string, want bool) {
	r.t.Helper()
	d := r.row()
	if got := d.Push == r.push.No && d.State == cota.Fetched; got != want {
		r.t.Errorf("%s: on record as fetched: %t (push %d, %v); want %t", what, got, d.Push, d.State, want)
	}
}

// client is a device's connection.
type client struct {
	t  *testing.T
	nc net.Conn
	in *bufio.Reader
}

func (r *rig) dial() *client {
	r.t.Helper()
	nc, err := r.connect(r.t.Context(), "", "")
	r.must(err)
	r.t.Cleanup(func() { nc.Close() })
	return &client{t: r.t, nc: nc, in: bufio.NewReader(nc)}
}

// send sends the head of a request; each header line stands alone.
func (c *client) send(line string, headers ...string) {
	c.t.Helper()
	head := line + " HTTP/1.1\r\nHost: files.example.com\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	if _, err := io.WriteString(c.nc, head); err != nil {
		c.t.Fatal(err)
	}
}

// head is the head of the answer, to the letter. Whatever is answered, it must
// be one that every SDK can read.
func (c *client) head() string {
	c.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("after %q: %v", head.String(), err)
		}
		head.WriteString(line)
	}
	c.wantReadable(head.String())
	return head.String()
}

// wantReadable checks what each SDK needs of an answer, be it a refusal.
func (c *client) wantReadable(head string) {
	c.t.Helper()
	status, headers, _ := strings.Cut(head, "\r\n")
	if !strings.HasPrefix(status, "HTTP/1.1 ") {
		c.t.Errorf("answer in %q; want HTTP/1.1", status)
	}
	if status[len("HTTP/1.1 ")] == '3' && !strings.Contains(status, " 304 ") {
		c.t.Errorf("answered %q: C SDK 3.0.1 asks again for ever", status)
	}
	if !strings.Contains(headers, "Content-Length: ") && !strings.Contains(status, " 304 ") {
		c.t.Errorf("head %q has no Content-Length, spelled so", head)
	}
	for _, name := range []string{"Transfer-Encoding", "Content-Encoding", "Location", "Strict-Transport-Security", "Content-Security-Policy"} {
		if strings.Contains(strings.ToLower(headers), strings.ToLower(name)) {
			c.t.Errorf("head %q has a %s", head, name)
		}
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		if len(line) >= 126 {
			c.t.Errorf("header line of %d bytes, which LinkSDK 4.2 cannot read: %s", len(line), line)
		}
	}
	if len(head) >= 900 {
		c.t.Errorf("head of %d bytes, which C SDK 3 cannot read: %q", len(head), head)
	}
}

// do sends a request on a connection of its own and reads the answer.
func (r *rig) do(line string, headers ...string) (status int, body string) {
	r.t.Helper()
	c := r.dial()
	defer c.nc.Close()
	c.send(line, append(headers, "Connection: close")...)
	method, _, _ := strings.Cut(line, " ")
	answer := bufio.NewReader(io.MultiReader(strings.NewReader(c.head()), c.in))
	res, err := http.ReadResponse(answer, &http.Request{Method: method})
	r.must(err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	r.must(err)
	if _, err := c.in.ReadByte(); err == nil {
		r.t.Errorf("%s: more than one answer", line)
	}
	return res.StatusCode, string(all)
}

// sql changes the database behind the store's back.
func (r *rig) sql(statement string) {
	r.t.Helper()
	db, err := sql.Open("sqlite", r.dsn)
	r.must(err)
	defer db.Close()
	_, err = db.ExecContext(r.t.Context(), statement)
	r.must(err)
}
