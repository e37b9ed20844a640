//go:build linux

package epoll

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
)

// Socket is a TCP connection that a TLS handshake may be made on, in the usual
// way that waits, and that can be handed to a Group with AddTLS afterwards.
type Socket struct {
	net.Conn       // until then
	conn     *Conn // from then on
}

// Read is that of net.Conn, until the Socket is with a Group.
func (s *Socket) Read(b []byte) (int, error) {
	if s.conn == nil {
		return s.Conn.Read(b)
	}
	n, err := s.conn.receive(b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write is that of net.Conn, until the Socket is with a Group; then it never
// waits, and never writes less than all.
func (s *Socket) Write(b []byte) (int, error) {
	if s.conn == nil {
		return s.Conn.Write(b)
	}
	return s.conn.send(b)
}

// secure is what a connection under TLS has more.
type secure struct {
	tls    *tls.Conn
	socket *Socket
}

// AddTLS serves a connection on which the handshake is done. tc is over socket,
// which is over a *net.TCPConn; none of them may be used any more.
func (g *Group) AddTLS(tc *tls.Conn, socket *Socket, handler func(*Conn) Handler) error {
	fd, err := fileOf(socket.Conn.(*net.TCPConn))
	if err != nil {
		return err
	}
	return g.add(fd, nil, func(c *Conn) Handler {
		c.secure = &secure{tc, socket}
		socket.conn = c
		return handler(c)
	})
}

// bufs are for whoever reads outside of a loop.
var bufs = sync.Pool{New: func() any { return new([readBuffer]byte) }}

func borrow() *[readBuffer]byte { return bufs.Get().(*[readBuffer]byte) }

func giveBack(b *[readBuffer]byte) { bufs.Put(b) }
