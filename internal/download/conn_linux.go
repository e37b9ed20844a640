package download

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/cotahq/cota/internal/epoll"
)

// conn is a connection on which files are asked for, on a loop. One answer is
// under way at a time. No device asks for more before it has come whole; who
// does is not heard any more, and the connection ends after that answer.
type conn struct {
	loops *loops
	conn  epoll.Conn
	from  netip.Addr
	begun bool // a request has begun, and must be there in time; for Take only

	mu     sync.Mutex
	unsent *answer // waits for room; guarded by mu
}

// errLast ends a connection that was served as asked for.
var errLast = errors.New("that was the last answer")

// Take takes the first request of what has come.
func (c *conn) Take(b []byte) (int, error) {
	if c.answering() {
		return len(b), nil
	}
	r, v := parseRequest(b)
	switch v {
	case other:
		return 0, c.handOver(b)
	case unfinished:
		if !c.begun {
			c.begun = true
			c.within(c.loops.server.HTTP.ReadHeaderTimeout)
		}
		return 0, nil
	}
	c.begun = false
	q := question{token: string(r.token), from: c.from, ranged: r.ranged, offset: r.from, last: r.last}
	a, known := c.loops.files.remembered(q)
	if !known {
		c.pause(func() { c.send(c.loops.files.look(context.Background(), q)) })
		return r.size, nil
	}
	return r.size, c.reply(a)
}

// answering reports whether an answer is under way, which then is the last.
func (c *conn) answering() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsent == nil {
		return false
	}
	c.unsent.last = true
	return true
}

// handOver gives the connection to net/http.
func (c *conn) handOver(b []byte) error {
	first := bytes.Clone(b)
	nc, err := c.conn.Detach()
	if err != nil {
		return err
	}
	c.loops.rest.offer(nc, first)
	return nil
}

// pause has a task done that may wait; meanwhile nothing is taken.
func (c *conn) pause(task func()) {
	c.conn.Pause()
	c.loops.aside.do(func() {
		task()
		c.conn.Resume()
	})
}

// reply sends an answer for Take, and does not wait.
func (c *conn) reply(a answer) error {
	whole, err := c.write(a)
	if err != nil || !whole {
		return err
	}
	if !c.loops.files.tryFinish(a.part) {
		c.pause(func() {
			c.loops.files.record(a.part.grant)
			c.next(a.last)
		})
		return nil
	}
	if c.isLast(a.last) {
		return errLast
	}
	c.within(c.loops.server.HTTP.IdleTimeout)
	return nil
}

// send sends an answer when nobody minds waiting.
func (c *conn) send(a answer) {
	whole, err := c.write(a)
	if err != nil || !whole {
		return // what is the matter, the loop will find out
	}
	c.loops.files.finish(a.part)
	c.next(a.last)
}

// write writes an answer, and reports whether all of it is with the kernel.
// The rest is for Written to see to.
func (c *conn) write(a answer) (whole bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.WriteFile(a.head, a.body, a.shared, a.part.from); err != nil {
		c.loops.files.sent(a.part, false)
		return false, err
	}
	if c.conn.Unsent() == 0 {
		return true, nil
	}
	c.unsent = &a
	c.loops.unsent.Add(1)
	c.within(c.loops.server.HTTP.WriteTimeout)
	return false, nil
}

// Written says that an answer that waited for room has gone out.
func (c *conn) Written() {
	a := c.takeUnsent()
	if a == nil {
		return
	}
	if h := c.loops.files; !h.tryFinish(a.part) && !c.loops.aside.offer(func() { h.record(a.part.grant) }) {
		h.log.Warn("download is not on record", "product", a.part.grant.Product, "err", "too many wait")
	}
	c.next(a.last)
}

func (c *conn) takeUnsent() *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.unsent
	if a != nil {
		c.unsent = nil
		c.loops.wentOut()
	}
	return a
}

// next waits for the next request, or ends the connection if that was the last.
func (c *conn) next(last bool) {
	if c.isLast(last) {
		c.conn.Close()
		return
	}
	c.within(c.loops.server.HTTP.IdleTimeout)
}

func (c *conn) isLast(last bool) bool { return last || c.loops.closing.Load() }

// within has the connection end after d, unless it is told otherwise; 0: never.
func (c *conn) within(d time.Duration) {
	if d > 0 {
		c.conn.SetDeadline(d)
	}
}

// Closed notes what of an answer did not go out.
func (c *conn) Closed(error) {
	if a := c.takeUnsent(); a != nil {
		c.loops.files.sent(a.part, false)
	}
}
