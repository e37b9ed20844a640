//go:build linux

package epoll

import (
	"errors"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

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
