//go:build linux

package epoll

// Place is a connection that has just come.
type Place struct {
	loop   *loop
	fd     int32
	paused bool    // or else whoever registers it has it
	first  []byte  // was read already
	secure *secure // nil: plain
	conn   *Conn   // where it is kept; nil until that is known
}

// KeepIn has the connection kept in c, which is a part of its Handler: one thing
// to keep, and for the collector to look at, instead of two. It is to be used
// from then on, and never to be copied.
func (p *Place) KeepIn(c *Conn) *Conn {
	c.loop, c.fd, c.paused, c.busy, c.ignored = p.loop, p.fd, p.paused, !p.paused, true
	if len(p.first) > 0 {
		c.buffers = &buffers{in: p.first}
	}
	if c.secure = p.secure; c.secure != nil {
		c.secure.socket.Conn, c.secure.socket.conn = ended{}, c
	}
	p.loop.group.conns[p.fd].Store(c)
	p.conn = c
	return c
}
