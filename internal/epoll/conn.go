//go:build linux

package epoll

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
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
	loop    *loop
	handler Handler
	secure  *secure // nil: plain

	deadline  atomic.Int32 // tick after which the wheel looks at it; 0: never
	wheelSlot int32        // one more than the slot it stands in; these three are guarded by wheel.mu
	wheelNext *Conn
	wheelPrev *Conn

	mu      sync.Mutex
	fd      int32    // -1: ended; guarded by mu
	readBy  int32    // tick by which the Handler must have what it waits for; 0: never; guarded by mu
	buffers *buffers // nil at rest; guarded by mu
	busy    bool     // somebody has it; guarded by mu
	paused  bool     // nobody may have it until Resume; guarded by mu
	ignored bool     // epoll does not watch it; guarded by mu
	closing bool     // what comes is of no interest; guarded by mu
	stalled bool     // it is abandoned; guarded by mu
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

// schedule has the wheel look at the earlier of the deadlines. c.mu is held.
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

// ready does what epoll found possible.
func (c *Conn) ready(events uint32, buf []byte) {
	if events&unix.EPOLLOUT != 0 {
		c.flush()
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	c.mu.Lock()
	free := c.fd >= 0 && !c.paused && !c.busy
	if free {
		c.busy = true
	} else {
		c.ignore()
	}
	c.mu.Unlock()
	if free {
		c.pump(buf)
	}
}

// ignore has epoll look away until somebody lets go of the connection. If only
// its events were masked, its end would be reported again and again. c.mu is
// held.
func (c *Conn) ignore() {
	if c.fd >= 0 && !c.ignored {
		c.ignored = unix.EpollCtl(c.loop.fd, unix.EPOLL_CTL_DEL, int(c.fd), nil) == nil
	}
}

// pump reads what has come and hands it on. From a plain connection it reads
// once: epoll says if there is more. The caller has the connection, and has it
// no longer then.
func (c *Conn) pump(buf []byte) {
	for {
		n, err := c.read(buf)
		switch {
		case n > 0:
			if !c.hand(buf[:n]) {
				return
			}
		case err == nil:
			c.finish(io.EOF)
			return
		case errors.Is(err, errAgain):
			c.release()
			return
		default:
			c.finish(err)
			return
		}
		if c.secure == nil {
			c.release()
			return
		}
	}
}

func (c *Conn) read(buf []byte) (int, error) {
	if c.secure != nil {
		return c.secure.tls.Read(buf)
	}
	return c.receive(buf)
}

// receive reads from the socket, as readNow does.
func (c *Conn) receive(buf []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return readNow(c.fd, buf)
}

// errAgain says that nothing has come yet. It is temporary as crypto/tls
// understands it, which goes on after such an error.
var errAgain net.Error = againError{}

type againError struct{}

func (againError) Error() string   { return "nothing has come yet" }
func (againError) Timeout() bool   { return true }
func (againError) Temporary() bool { return true }

// hand gives the Handler what was left before, and b. It reports whether the
// caller still has the connection.
func (c *Conn) hand(b []byte) bool {
	left := c.left()
	if len(left) > 0 {
		b = append(left, b...)
		left = b
	}
	for {
		n, waits, err := c.give(b)
		if err != nil {
			c.finish(err)
			return false
		}
		c.mu.Lock()
		if c.fd < 0 { // it was detached
			c.mu.Unlock()
			return false
		}
		left = c.keep(left, b[n:])
		if c.paused {
			c.busy = false
		}
		mine := c.busy
		c.mu.Unlock()
		if !mine || waits {
			return mine
		}
		b = left // it was paused, and has been resumed since
	}
}

// give calls the Handler until it has all of b, waits for more, or has paused.
func (c *Conn) give(b []byte) (taken int, waits bool, err error) {
	for taken < len(b) {
		c.mu.Lock()
		paused, gone := c.paused, c.closing || c.fd < 0
		c.mu.Unlock()
		if gone {
			return len(b), true, nil
		}
		if paused {
			return taken, false, nil
		}
		n, err := c.handler.Take(b[taken:])
		if err != nil {
			return taken, true, err
		}
		taken += n
		if n == 0 {
			return taken, !c.isPaused(), nil
		}
	}
	return taken, true, nil
}

func (c *Conn) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

func (c *Conn) left() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buffers == nil {
		return nil
	}
	return c.buffers.in
}

// keep keeps what was not taken, in the place of what was left before if there
// was any. c.mu is held.
func (c *Conn) keep(before, rest []byte) []byte {
	if len(rest) < len(before) {
		rest = append(before[:0], rest...)
	}
	if len(before) == 0 { // rest is the loop's
		rest = append([]byte(nil), rest...)
	}
	if len(rest) == 0 {
		c.drop(func(b *buffers) { b.in = nil })
		return nil
	}
	c.need().in = rest
	return rest
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

// release lets go of the connection: whatever comes next is the loop's.
func (c *Conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if !c.ignored || c.fd < 0 {
		return
	}
	// It fails only when there is no memory for it. The deadline ends the
	// connection then.
	c.ignored = c.loop.watch(c.fd, c.events()) != nil
}

// events are what epoll is to watch for. c.mu is held.
func (c *Conn) events() uint32 {
	if c.buffers != nil && c.buffers.out != nil {
		return unix.EPOLLIN | unix.EPOLLOUT
	}
	return unix.EPOLLIN
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
	c.loop.group.conns[fd].Store(nil)
	c.fd, c.buffers = -1, nil
	c.loop.wheel.set(c, 0)
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
