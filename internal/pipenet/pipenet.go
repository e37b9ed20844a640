// Package pipenet is a network of pipes, for tests whose clock stands still:
// in a synctest bubble a socket would not do.
package pipenet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// Listener is a net.Listener whose connections are pipes, unbuffered and in
// memory. New makes one.
type Listener struct {
	name   string
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// New makes a listener with a name for messages.
func New(name string) *Listener {
	return &Listener{name: name, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to l, whatever the network and address. It waits until the
// connection is accepted, ctx ends or l is closed.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	return l.connect(ctx, here, there)
}

// DialFrom is Dial from an address that the listener's side sees, such as
// 192.0.2.1:1234.
func (l *Listener) DialFrom(ctx context.Context, from string) (net.Conn, error) {
	addr, err := netip.ParseAddrPort(from)
	if err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	return l.connect(ctx, here, addressed{there, net.TCPAddrFromAddrPort(addr)})
}

// addressed is a connection that comes from an address.
type addressed struct {
	net.Conn
	from net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.from }

func (l *Listener) connect(ctx context.Context, here, there net.Conn) (net.Conn, error) {
	select {
	case l.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, fmt.Errorf("dial %s: %w", l.name, net.ErrClosed)
	}
}

// Accept waits for the next connection, or until l is closed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial. Connections go on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is an address of no network.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: l.name, Net: "pipe"} }
