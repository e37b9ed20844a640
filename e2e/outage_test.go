package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// How long the server may take, while its database is away, to tell an operator
// so; and afterwards to have on record what devices said meanwhile.
const (
	outageAnswer   = 15 * time.Second
	outageRecovery = 20 * time.Second
)

// TestOutage takes PostgreSQL away in the middle of pushes: for a restart, for a
// while, and by having it stand still, so that it neither answers nor refuses.
// Devices stay connected, what they say waits, operators are told, and in the
// end nothing that was acknowledged is missing.
//
// COTA_TEST_OUTAGE says how long the while is.
func TestOutage(t *testing.T) {
	const devices = 60
	length, err := time.ParseDuration(cmp.Or(os.Getenv("COTA_TEST_OUTAGE"), "3s"))
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	s := startOn(t, c.address())
	book := newLedger(t)
	o := &outage{server: s, book: book}
	o.meet(devices)

	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, w := range o.witnesses {
		all.Go(func() { w.work(ctx) })
	}
	eventually(t, func(context.Context) error { return o.connectedOnce(devices) })

	stop := func(mode string) func() (back func()) {
		return func() (back func()) { c.stop(mode); return c.start }
	}
	for _, fault := range []struct {
		name string
		take func() (back func())
		away time.Duration
	}{
		{"restart", stop("fast"), 0},
		{"crash", stop("immediate"), 0},
		{"outage", stop("immediate"), length},
		{"silence", c.freeze, length},
	} {
		applied := o.pushHalf()
		giveBack := fault.take()
		gone := time.Now()
		applied()
		slowest, refused := o.askFor(fault.away)
		before := book.answers()
		giveBack()
		back := time.Now()
		late := o.recover()
		t.Logf("%s: PostgreSQL was away for %v; %d requests were refused, the slowest after %v; %d reports waited, all on record %v after it was back",
			fault.name, back.Sub(gone).Round(time.Millisecond), refused, slowest.Round(time.Millisecond), book.answers()-before, late.Round(time.Millisecond))
	}
	if err := o.connectedOnce(devices); err != nil {
		t.Error(err)
	}
	if log := s.log.String(); strings.Contains(log, "panic") {
		t.Error("the server's log has a panic")
	}
}

// outage is a server whose database is taken away, and the devices of one
// product.
type outage struct {
	*server
	book      *ledger
	product   string
	witnesses []*witness
	push      cota.Push

	mu       sync.Mutex
	saved    []cota.Version // guarded by mu
	latest   string         // ConfigID; guarded by mu
	applying chan struct{}  // closed when the second half has applied; guarded by mu
}

func (o *outage) meet(devices int) {
	o.t.Helper()
	ctx, never := o.t.Context(), int64(0)
	p, err := o.AddProduct(ctx, "", "outage")
	if err != nil {
		o.t.Fatal(err)
	}
	on := true
	if _, err := o.SetConfig(ctx, p.Key, client.ConfigPatch{Enabled: &on, Policy: &cota.PolicyPatch{CooldownSeconds: &never}}); err != nil {
		o.t.Fatal(err)
	}
	o.product = p.Key
	all, err := o.AddNumberedDevices(ctx, p.Key, "dev-", devices)
	if err != nil {
		o.t.Fatal(err)
	}
	for i, d := range all {
		w := &witness{s: o.server, product: p.Key, id: d, book: o.book, saved: o.version}
		if i%2 == 1 {
			w.applies = o.wait
		}
		o.witnesses = append(o.witnesses, w)
	}
}

func (o *outage) version(configID string) (int64, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.saved, func(v cota.Version) bool { return v.ConfigID == configID })
	if i < 0 {
		return 0, ""
	}
	return o.saved[i].Number, o.saved[i].SHA256
}

// connectedOnce reports whether each device has connected once: it is
// connected, and has stayed so.
func (o *outage) connectedOnce(devices int) error {
	for _, w := range o.witnesses {
		w.mu.Lock()
		n := w.connects
		w.mu.Unlock()
		if n != 1 {
			return fmt.Errorf("%s has connected %d times; want once", w.id.Name, n)
		}
	}
	return nil
}

// wait takes until the test says that the second half has applied.
func (o *outage) wait(ctx context.Context) {
	o.mu.Lock()
	applying := o.applying
	o.mu.Unlock()
	select {
	case <-applying:
	case <-ctx.Done():
	}
}

// pushHalf starts a push and waits until half of the devices have said what
// became of it. The others do once applied is called.
func (o *outage) pushHalf() (applied func()) {
	o.t.Helper()
	v, err := o.SaveVersion(o.t.Context(), o.product, client.Draft{Content: fmt.Sprintf(`{"version": %d}`, len(o.saved)+1)})
	if err != nil {
		o.t.Fatal(err)
	}
	o.mu.Lock()
	o.saved, o.latest = append(o.saved, v), v.ConfigID
	applying := make(chan struct{})
	o.applying = applying
	o.mu.Unlock()
	before := o.book.answers()
	if o.push, err = o.StartPush(o.t.Context(), o.product, 0); err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	o.book.await(ctx, before+len(o.witnesses)/2)
	return func() { close(applying) }
}

// askFor plays an operator for a while in which the server has no database: each
// request is refused, in words and before long.
func (o *outage) askFor(away time.Duration) (slowest time.Duration, refused int) {
	o.t.Helper()
	for until := time.Now().Add(away); away > 0 && time.Now().Before(until); {
		for _, ask := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := o.Config(ctx, o.product); return err },
			func(ctx context.Context) error {
				_, err := o.SaveVersion(ctx, o.product, client.Draft{Content: `{"never": 1}`})
				return err
			},
			func(ctx context.Context) error { _, err := o.StopPush(ctx, o.push.No, ""); return err },
		} {
			begun := time.Now()
			err := o.within(outageAnswer, ask)
			slowest = max(slowest, time.Since(begun))
			if cota.CodeOf(err) != cota.Unavailable {
				o.t.Errorf("without a database the server answers %v; want %s", err, cota.Unavailable)
			}
			refused++
		}
		o.probe()
		pause(o.t.Context(), 100*time.Millisecond)
	}
	return slowest, refused
}

func (o *outage) within(d time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(o.t.Context(), d)
	defer cancel()
	return ask(ctx)
}

// probe sees that the server lives and is not ready.
func (o *outage) probe() {
	o.t.Helper()
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		resp, err := http.Get("http://" + o.ports[0] + path)
		if err != nil {
			o.t.Error(err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			o.t.Errorf("%s without a database = %s; want %d", path, resp.Status, want)
		}
	}
}

// recover waits until every device has said what became of the push, compares
// what is on record with what they were told, and says how long that took.
func (o *outage) recover() time.Duration {
	o.t.Helper()
	begun := time.Now()
	eventually(o.t, func(ctx context.Context) error {
		for _, w := range o.witnesses {
			if !w.has(o.latest) {
				return errors.New(w.id.Name + " was not acknowledged what it said of the push")
			}
		}
		return nil
	})
	took := time.Since(begun)
	if took > outageRecovery {
		o.t.Errorf("what devices said was on record %v after the database was back; want at most %v", took, outageRecovery)
	}
	// The first to ask after a short absence may still meet a connection that
	// is dead, and is told to try again.
	eventually(o.t, func(ctx context.Context) error { _, err := o.Config(ctx, o.product); return err })
	for _, w := range o.witnesses {
		if err := w.check(o.t.Context()); err != nil {
			o.t.Error(err)
		}
	}
	o.recount(o.product, o.push.No)
	return took
}
