package gateway_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// bubble runs a test by a clock of its own, beside others.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, fn)
}

// rig is a gateway with all that is behind it, and devices over pipes.
type rig struct {
	t       *testing.T
	dsn     string
	log     *logbook
	store   *store.Store
	control *control.Control
	gateway *gateway.Gateway
	door    *pipenet.Listener
	product string
	creds   []cota.Credentials

	live net.Listener // by TCP, where there is no clock to stop; nil: over pipes
}

const filesURL = "http://files.example.com"

// newRig starts a gateway with one enabled product and n devices named
// dev-000001 and so on.
func newRig(t *testing.T, n int) *rig {
	t.Helper()
	return newRigOf(t, n, gateway.Options{})
}

// newRatedRig is newRig with a bound on push messages a second.
func newRatedRig(t *testing.T, n int, pushRate float64) *rig {
	t.Helper()
	return newRigOf(t, n, gateway.Options{PushRate: pushRate})
}

// newRigOf is newRig with a gateway of these options.
func newRigOf(t *testing.T, n int, o gateway.Options) *rig {
	t.Helper()
	ctx := t.Context()
	r := &rig{t: t, dsn: storetest.Database(t, storetest.SQLiteEngine), log: new(logbook), door: pipenet.New("mqtt")}
	r.store = storetest.OpenDSN(t, r.dsn)
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if r.control, err = control.New(ctx, control.Options{Store: r.store, FilesURL: filesURL, Log: log}); err != nil {
		t.Fatal(err)
	}
	o.Control, o.Log = r.control, log
	r.gateway = gateway.New(o)
	r.store.Listen(func(n store.Note) {
		if n.Topology != nil {
			r.gateway.Tell(n.Product, *n.Topology)
			return
		}
		r.gateway.Look(n.Product, n.Device, n.Gateway)
		if n.Certificates {
			r.gateway.LookAtCertificates(n.Product)
		}
	})
	served := make(chan error, 1)
	go func() { served <- r.gateway.Serve(r.door) }()
	t.Cleanup(func() {
		r.door.Close()
		if err := errors.Join(<-served, r.gateway.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	p, _, err := r.control.AddProduct(ctx, control.System, cota.DefaultInstance, "meter")
	if err != nil {
		t.Fatal(err)
	}
	r.product = p.Key
	if r.creds, err = r.control.AddNumberedDevices(ctx, control.System, p.Key, "dev-", n); err != nil {
		t.Fatal(err)
	}
	r.enable(true)
	return r
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

// noCooldown lets pushes follow each other at once.
func (r *rig) noCooldown() {
	r.t.Helper()
	r.must(r.control.SetConfig(r.t.Context(), control.System, r.product, nil, &cota.PolicyPatch{CooldownSeconds: new(int64)}))
}

func (r *rig) save(content string) cota.Version {
	r.t.Helper()
	v, err := r.control.SaveVersion(r.t.Context(), control.System, r.product, control.Draft{Content: content})
	r.must(err)
	return v
}

func (r *rig) push() cota.Push {
	r.t.Helper()
	p, err := r.control.StartPush(r.t.Context(), control.System, r.product, 0)
	r.must(err)
	return p
}

func (r *rig) stop(p cota.Push) {
	r.t.Helper()
	_, err := r.control.StopPush(r.t.Context(), control.System, p.No, "enough")
	r.must(err)
}

// counts are a push's counts once everything said before is recorded.
func (r *rig) counts(p cota.Push) cota.Counts {
	r.t.Helper()
	r.must(r.store.Flush(r.t.Context()))
	p, err := r.store.Push(r.t.Context(), p.No)
	r.must(err)
	return p.Counts
}

// state is where device i stands once everything said before is recorded.
func (r *rig) state(i int) store.DeviceRow {
	r.t.Helper()
	if r.live == nil {
		synctest.Wait()
	}
	r.must(r.store.Flush(r.t.Context()))
	d, err := r.store.Device(r.t.Context(), r.product, r.creds[i].Name)
	r.must(err)
	return d
}

// wantState checks where device i stands.
func (r *rig) wantState(i int, p cota.Push, want cota.Rung) {
	r.t.Helper()
	if d := r.state(i); d.Push != p.No || d.State != want {
		r.t.Errorf("device %d stands on %v of push %d; want %v of push %d", i, d.State, d.Push, want, p.No)
	}
}

// events are the kinds in the timeline of device i, oldest first.
func (r *rig) events(i int) string {
	r.t.Helper()
	all, err := r.store.Events(r.t.Context(), r.state(i).ID, store.EventKey{}, 100)
	r.must(err)
	kinds := make([]string, len(all))
	for i, e := range all {
		kinds[len(all)-1-i] = string(e.Kind)
	}
	return strings.Join(kinds, " ")
}

// grant is what the link of an offer permits.
func (r *rig) grant(c alink.Config) cota.Grant {
	r.t.Helper()
	g, err := r.control.Open(r.t.Context(), strings.TrimPrefix(c.URL, filesURL+"/c/"))
	r.must(err)
	return g
}

// fetch records that the file of an offer was downloaded.
func (r *rig) fetch(c alink.Config) {
	r.t.Helper()
	r.must(r.control.Fetched(r.t.Context(), r.grant(c)))
	r.must(r.store.Flush(r.t.Context()))
}

// holdWrites keeps everything from being written to the database until
// release is called.
func (r *rig) holdWrites() (release func()) {
	r.t.Helper()
	held, done, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- r.store.Update(context.Background(), func(*store.Tx) error {
			close(held)
			<-done
			return nil
		})
	}()
	<-held
	return sync.OnceFunc(func() {
		close(done)
		r.must(<-ended)
	})
}

func (r *rig) topic(kind alink.Kind, i int) string {
	return string(alink.AppendTopic(nil, kind, r.product, r.creds[i].Name))
}

// login is the CONNECT of device i.
func (r *rig) login(i int) mqtt.Connect {
	r.t.Helper()
	return r.loginBy(i, alink.SignOptions{})
}

func (r *rig) loginBy(i int, o alink.SignOptions) mqtt.Connect {
	r.t.Helper()
	p, err := alink.Sign(r.product, r.creds[i].Name, r.creds[i].Secret, o)
	r.must(err)
	return mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 60,
		ClientID: []byte(p.ClientID), Username: []byte(p.UserName), Password: []byte(p.Password),
	}
}

// dial opens a connection that says nothing yet.
func (r *rig) dial(v mqtt.Version) *wire {
	r.t.Helper()
	nc, err := r.knock()
	r.must(err)
	r.t.Cleanup(func() { nc.Close() })
	return &wire{t: r.t, nc: nc, version: v}
}

func (r *rig) knock() (net.Conn, error) {
	if r.live == nil {
		return r.door.Dial(r.t.Context(), "", "")
	}
	nc, err := net.Dial("tcp", r.live.Addr().String())
	if err == nil {
		err = nc.SetDeadline(time.Now().Add(patience))
	}
	return nc, err
}

// openFrom is open from an address.
func (r *rig) openFrom(from string, c mqtt.Connect) (*wire, mqtt.Connack) {
	r.t.Helper()
	nc, err := r.door.DialFrom(r.t.Context(), from)
	r.must(err)
	r.t.Cleanup(func() { nc.Close() })
	w := &wire{t: r.t, nc: nc, version: c.Version}
	w.write(c.Append(nil))
	return w, w.connack()
}

// open opens a connection with the given CONNECT.
func (r *rig) open(c mqtt.Connect) (*wire, mqtt.Connack) {
	r.t.Helper()
	w := r.dial(c.Version)
	w.write(c.Append(nil))
	return w, w.connack()
}

// connect signs device i in.
func (r *rig) connect(i int) *wire {
	r.t.Helper()
	return r.connectBy(r.login(i))
}

// connect5 signs device i in over MQTT 5.
func (r *rig) connect5(i int) *wire {
	r.t.Helper()
	c := r.login(i)
	c.Version = mqtt.V5
	return r.connectBy(c)
}

func (r *rig) connectBy(c mqtt.Connect) *wire {
	r.t.Helper()
	w, got := r.open(c)
	if got.Code != mqtt.Success {
		r.t.Fatalf("CONNACK %v; want success", got.Code)
	}
	return w
}

// logbook keeps the lines of a log.
type logbook struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

// about are the lines that hold text.
func (l *logbook) about(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// sql changes the database behind the store's back.
func (r *rig) sql(statement string, args ...any) {
	r.t.Helper()
	db, err := sql.Open("sqlite", r.dsn)
	r.must(err)
	defer db.Close()
	_, err = db.ExecContext(r.t.Context(), statement, args...)
	r.must(err)
}
