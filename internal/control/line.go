package control

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Facts is what has to be known of a product to serve its devices.
type Facts struct {
	Enabled bool
	Policy  cota.Policy
	Current *cota.Version // without content; nil: nothing saved
	Push    int64         // what the devices converge to; 0: nothing
	Pushed  *cota.Version // what Push delivers, without content; nil with 0
}

// line is the line of supply to a product's devices. Whatever is sent to them
// of the server's own accord is sent while sending is held for reading, by
// the facts as they then are. A command that changes the facts holds it for
// writing, so that after its answer nothing goes out by the old ones.
type line struct {
	sending sync.RWMutex

	facts atomic.Pointer[Facts] // nil: to be read again; stored with Control.mu held
}

func (c *Control) line(product string) *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lineLocked(product)
}

func (c *Control) lineLocked(product string) *line {
	l := c.lines[product]
	if l == nil {
		l = new(line)
		c.lines[product] = l
	}
	return l
}

// forget hears that something has changed.
func (c *Control) forget(n store.Note) {
	if n.Device != 0 || n.Topology != nil {
		return // of one device nothing is remembered
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for key, l := range c.lines {
		if n.Product == "" || n.Product == key {
			l.facts.Store(nil)
		}
	}
}

// Facts are the facts of a product as of now.
func (c *Control) Facts(ctx context.Context, product string) (*Facts, error) {
	if f := c.remembered(product); f != nil {
		return f, nil
	}
	for {
		f, fresh, err := c.read(ctx, product)
		if fresh || err != nil {
			return f, err
		}
	}
}

// remembered are the facts of a product without a look at the store; nil when
// that is needed.
func (c *Control) remembered(product string) *Facts {
	c.mu.Lock()
	l := c.lines[product]
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.facts.Load()
}

// read reads the facts from the store and remembers them, unless something has
// changed meanwhile: then they may be old already. A product that does not
// exist is not remembered, or inventing keys would fill the memory.
func (c *Control) read(ctx context.Context, product string) (f *Facts, fresh bool, err error) {
	c.mu.Lock()
	changes := c.changes
	c.mu.Unlock()
	p, err := c.store.Product(ctx, product)
	if err != nil {
		return nil, false, err
	}
	f = &Facts{Enabled: p.Enabled, Policy: p.Policy}
	if f.Current, err = c.head(ctx, product, p.Current); err != nil {
		return nil, false, err
	}
	if p.Push != 0 {
		push, err := c.store.Push(ctx, p.Push)
		if err != nil {
			return nil, false, err
		}
		f.Push = p.Push
		if f.Pushed, err = c.head(ctx, product, push.Version); err != nil {
			return nil, false, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != changes {
		return f, false, nil
	}
	c.lineLocked(product).facts.Store(f)
	return f, true, nil
}

// KeptContent is the largest file, in bytes, whose content is part of the facts,
// and so of the offers that devices are made.
const KeptContent = 8 << 10

// head is a version without its content, unless that is small.
func (c *Control) head(ctx context.Context, product string, number int64) (*cota.Version, error) {
	if number == 0 {
		return nil, nil
	}
	v, err := c.store.VersionHead(ctx, product, number)
	if err == nil && v.Size <= KeptContent {
		v, err = c.store.Version(ctx, product, number)
	}
	return &v, err
}

// patience bounds how long a command, or a device that asks, waits for what
// devices report to be on record. It is never reached while the database works.
const (
	patience     = 10 * time.Second
	patienceHeld = time.Second // the same, when it is known what keeps the database from it
)

var errPatience = cota.Errorf(cota.Unavailable, "the database does not take what devices report; try again")

// hold keeps everything from being sent to a product's devices until release
// is called, and waits for what is known of what was sent to be on record. It
// does not wait for longer than patience: with the product's devices waits
// whoever asks for its configuration.
func (c *Control) hold(ctx context.Context, product string) (release func(), err error) {
	l := c.line(product)
	l.sending.Lock()
	if err := c.flush(ctx); err != nil {
		l.sending.Unlock()
		return nil, err
	}
	return l.sending.Unlock, nil
}

// flush waits, with patience, until all that was reported before is on record.
// It has less of it when it is known why that does not happen.
func (c *Control) flush(ctx context.Context) error {
	long := patience
	if c.store.Held() != nil {
		long = patienceHeld
	}
	ctx, cancel := context.WithTimeoutCause(ctx, long, errPatience)
	defer cancel()
	return c.impatient(ctx, c.store.Flush(ctx))
}

// impatient is err, or if ctx ended because patience did, why the database does
// not take what devices report.
func (c *Control) impatient(ctx context.Context, err error) error {
	if err == nil || context.Cause(ctx) != errPatience {
		return err
	}
	if why := c.store.Held(); cota.CodeOf(why) == cota.Unavailable {
		return why
	}
	return errPatience
}
