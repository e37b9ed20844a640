//go:build linux

package epoll

import (
	"net"

	"golang.org/x/sys/unix"
)

// Write sends b, at once as far as there is room for it, and keeps the rest
// until there is. It never waits. b may be used again. The error is ErrStalled
// when too much is kept already.
func (c *Conn) Write(b []byte) (int, error) {
	if c.secure != nil {
		return c.secure.tls.Write(b)
	}
	return c.send(b)
}

// Unsent is how many bytes wait for room.
func (c *Conn) Unsent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buffers == nil {
		return 0
	}
	return len(c.buffers.out)
}

func (c *Conn) send(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 || c.closing {
		return 0, net.ErrClosed
	}
	if c.buffers != nil && c.buffers.out != nil {
		if len(c.buffers.out)+len(b) > MaxUnsent {
			return 0, ErrStalled
		}
		c.buffers.out = append(c.buffers.out, b...)
		return len(b), nil
	}
	n, err := writeNow(c.fd, b)
	if err != nil || n == len(b) {
		return n, err
	}
	q := c.need()
	q.out = append([]byte(nil), b[n:]...)
	q.due, q.writeBy = len(q.out), c.after(writeTimeout)
	c.schedule()
	return len(b), c.listen()
}

// listen tells epoll what to watch for now. c.mu is held.
func (c *Conn) listen() error {
	if c.ignored {
		return nil // until release
	}
	return unix.EpollCtl(c.loop.fd, unix.EPOLL_CTL_MOD, int(c.fd), &unix.EpollEvent{Events: c.events(), Fd: c.fd})
}

// flush sends what waits. When it cannot, the read that follows says why.
func (c *Conn) flush() {
	c.mu.Lock()
	if c.fd < 0 || c.buffers == nil || c.buffers.out == nil {
		c.mu.Unlock()
		return
	}
	b := c.buffers
	n, err := writeNow(c.fd, b.out)
	if err == nil && n < len(b.out) {
		b.out = b.out[n:]
		if b.due -= n; b.due <= 0 && !c.closing { // what has come since has its own time
			b.due, b.writeBy = len(b.out), c.after(writeTimeout)
		}
		c.mu.Unlock()
		return
	}
	c.dropOut()
	c.listen() // fails only for want of memory: a wake too many each time
	if c.closing {
		c.shut()
	}
	c.mu.Unlock()
	if err == nil {
		c.handler.Written()
	}
}

// Close ends the connection once everything that was written is sent, for which
// the other end has a second. Nothing more is handed to the Handler but its end.
func (c *Conn) Close() {
	if c.secure != nil {
		c.secure.tls.CloseWrite() // as TLS says goodbye; if it cannot, the end does as well
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 || c.closing {
		return
	}
	c.closing = true
	if c.buffers != nil && c.buffers.out != nil {
		c.buffers.writeBy = c.after(lastWord)
		c.schedule()
		return
	}
	c.shut()
}

// shut ends the connection's traffic, which epoll reports as its end. c.mu is
// held.
func (c *Conn) shut() {
	unix.Shutdown(int(c.fd), unix.SHUT_RDWR) // fails only if the other end was faster
}
