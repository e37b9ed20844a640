//go:build linux

package epoll

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Handler is what a connection is for. Take and Closed are called one after the
// other, by whichever goroutine has the connection, and nothing follows Closed.
type Handler interface {
	// Take takes what has come and returns how many bytes of it are done with;
	// the rest comes again, with what comes next. It must neither keep b nor
	// wait: for that there is Pause. An error ends the connection.
	Take(b []byte) (int, error)
	// Written says that nothing waits any more, after Write had to keep some:
	// all is with the kernel, or the connection is to end. It may come at any
	// time.
	Written()
	// Closed says why the connection ends. What is written meanwhile may still
	// arrive.
	Closed(err error)
}

// Why a connection ends, beside what its Handler and the system say.
var (
	ErrTimeout = errors.New("nothing came in time")
	ErrStalled = errors.New("does not read what it is sent")
)

const (
	// MaxUnsent bounds the bytes that wait for room on a connection.
	MaxUnsent = 512 << 10
	// writeTimeout is how long each may wait, lastWord the same after Close.
	writeTimeout = 10 * time.Second
	lastWord     = time.Second
)

// Conn is a connection. Its methods may be called by many goroutines.
//
// Whoever is busy with it, a loop or the caller of Resume, has it to himself:
// reads from it, hands on what comes, ends it.
type Conn struct {
	deadline  atomic.Int32 // tick after which the wheel looks at it; 0: never
	wheelNext ref          // these three are guarded by wheel.mu
	wheelPrev ref
	wheelSlot int16 // one more than the slot it stands in; 0: none

	mu      sync.Mutex
	fd      int32 // -1: ended; guarded by mu
	readBy  int32 // tick by which the Handler must have what it waits for; 0: never; guarded by mu
	busy    bool  // somebody has it; guarded by mu
	paused  bool  // nobody may have it until Resume; guarded by mu
	ignored bool  // epoll does not watch it; guarded by mu
	closing bool  // what comes is of no interest; guarded by mu
	stalled bool  // it is abandoned; guarded by mu

	// Pointers stand together: of memory without any the collector does not even
	// take the cache line.
	buffers *buffers // nil at rest; guarded by mu
	loop    *loop
	handler Handler
	secure  *secure // nil: plain
}

// buffers are what a connection needs while it is not at rest.
type buffers struct {
	in      []byte // came and was not taken
	out     []byte // waits for room
	due     int    // so many bytes of it must have gone
	writeBy int32  // by this tick
}

// SetDeadline has the connection end with ErrTimeout after d, up to a second
// late. It does not while it is paused.
func (c *Conn) SetDeadline(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return
	}
	c.readBy = c.after(d)
	c.schedule()
}

// Deadline is when the connection ends, as SetDeadline set it last.
func (c *Conn) Deadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readBy == 0 {
		return time.Time{}
	}
	return c.loop.group.begun.Add(time.Duration(c.readBy) * tick)
}

func (c *Conn) after(d time.Duration) int32 {
	return c.loop.group.now() + int32((d+tick-1)/tick)
}

// schedule has the wheel look at the earlier of the deadlines. c.mu is held, and
// the connection has not ended.
func (c *Conn) schedule() {
	at := c.readBy
	if c.buffers != nil && c.buffers.writeBy != 0 && (at == 0 || c.buffers.writeBy < at) {
		at = c.buffers.writeBy
	}
	c.loop.wheel.set(c, at)
}

// expire ends a connection whose time is over.
func (c *Conn) expire() {
	c.mu.Lock()
	now := c.loop.group.now()
	switch {
	case c.fd < 0:
	case c.paused && c.isStalled(now):
		c.abandon()
		c.mu.Unlock()
		c.handler.Written()
		return
	case c.paused: // Resume will see to it
	case c.busy:
		c.loop.wheel.set(c, now+1)
	case c.isStalled(now):
		c.busy = true
		c.mu.Unlock()
		c.finish(ErrStalled)
		return
	case c.readBy != 0 && c.readBy < now:
		c.busy = true
		c.mu.Unlock()
		c.finish(ErrTimeout)
		return
	default:
		c.schedule()
	}
	c.mu.Unlock()
}

// isStalled reports whether the other end had its time to read. c.mu is held.
func (c *Conn) isStalled(now int32) bool {
	return c.buffers != nil && c.buffers.writeBy != 0 && c.buffers.writeBy < now
}

// abandon ends the traffic of a paused connection that has stalled, so that
// whoever waits for room need not any more. It ends when it is resumed. c.mu is
// held.
func (c *Conn) abandon() {
	c.stalled, c.closing = true, true
	c.dropOut()
	c.shut()
}

func (c *Conn) need() *buffers {
	if c.buffers == nil {
		c.buffers = new(buffers)
	}
	return c.buffers
}

// drop empties a buffer. c.mu is held.
func (c *Conn) drop(empty func(*buffers)) {
	if c.buffers == nil {
		return
	}
	if empty(c.buffers); c.buffers.in == nil && c.buffers.out == nil {
		c.buffers = nil
	}
}

// dropOut drops what waits for room. c.mu is held.
func (c *Conn) dropOut() {
	c.drop(func(b *buffers) { b.out, b.due, b.writeBy = nil, 0, 0 })
}

// Pause has nothing more handed to the Handler until Resume. It may be called
// by Take only.
func (c *Conn) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = true
}

// Resume goes on after Pause: what has come meanwhile is handed on in the
// caller's time. Whoever pauses a connection must resume it, though it may have
// been closed.
func (c *Conn) Resume() {
	c.mu.Lock()
	c.paused = false
	free := c.fd >= 0 && !c.busy
	if free {
		c.busy = true
		c.schedule()
	}
	c.mu.Unlock()
	if !free || !c.hand(nil) {
		return
	}
	if c.secure == nil {
		c.release()
		return
	}
	buf := borrow() // what TLS has read already is nothing that epoll knows of
	defer giveBack(buf)
	c.pump(buf[:])
}

// finish ends the connection. The caller has it.
func (c *Conn) finish(err error) {
	c.mu.Lock()
	if c.fd < 0 {
		c.mu.Unlock()
		return
	}
	if c.stalled {
		err = ErrStalled
	}
	c.mu.Unlock()
	c.handler.Closed(err)
	c.mu.Lock()
	fd := c.leave()
	c.mu.Unlock()
	closeNow(fd)
	c.loop.group.open.Done()
}

// leave takes the socket away from the loop. c.mu is held.
func (c *Conn) leave() (fd int) {
	fd = int(c.fd)
	c.loop.wheel.set(c, 0)
	c.loop.group.conns[fd].Store(nil)
	c.fd, c.buffers = -1, nil
	return fd
}

// Detach takes the connection out of its group, for somebody else to go on
// with. It may be called by Take only; what Take was given and has not taken is
// not part of it. Closed is not called.
func (c *Conn) Detach() (net.Conn, error) {
	c.mu.Lock()
	c.ignore()
	fd := c.leave()
	c.mu.Unlock()
	c.loop.group.open.Done()
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	return net.FileConn(f)
}
