//go:build linux

package epoll

import (
	"net"
	"net/netip"
)

// deferAccept is for how many seconds, about, the kernel holds a connection back
// on which nothing has come (TCP_DEFER_ACCEPT, tcp(7)).
const deferAccept = 5

// ListenEager is Listen for protocols in which the client speaks first: a
// connection is accepted when something has come, read from at once, by the loop
// that has accepted it, and watched only if it goes on after that.
func (g *Group) ListenEager(ln *net.TCPListener, handler func(*Place, netip.AddrPort) Handler, failed func(error)) (*Listener, error) {
	return g.listen(ln, true, handler, failed)
}

// begin serves a non-blocking socket, beginning with what has come on it. It is
// called by the loop.
func (a *Listener) begin(l *loop, fd int32, from netip.AddrPort) error {
	c, err := a.group.register(&Place{fd: fd}, func(p *Place) Handler { return a.handler(p, from) })
	if err != nil {
		return err
	}
	c.pump(l.buf)
	return nil
}
