//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxFiles bounds the table of connections where the system does not.
const maxFiles = 1 << 20

// Group is some loops that share the connections. Its methods may be called by
// many goroutines.
type Group struct {
	loops []*loop
	begun time.Time              // ticks count from here
	conns []atomic.Pointer[Conn] // by file
	next  atomic.Uint32          // loop for the next connection
	done  sync.WaitGroup         // loops

	mu     sync.Mutex
	closed bool           // guarded by mu
	open   sync.WaitGroup // connections
}

// New starts as many loops as there are processors to run them.
func New() (*Group, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("ask how many files may be open: %w", err)
	}
	g := &Group{conns: make([]atomic.Pointer[Conn], min(limit.Max, maxFiles)), begun: time.Now()}
	for range runtime.GOMAXPROCS(0) {
		l, err := newLoop(g)
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.loops = append(g.loops, l)
		g.done.Go(l.run)
	}
	return g, nil
}

// Close ends all connections as Conn.Close does, and returns when the Handler
// of each has been told. It waits for those that are paused.
func (g *Group) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	for i := range g.conns {
		if c := g.conns[i].Load(); c != nil {
			c.Close()
		}
	}
	g.open.Wait()
	var errs []error
	for _, l := range g.loops {
		errs = append(errs, l.file.Close())
	}
	g.done.Wait()
	return errors.Join(errs...)
}

// Add serves a TCP connection from now on. It takes the socket away from nc,
// which must not be used any more, whatever comes back. first are bytes that
// were read already; they are the Conn's from now on. handler makes its Handler.
func (g *Group) Add(nc *net.TCPConn, first []byte, handler func(*Place) Handler) error {
	fd, err := fileOf(nc)
	if err != nil {
		return err
	}
	return g.add(int32(fd), first, handler)
}

// fileOf takes a socket out of the hands of Go's own poller.
func fileOf(nc *net.TCPConn) (fd int, err error) {
	defer nc.Close()
	raw, err := nc.SyscallConn()
	if err != nil {
		return -1, err
	}
	ctlErr := raw.Control(func(old uintptr) {
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(ctlErr, err)
}

// add serves a non-blocking socket.
func (g *Group) add(fd int32, first []byte, handler func(*Place) Handler) error {
	// It begins paused, so that Resume looks at first, and after that epoll at
	// the socket.
	c, err := g.register(&Place{fd: fd, paused: true, first: first}, handler)
	if err != nil {
		return err
	}
	c.Resume()
	return nil
}

// turn is the loop whose turn it is to take a connection.
func (g *Group) turn() *loop { return g.loops[int(g.next.Add(1))%len(g.loops)] }

// register makes a socket one of the group's connections, or closes it.
func (g *Group) register(p *Place, handler func(*Place) Handler) (*Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.takes(p.fd); err != nil {
		unix.Close(int(p.fd))
		return nil, err
	}
	g.open.Add(1)
	p.loop = g.turn()
	h := handler(p)
	if p.conn == nil {
		p.KeepIn(new(Conn))
	}
	p.conn.handler = h
	return p.conn, nil
}

// takes says why a socket cannot be one of the group's connections. mu is held.
func (g *Group) takes(fd int32) error {
	switch {
	case g.closed:
		return net.ErrClosed
	case int(fd) >= len(g.conns):
		return unix.EMFILE
	}
	return nil
}

// now is the number of whole ticks since the group began.
func (g *Group) now() int32 { return int32(time.Since(g.begun) / tick) }
