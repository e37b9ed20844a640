//go:build linux

package epoll

import (
	"net"
	"slices"
)

// WriteBoth is Write of head and then body, in one packet if they fit. body must
// never change from then on: what there is no room for is kept without a copy.
func (c *Conn) WriteBoth(head, body []byte) error {
	if c.secure != nil {
		_, err := c.secure.tls.Write(slices.Concat(head, body))
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fd < 0 || c.closing:
		return net.ErrClosed
	case c.buffers != nil && c.buffers.out != nil:
		return ErrStalled
	}
	n, err := writeBothNow(c.fd, head, body)
	if err != nil || n == len(head)+len(body) {
		return err
	}
	rest := slices.Clip(body[max(0, n-len(head)):]) // so that nothing is ever appended in its place
	if n < len(head) {
		rest = slices.Concat(head[n:], body)
	}
	return c.wait(rest)
}

// wait keeps out, which is the Conn's from now on, until there is room. c.mu is
// held.
func (c *Conn) wait(out []byte) error {
	b := c.need()
	b.out = out
	b.writeBy = c.after(writeTimeout)
	c.schedule()
	return c.listen()
}
