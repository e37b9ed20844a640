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
	product product
	limiter *rate.Limiter
	awake   chan struct{} // has an element when there may be something to do

	mu       sync.Mutex
	members  members   // guarded by mu
	taken    int64     // when the last connection began that took the place of another; guarded by mu
	template *template // of the last push; guarded by mu
}

// member is a device of a fleet, and the connection by which it is reached.
type member struct {
	conn   *conn
	device *device
}

// member is the connection's own device.
func (c *conn) member() member { return member{c, c.device()} }

// template is the message of one push.
type template struct {
	push    int64
	message *alink.PushTemplate
	inline  []byte // the same with the file in it; nil if that is too large
}

func newFleet(g *Gateway, key string) *fleet {
	return &fleet{
		gw: g, product: product{key, g.messages}, limiter: rate.NewLimiter(g.pushRate, page),
		awake: make(chan struct{}, 1),
	}
}

func (f *fleet) wake() {
	select {
	case f.awake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// join adds a device that has connected, which ends its older connection, and
// says whether there was one. The new one begins later than that, by a
// millisecond if need be, so that the two can be told apart on record. And it
// begins later than any that has just taken the place of another: the end of
// that one may still be on its way to the record.
func (f *fleet) join(m member) (again bool) {
	f.mu.Lock()
	older, again := f.members.put(m)
	since := time.Now().UnixMilli()
	if f.taken > since+time.Second.Milliseconds() {
		f.taken = 0 // the clock was set back
	}
	if again {
		since = max(since, older.device.since+1)
		f.taken = max(f.taken, since)
	} else {
		since = max(since, f.taken+1)
	}
	m.device.since = since
	f.mu.Unlock()
	if again {
		older.takenOver()
	}
	return again
}

func (f *fleet) leave(m member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members.remove(m)
}

// drop ends a device's connection: it was disabled, removed, given another
// secret, or has signed in elsewhere. Unless gateway is 0, only a connection
// through that gateway is meant, which the device is no longer behind.
func (f *fleet) drop(id, gateway int64) {
	f.mu.Lock()
	m, here := f.members.get(id)
	f.mu.Unlock()
	switch {
	case !here:
	case !m.own() && (gateway == 0 || gateway == m.conn.device().id):
		f.gw.done.Go(func() { m.conn.shutOut(m.device) })
	case m.own() && gateway == 0:
		m.conn.close(&closed{mqtt.AdministrativeAction, closedByServer, false})
	}
}

// closedByServer is why a connection ends that drop ends.
const closedByServer = "closed by the server"

// own reports whether the device is the connection's own, not behind it.
func (m member) own() bool { return m.device == &m.conn.session.device }

// takenOver ends a connection in favour of a newer one.
func (m member) takenOver() {
	const why = "the device signed in again"
	if m.own() {
		m.conn.close(&closed{mqtt.SessionTakenOver, why, false})
		return
	}
	m.conn.expel(m.device, alink.CodeConnectedElsewhere, why)
}

func (f *fleet) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members.count()
}

// greet offers a device that has just signed in what it is owed.
func (f *fleet) greet(m member) error {
	return f.gw.control.Supply(f.gw.ctx, f.product.key, func(o control.Offer) error { return f.welcome(m, o) })
}

// greetNow does the same unless it would have to wait, and reports whether it
// did.
func (f *fleet) greetNow(m member) (did bool, err error) {
	return f.gw.control.SupplyNow(f.product.key, func(o control.Offer) error { return f.welcome(m, o) })
}

// welcome offers a device o if it is owed that.
func (f *fleet) welcome(m member, o control.Offer) error {
	at := m.device.standing
	m.device.standing = nil
	if o.Push == 0 {
		return nil
	}
	if !at.Due(o.Push, o.Version.Number) {
		m.settle(o.Push)
		return nil
	}
	return f.offer(m, o)
}

// catchUp makes an offer that has waited, if it is owed still.
func (f *fleet) catchUp(ctx context.Context, m member) error {
	facts, err := f.delivering(ctx)
	if facts == nil {
		return err
	}
	m.conn.mu.Lock()
	due, lookup := m.device.due(time.Now(), facts.Push, facts.Pushed.Number)
	m.conn.mu.Unlock()
	owed := []member{m}
	if due && lookup {
		owed, err = f.lookUp(ctx, owed, facts)
	}
	if !due || err != nil {
		return err
	}
	_, err = f.offerPage(ctx, facts.Push, owed)
	return err
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
			f.gw.log.Error("fan-out interrupted", "product", f.product.key, "err", err)
			next = time.Now().Add(time.Second)
		}
		timer.Reset(min(lookAgain, max(time.Until(next), time.Second)))
	}
}

// converge offers the product's push to every connected device that is owed
// it, and says when to look again.
func (f *fleet) converge(ctx context.Context) (next time.Time, err error) {
	facts, err := f.delivering(ctx)
	next = time.Now().Add(lookAgain)
	if facts == nil {
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
	slices.SortFunc(all, func(a, b member) int { return cmp.Compare(a.device.id, b.device.id) })
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

// delivering are the facts of the product while it delivers a push; nil
// otherwise.
func (f *fleet) delivering(ctx context.Context) (*control.Facts, error) {
	facts, err := f.gw.control.Facts(ctx, f.product.key)
	switch {
	case cota.CodeOf(err) == cota.NotFound:
		return nil, nil // removed
	case err != nil || facts.Push == 0 || !facts.Enabled:
		return nil, err
	}
	return facts, nil
}

// owed finds the devices that are owed an offer of push, and those of which
// the store must say whether they are, and when the next may be.
func (f *fleet) owed(push, version int64, latest time.Time) (fresh, again []member, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	next = latest
	for m := range f.members.all() {
		m.conn.mu.Lock()
		due, lookup := m.device.due(now, push, version)
		at := m.device.nextDue(push)
		m.conn.mu.Unlock()
		switch {
		case due && lookup:
			again = append(again, m)
		case due:
			fresh = append(fresh, m)
		case !at.IsZero() && at.Before(next):
			next = at
		}
	}
	return fresh, again, next
}

// lookUp keeps of the given devices those that are owed another offer.
func (f *fleet) lookUp(ctx context.Context, all []member, facts *control.Facts) ([]member, error) {
	ids := make([]int64, len(all))
	for i, m := range all {
		ids[i] = m.device.id
	}
	standings, err := f.gw.control.Standings(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m member) bool {
		s, ok := standings[m.device.id]
		if ok && s.Due(facts.Push, facts.Pushed.Number) {
			return false
		}
		m.settle(facts.Push)
		return true
	}), nil
}

// offerPage makes the offers of one page, unless push has ended meanwhile. It
// reports whether to go on.
func (f *fleet) offerPage(ctx context.Context, push int64, some []member) (more bool, err error) {
	err = f.gw.control.Supply(ctx, f.product.key, func(o control.Offer) error {
		if more = o.Push == push; !more {
			return nil
		}
		for _, m := range some {
			if err := f.offer(m, o); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// offer makes one offer and puts it on record.
func (f *fleet) offer(m member, o control.Offer) error {
	t, err := f.templateOf(o)
	if err != nil {
		return err
	}
	if !m.conn.offer(m.device, o, t) {
		return nil
	}
	pushesSent.Inc()
	d := m.device.who()
	return f.gw.control.Sent(f.gw.ctx, &d, o)
}

func (f *fleet) templateOf(o control.Offer) (*template, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.template == nil || f.template.push != o.Push {
		c := config(o, f.gw.control.LinkURL())
		c.ID = strconv.FormatInt(o.Push, 10)
		t, err := alink.NewPushTemplate(c)
		if err != nil {
			return nil, err
		}
		f.template = &template{o.Push, t, inlinePush(c, o)}
	}
	return f.template, nil
}

// offer sends a device its offer, unless it has been made another one
// meanwhile or is gone, or has to wait until there is room. It does not wait
// for the device to take it.
func (c *conn) offer(d *device, o control.Offer, t *template) bool {
	var token [cota.TokenLen]byte
	if !c.session.inlines(d, t) {
		who := d.who()
		c.gw.control.AppendToken(token[:0], &who, o)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || !d.signedIn || d.offered.times > 0 && d.offered.push >= o.Push && time.Now().UnixNano() < d.offered.expires {
		return false
	}
	if c.writing || !c.session.hasRoom() {
		c.session.wait(d)
		return false
	}
	c.session.borrow()
	sent := c.session.push(d, o, t, token[:])
	c.via.send()
	c.session.giveBack()
	return sent
}

// settle notes that nothing more of a push is owed on this connection.
func (m member) settle(push int64) {
	m.conn.mu.Lock()
	defer m.conn.mu.Unlock()
	m.device.settled = push
}
