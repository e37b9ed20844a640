//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// acceptBatch bounds the connections that are accepted before others have
// their turn.
const acceptBatch = 64

// Listener accepts connections for a Group.
type Listener struct {
	group   *Group
	fd      int32
	eager   bool
	handler func(*Place, netip.AddrPort) Handler
	failed  func(error)
	closed  atomic.Bool
}

// Listen accepts connections from ln until the Listener is closed; ln stays the
// caller's. handler makes the Handler of each; failed is told when none can be
// accepted, which is tried again every second.
func (g *Group) Listen(ln *net.TCPListener, handler func(*Place, netip.AddrPort) Handler, failed func(error)) (*Listener, error) {
	return g.listen(ln, false, handler, failed)
}

func (g *Group) listen(ln *net.TCPListener, eager bool, handler func(*Place, netip.AddrPort) Handler, failed func(error)) (*Listener, error) {
	raw, err := ln.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	ctlErr := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(ctlErr, err); err != nil {
		return nil, fmt.Errorf("copy the listener: %w", err)
	}
	if err := prepare(fd, eager); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("prepare the listener: %w", err)
	}
	a := &Listener{group: g, fd: int32(fd), eager: eager, handler: handler, failed: failed}
	for _, l := range g.loops {
		l.mu.Lock()
		l.listeners = append(l.listeners, a)
		l.mu.Unlock()
		if err := l.watch(a.fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// prepare sets options of a listener's socket. They are its connections' own
// too: the kernel copies them.
func prepare(fd int, eager bool) error {
	// Small answers must not wait for more.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil || !eager {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, deferAccept)
}

// Close stops accepting. It may be called again.
func (a *Listener) Close() error {
	if a.closed.Swap(true) {
		return nil
	}
	for _, l := range a.group.loops {
		l.forget(a)
	}
	return unix.Close(int(a.fd))
}

// forget has the loop accept no more from a, and waits until it does not.
func (l *loop) forget(a *Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, known := range l.listeners {
		if known == a {
			l.listeners = append(l.listeners[:i:i], l.listeners[i+1:]...)
			unix.EpollCtl(l.fd, unix.EPOLL_CTL_DEL, int(a.fd), nil) // it may be out already
			return
		}
	}
}

// accept takes new connections from the listener whose file is fd, if it is
// one.
func (l *loop) accept(fd int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.listeners {
		if a.fd != fd {
			continue
		}
		if err := a.accept(l); err != nil {
			// It would be reported again at once: look away for a while.
			unix.EpollCtl(l.fd, unix.EPOLL_CTL_DEL, int(fd), nil)
			l.deaf = append(l.deaf, a)
			a.failed(err)
		}
		return
	}
}

// hear watches the listeners again that could not accept.
func (l *loop) hear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.deaf {
		if !a.closed.Load() {
			l.watch(a.fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE) // it was there before
		}
	}
	l.deaf = nil
}

// accept takes new connections, in the time of l.
func (a *Listener) accept(l *loop) error {
	for range acceptBatch {
		fd, from, err := acceptNow(a.fd)
		switch err {
		case nil:
		case unix.EAGAIN:
			return nil
		case unix.EINTR, unix.ECONNABORTED:
			continue
		default:
			return fmt.Errorf("accept: %w", err)
		}
		if a.eager {
			if err := a.begin(l, fd, from); err != nil {
				return err
			}
			continue
		}
		if err := a.group.add(fd, nil, func(p *Place) Handler { return a.handler(p, from) }); err != nil {
			return err
		}
	}
	return nil
}
