package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// world is one run: a server, its network, and all who talk to it.
type world struct {
	seed  uint64
	plan  *plan
	dir   string // of the lives' data
	net   *network
	model *model
	trace *trace
	log   *watchLog

	calmAt time.Time // the faults stop
	overAt time.Time // everything must be in order
	over   context.Context
	end    context.CancelFunc
	busy   context.Context // ends when the faults stop
	rest   context.CancelFunc
	actors sync.WaitGroup

	token  string
	lives  int
	places int

	mu      sync.Mutex
	life    *life // guarded by mu
	auditor *client.Client
	chaos   *rand.Rand
}

// settle is how long after the end of the faults everything must be in order:
// two resend periods (the life of a link, and what a fleet may take to look
// again), and a while to come back.
const settle = 2*(1800*time.Second+time.Minute) + 2*time.Minute

func newWorld(seed uint64, dir string, t *trace) *world {
	t.begun = time.Now()
	w := &world{seed: seed, dir: dir, net: newNetwork(seed), trace: t}
	w.over, w.end = context.WithCancel(context.Background())
	w.busy, w.rest = context.WithCancel(w.over)
	w.model = newModel(w.trace, func() { w.end() })
	w.log = &watchLog{w: w}
	w.plan = newPlan(w.rand("plan"))
	w.chaos = w.rand("chaos")
	w.auditor = (&courier{w: w, who: "auditor", from: net.IPv4(127, 0, 0, 1), path: direct}).client("")
	w.calmAt = time.Now().Add(w.plan.span)
	w.overAt = w.calmAt.Add(settle)
	return w
}

// rand is an actor's own source of chance: what others draw does not disturb
// it.
func (w *world) rand(who string) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, w.net.hash(who)))
}

// address is an address that nobody else has.
func (w *world) address() net.IP {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.places++
	return net.IPv4(10, 1, byte(w.places>>8), byte(w.places))
}

// commitTime is how long commits take; nil for no time.
func (w *world) commitTime() func(time.Time) time.Duration {
	if w.plan.slow == 0 {
		return nil
	}
	return func(now time.Time) time.Duration {
		return 1 + time.Duration(w.net.hash("commit", instantOf(now).UnixNano())%uint64(w.plan.slow))
	}
}

// nextPoll is when the devices that poll will do so next.
func (w *world) nextPoll(now time.Time) time.Time {
	const every = 2 * time.Hour
	return now.Add(every - now.Sub(w.trace.begun)%every)
}

func (w *world) hurry() (done func()) {
	w.mu.Lock()
	l := w.life
	w.mu.Unlock()
	return l.disk.hurry()
}

// run is the whole run, but for what must be so when everybody has gone.
func (w *world) run() error {
	dir, err := w.newDir()
	if err != nil {
		return err
	}
	l, err := w.start(dir, nil)
	if err != nil {
		return err
	}
	if err := w.found(); err != nil {
		w.model.fail("founding: %v", err)
	}
	l = w.suffer(l)
	w.rest()
	if pause(w.over, time.Until(w.overAt)) {
		w.audit("the end")
		w.converged()
	}
	w.overAll(l)
	return nil
}

// overAll ends the run.
func (w *world) overAll(l *life) {
	pause(w.over, time.Minute) // devices that take their leave
	w.end()
	w.net.hangUp()
	w.actors.Wait()
	w.finish(l)
	if held := w.net.held(); len(held) > 0 {
		w.model.fail("the server has ended and holds %d connections, one of %s", len(held), held[0].who)
	}
	l.disk.close()
}

// found signs in and makes what there is at first.
func (w *world) found() error {
	ctx := w.over
	if _, err := w.auditor.SignIn(ctx, "admin", adminPassword); err != nil {
		return err
	}
	_, token, err := w.auditor.AddToken(ctx, client.NewToken{Name: "simulation", Role: cota.Admin})
	if err != nil {
		return err
	}
	w.token = token
	w.auditor = (&courier{w: w, who: "auditor", from: net.IPv4(127, 0, 0, 1), path: direct}).client(token)
	for i := range w.plan.products {
		tag := string(rune('A' + i))
		x, err := w.auditor.AddProduct(ctx, "", "product "+tag)
		if err != nil {
			return err
		}
		w.model.products = append(w.model.products, newProduct(x.Key, x.Name, tag))
	}
	for i := range w.plan.devices {
		p := w.model.products[i%len(w.model.products)]
		all, err := w.auditor.AddDevices(ctx, p.key, fmt.Sprintf("dev-%03d", i))
		if err != nil {
			return err
		}
		id := w.enlist(p, all[0])
		if i < w.plan.twins {
			w.play(id)
		}
	}
	for _, p := range w.model.products {
		e := w.editor(p)
		w.actors.Go(e.run)
	}
	r := w.registrar()
	w.actors.Go(r.run)
	return nil
}

// enlist enters a device that was registered, and has somebody play it.
func (w *world) enlist(p *product, c cota.Credentials) *identity {
	id := newIdentity(p, c.Name, c.Secret)
	w.model.mu.Lock()
	p.ids[c.Name] = id
	delete(p.adding, c.Name)
	w.model.mu.Unlock()
	w.play(id)
	return id
}

func (w *world) play(id *identity) {
	d := w.device(id, len(id.players))
	w.model.mu.Lock()
	id.players = append(id.players, d)
	w.model.mu.Unlock()
	w.actors.Go(d.live)
}

// somebody is a registered device of a product; nil if there is none.
func (w *world) somebody(rng *rand.Rand, p *product) *identity {
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	names := make([]string, 0, len(p.ids))
	for name := range p.ids {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	return p.ids[pick(rng, names)]
}

// suffer is what happens to the server until the faults stop. It returns the
// life that is then.
func (w *world) suffer(l *life) *life {
	next := time.Now().Add(w.chance(w.plan.auditEvery))
	fall := time.Now().Add(w.chance(w.plan.crashEvery))
	for w.over.Err() == nil {
		at := next
		if fall.Before(at) {
			at = fall
		}
		if at.After(w.quietAt()) {
			break
		}
		if !pause(w.over, time.Until(at)) {
			break
		}
		if at == next {
			w.audit(nowAndThen)
			next = time.Now().Add(w.chance(w.plan.auditEvery))
			continue
		}
		l = w.fall(l)
		fall = time.Now().Add(w.chance(w.plan.crashEvery))
	}
	pause(w.over, time.Until(w.calmAt))
	return l
}

// quietAt is when the server has died for the last time: it is to be up again
// when the faults stop.
func (w *world) quietAt() time.Time { return w.calmAt.Add(-time.Hour) }

func (w *world) chance(mean time.Duration) time.Duration {
	return time.Duration(w.chaos.ExpFloat64()*float64(mean)) + time.Duration(w.chaos.IntN(1e6))
}

// fall ends a life of the server and begins the next one.
func (w *world) fall(l *life) *life {
	dir, died, err := w.kill(l, w.chaos.IntN(11))
	if w.over.Err() != nil {
		return l
	}
	if err != nil {
		w.model.fail("%v", err)
		return l
	}
	// How long the process takes to end is not the same each time.
	down := 2*grace + time.Duration(w.chaos.Int64N(int64(10*time.Minute)))
	pause(w.over, time.Until(died.Add(down)))
	if w.chaos.IntN(4) == 0 {
		if err := w.stepClock(dir); err != nil {
			w.model.fail("%v", err)
		}
	}
	var opening *fall
	if w.chaos.IntN(4) == 0 {
		opening = &fall{after: w.chaos.IntN(2) == 0, while: anyCommit, skip: w.chaos.IntN(3)}
	}
	return w.rise(dir, opening)
}

// kill ends a life, and returns the directory in which its data survived.
func (w *world) kill(l *life, how int) (dir string, died time.Time, err error) {
	switch died = time.Now(); how {
	case 0:
		w.trace.add("CHAOS", "restart in good order")
		w.finish(l)
		return l.disk.dir, died, nil
	case 1:
		w.trace.add("CHAOS", "crash at a moment")
		l.disk.stop()
		dir, err = w.bury(l)
		return dir, died, err
	}
	f := fall{after: w.chaos.IntN(3) == 0, while: []string{anyCommit, operatorWaits, deviceWaits}[how%3]}
	w.arm(l, f)
	select {
	case <-l.died:
		w.trace.add("CHAOS", "crash at a commit: %+v", f)
	case <-time.After(min(3*time.Hour, time.Until(w.quietAt()))):
		w.trace.add("CHAOS", "crash in idle hours")
		l.disk.stop()
	case <-w.over.Done():
		l.disk.disarm()
		return "", died, nil
	}
	died = time.Now()
	dir, err = w.bury(l)
	return dir, died, err
}

// rise starts the server again, though it may crash once more while it opens.
func (w *world) rise(dir string, opening *fall) *life {
	l, err := w.start(dir, opening)
	select {
	case <-l.died:
		w.trace.add("CHAOS", "crash while it opened: %+v", *opening)
		died := time.Now()
		if dir, err = w.bury(l); err == nil {
			pause(w.over, time.Until(died.Add(2*grace)))
			l, err = w.start(dir, nil)
		}
	default:
		l.disk.disarm()
	}
	if err != nil {
		w.model.fail("the server does not start again: %v", err)
		return l
	}
	w.trace.add("CHAOS", "the server is up again")
	w.audit("after a crash")
	return l
}

// watchLog hears what the server logs: a line of level error says that
// somebody must act, and nobody should have to.
type watchLog struct {
	w     *world
	attrs []slog.Attr
}

func (h *watchLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h *watchLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	for _, a := range h.attrs {
		text += " " + a.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	h.w.trace.add("LOG", "%s %s", r.Level, text)
	return nil
}

func (h *watchLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &watchLog{h.w, append(append([]slog.Attr(nil), h.attrs...), attrs...)}
}

func (h *watchLog) WithGroup(string) slog.Handler { return h }

// scratch is a directory for a run, in memory if there is a place for it.
func scratch() (string, error) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		if dir, err := os.MkdirTemp("/dev/shm", "cota-sim-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "cota-sim-")
}
