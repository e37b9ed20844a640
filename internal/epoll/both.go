//go:build linux

package epoll

import (
	"net"
	"os"
	"slices"
)

// WriteFile is Write of head and then body, in one packet if they fit. body must
// never change from then on: what there is no room for is kept without a copy.
// file, unless it is nil, holds body, too, from offset on: the kernel then sends
// the file's own pages, where it would copy body. That pays for 32 KB or more. It
// may be closed at any time.
func (c *Conn) WriteFile(head, body []byte, file *os.File, offset int) error {
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
	n, err := c.push(head, body, file, offset)
	if err != nil || n == len(head)+len(body) {
		return err
	}
	rest := slices.Clip(body[max(0, n-len(head)):]) // so that nothing is ever appended in its place
	if n < len(head) {
		rest = slices.Concat(head[n:], body)
	}
	return c.wait(rest)
}

// push writes what there is room for. c.mu is held.
func (c *Conn) push(head, body []byte, file *os.File, offset int) (int, error) {
	if file == nil {
		return writeBothNow(c.fd, head, body)
	}
	n, err := writeMoreNow(c.fd, head)
	if err != nil || n < len(head) {
		return n, err
	}
	sent := c.pushFile(file, offset, len(body))
	if sent == 0 { // there is no room, or more is the matter: write says what
		sent, err = writeNow(c.fd, body)
	}
	return n + sent, err
}

// pushFile sends so many bytes of a file, or as many as there is room for. It
// returns 0 if it cannot. c.mu is held.
func (c *Conn) pushFile(file *os.File, offset, size int) (n int) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) { n = sendFileNow(c.fd, fd, offset, size) }) // fd is not closed meanwhile
	return n
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
