//go:build linux

package epoll

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	readBuffer = 64 << 10 // bytes that one read takes at most
	readEvents = 256      // connections that one look finds at most
)

// loop waits for the connections that it watches. Its goroutine is the only one
// that reads from them, but for those that are paused. It is small, as each of
// them leads to it: whether that is marked, the collector finds out faster then.
type loop struct {
	group *Group
	file  *os.File // of epoll; Go's poller wakes the loop when there is something in it
	fd    int      // the same
	wheel *wheel
	buf   []byte // to read into

	mu        sync.Mutex
	listeners []*Listener // guarded by mu
	deaf      []*Listener // not watched just now; guarded by mu
}

func newLoop(g *Group) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os would not wait for it
		unix.Close(fd)
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	return &loop{
		group: g, fd: fd, file: os.NewFile(uintptr(fd), "epoll"),
		wheel: &wheel{conns: g.conns}, buf: make([]byte, readBuffer),
	}, nil
}

func (l *loop) watch(fd int32, events uint32) error {
	if err := unix.EpollCtl(l.fd, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: events, Fd: fd}); err != nil {
		return fmt.Errorf("watch a connection: %w", err)
	}
	return nil
}

// run serves until the loop's file is closed.
func (l *loop) run() {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return // closed already
	}
	var events [readEvents]unix.EpollEvent
	looked := l.group.now()
	for {
		n := 0
		l.file.SetReadDeadline(time.Now().Add(tick)) // fails only when closed, and so does Read
		err := raw.Read(func(uintptr) bool {
			n = lookNow(l.fd, events[:])
			return n > 0
		})
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		for _, e := range events[:n] {
			switch c := l.group.conns[e.Fd].Load(); {
			case c == nil:
				l.accept(e.Fd)
			case c.loop == l: // or it was another connection's, a moment ago
				c.ready(e.Events, l.buf)
			}
		}
		if now := l.group.now(); now > looked {
			looked = now
			l.hear()
			for _, c := range l.wheel.expired(now) {
				c.expire()
			}
		}
	}
}
