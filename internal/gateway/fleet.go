package gateway

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	// page is how many devices are offered a push between two looks at
	// whether it still runs.
	page = 100
	// lookAgain is how often a fleet looks for devices that are owed an
	// offer though nothing has woken it.
	lookAgain = time.Minute
)

// fleet is the connected devices of one product. Its goroutine compares what
// they were offered with what the product's push delivers, and makes the
// offers that are missing: when a push starts, and when links have expired
// unused.
type fleet struct {
	gw      *Gateway
	product string
	limiter *rate.Limiter
	awake   chan struct{} // has an element when there may be something to do

	mu       sync.Mutex
	conns    map[int64]*conn // by device; guarded by mu
	template *template       // of the last push; guarded by mu
}

// template is the message of one push.
type template struct {
	push    int64
	message *alink.PushTemplate
}

func newFleet(g *Gateway, product string) *fleet {
	return &fleet{
		gw: g, product: product, limiter: rate.NewLimiter(g.pushRate, page),
		awake: make(chan struct{}, 1), conns: make(map[int64]*conn),
	}
}

func (f *fleet) wake() {
	select {
	case f.awake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// join adds a connection, which closes the device's older one. It begins
// later than that, by a millisecond if need be, so that the two can be told
// apart on record.
func (f *fleet) join(c *conn) {
	f.mu.Lock()
	older := f.conns[c.device.ID]
	f.conns[c.device.ID] = c
	c.since = time.Now().Truncate(time.Millisecond)
	if older != nil && !c.since.After(older.since) {
		c.since = older.since.Add(time.Millisecond)
	}
	f.mu.Unlock()
	if older != nil {
		older.close(&closed{mqtt.SessionTakenOver, "the device signed in again", false})
	}
}

func (f *fleet) leave(c *conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns[c.device.ID] == c {
		delete(f.conns, c.device.ID)
	}
}

// drop closes a device's connection: it was disabled, removed, given another
// secret, or has signed in elsewhere.
func (f *fleet) drop(id int64) {
	f.mu.Lock()
	c := f.conns[id]
	f.mu.Unlock()
	if c != nil {
		c.close(&closed{mqtt.AdministrativeAction, "closed by the server", false})
	}
}

func (f *fleet) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

// greet offers a device that has just signed in what it is owed.
func (f *fleet) greet(c *conn) error {
	return f.gw.control.Supply(f.gw.ctx, f.product, func(o control.Offer) error {
		if o.Push == 0 {
			return nil
		}
		if !c.device.Standing.Due(o.Push, o.Version.Number) {
			c.settle(o.Push)
			return nil
		}
		return f.offer(c, o)
	})
}

// run is the fleet's life.
func (f *fleet) run() {
	ctx := f.gw.ctx
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.awake:
		case <-timer.C:
		}
		next, err := f.converge(ctx)
		if err != nil && ctx.Err() == nil {
			f.gw.log.Error("fan-out interrupted", "product", f.product, "err", err)
			next = time.Now().Add(time.Second)
		}
		timer.Reset(min(lookAgain, max(time.Until(next), time.Second)))
	}
}

// converge offers the product's push to every connected device that is owed
// it, and says when to look again.
func (f *fleet) converge(ctx context.Context) (next time.Time, err error) {
	facts, err := f.gw.control.Facts(ctx, f.product)
	next = time.Now().Add(lookAgain)
	if err != nil || facts.Push == 0 || !facts.Enabled {
		if cota.CodeOf(err) == cota.NotFound {
			err = nil // removed
		}
		return next, err
	}
	fresh, again, next := f.owed(facts.Push, facts.Pushed.Number, next)
	if len(again) > 0 {
		again, err = f.lookUp(ctx, again, facts)
		if err != nil {
			return next, err
		}
	}
	all := append(fresh, again...)
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.device.ID, b.device.ID) })
	for some := range slices.Chunk(all, page) {
		if err := f.limiter.WaitN(ctx, len(some)); err != nil {
			return next, err
		}
		more, err := f.offerPage(ctx, facts.Push, some)
		if err != nil {
			return next, err
		}
		if !more {
			f.wake() // another push has come, or none is left
			break
		}
	}
	return next, nil
}

// owed finds the devices that are owed an offer of push, and those of which
// the store must say whether they are, and when the next may be.
func (f *fleet) owed(push, version int64, latest time.Time) (fresh, again []*conn, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	next = latest
	for _, c := range f.conns {
		c.mu.Lock()
		due, lookup := c.session.due(now, push, version)
		at := c.session.nextDue(push)
		c.mu.Unlock()
		switch {
		case due && lookup:
			again = append(again, c)
		case due:
			fresh = append(fresh, c)
		case !at.IsZero() && at.Before(next):
			next = at
		}
	}
	return fresh, again, next
}

// lookUp keeps of the given devices those that are owed another offer.
func (f *fleet) lookUp(ctx context.Context, conns []*conn, facts *control.Facts) ([]*conn, error) {
	ids := make([]int64, len(conns))
	for i, c := range conns {
		ids[i] = c.device.ID
	}
	standings, err := f.gw.control.Standings(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(conns, func(c *conn) bool {
		s, ok := standings[c.device.ID]
		if ok && s.Due(facts.Push, facts.Pushed.Number) {
			return false
		}
		c.settle(facts.Push)
		return true
	}), nil
}

// offerPage makes the offers of one page, unless push has ended meanwhile. It
// reports whether to go on.
func (f *fleet) offerPage(ctx context.Context, push int64, conns []*conn) (more bool, err error) {
	err = f.gw.control.Supply(ctx, f.product, func(o control.Offer) error {
		if more = o.Push == push; !more {
			return nil
		}
		for _, c := range conns {
			if err := f.offer(c, o); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// offer makes one offer and puts it on record.
func (f *fleet) offer(c *conn, o control.Offer) error {
	t, err := f.templateOf(o)
	if err != nil {
		return err
	}
	if !c.offer(o, t) {
		return nil
	}
	pushesSent.Inc()
	return f.gw.control.Sent(f.gw.ctx, c.device, o)
}

func (f *fleet) templateOf(o control.Offer) (*alink.PushTemplate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.template == nil || f.template.push != o.Push {
		c := config(o, f.gw.control.LinkURL())
		c.ID = strconv.FormatInt(o.Push, 10)
		t, err := alink.NewPushTemplate(c)
		if err != nil {
			return nil, err
		}
		f.template = &template{o.Push, t}
	}
	return f.template.message, nil
}

// offer sends the device its offer, unless it has been made another one
// meanwhile or is gone. It does not wait for the device to take it. Nor does
// the offer wait behind what is being sent already: by the time it went out,
// the push could have been stopped.
func (c *conn) offer(o control.Offer, t *alink.PushTemplate) bool {
	var token [cota.TokenLen]byte
	c.gw.control.AppendToken(token[:0], c.device, o)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || c.session.offered.times > 0 && c.session.offered.push >= o.Push && time.Now().Before(c.session.offered.expires) {
		return false
	}
	if c.writing || len(c.session.out) > 0 {
		c.held = true
		return false
	}
	sent := c.session.push(o, t, token[:])
	c.flushLater()
	return sent
}

// settle notes that nothing more of a push is owed on this connection.
func (c *conn) settle(push int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.settled = push
}
