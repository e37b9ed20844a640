// Package pipenet is a network of pipes, for tests whose clock stands still:
// in a synctest bubble a socket would not do.
package pipenet

import (
	"context"
	"fmt"
	"net"
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
