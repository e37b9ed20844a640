//go:build linux

package epoll

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// Socket is a TCP connection that a TLS handshake may be made on, in the usual
// way that waits, and that can be handed to a Group with AddTLS afterwards.
type Socket struct {
	net.Conn       // a *net.TCPConn, until then
	conn     *Conn // from then on
}

// NewSocket makes a Socket of a connection that was accepted, or detached.
func NewSocket(nc *net.TCPConn) *Socket { return &Socket{Conn: nc} }

// TCP is the connection below, unless the Socket is with a Group.
func (s *Socket) TCP() *net.TCPConn { return s.Conn.(*net.TCPConn) }

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

// AddTLS serves a connection on which the handshake is done. tc is over socket;
// neither may be used any more. first are bytes that were read through tc
// already; they are the Conn's from now on.
func (g *Group) AddTLS(tc *tls.Conn, socket *Socket, first []byte, handler func(*Place) Handler) error {
	fd, err := fileOf(socket.TCP())
	if err != nil {
		return err
	}
	return g.add(int32(fd), first, func(p *Place) Handler {
		p.secure = &secure{tc, socket}
		return handler(p)
	})
}

// ended is what a Socket has below when it is with a Group. The one thing that
// crypto/tls still does there, as it says goodbye, is to set deadlines.
type ended struct{ net.Conn }

func (ended) SetWriteDeadline(time.Time) error { return net.ErrClosed }

// bufs are for whoever reads outside of a loop.
var bufs = sync.Pool{New: func() any { return new([readBuffer]byte) }}

func borrow() *[readBuffer]byte { return bufs.Get().(*[readBuffer]byte) }

func giveBack(b *[readBuffer]byte) { bufs.Put(b) }
