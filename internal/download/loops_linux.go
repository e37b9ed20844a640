package download

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/cotahq/cota/internal/epoll"
)

const haveLoops = true

// loops serve plain requests for files to the connections of one listener.
type loops struct {
	server  *Server
	files   *Handler
	group   *epoll.Group
	ln      *epoll.Listener
	rest    *handover
	aside   *aside
	unsent  atomic.Int64  // answers that wait for room
	drained chan struct{} // has an element when there were none for a moment
	closing atomic.Bool   // each answer is the last of its connection
}

func newLoops(s *Server, ln *net.TCPListener) (*loops, error) {
	group, err := epoll.New()
	if err != nil {
		return nil, err
	}
	l := &loops{server: s, files: s.Files, group: group, rest: newHandover(ln.Addr()), aside: newAside(), drained: make(chan struct{}, 1)}
	l.ln, err = group.ListenEager(ln, l.accept, func(err error) { l.files.log.Warn("cannot accept downloads", "err", err) })
	if err != nil {
		l.aside.close()
		return nil, errors.Join(err, group.Close())
	}
	return l, nil
}

func (l *loops) accept(p *epoll.Place, from netip.AddrPort) epoll.Handler {
	d := &conn{loops: l, from: from.Addr(), begun: true}
	p.KeepIn(&d.conn)
	d.within(l.server.HTTP.ReadHeaderTimeout)
	return d
}

// close stops accepting, waits for answers that have begun as long as ctx
// lasts, and ends all connections but those that were handed over.
func (l *loops) close(ctx context.Context) error {
	l.closing.Store(true)
	err := l.ln.Close()
	l.drain(ctx)
	err = errors.Join(err, l.group.Close())
	l.aside.close()
	return err // and rest is closed by net/http
}

// drain waits until no answer waits for room, or ctx ends.
func (l *loops) drain(ctx context.Context) {
	for l.unsent.Load() > 0 {
		select {
		case <-l.drained: // and may be some again
		case <-ctx.Done():
			return
		}
	}
}

// wentOut says that an answer waits for room no more.
func (l *loops) wentOut() {
	if l.unsent.Add(-1) > 0 {
		return
	}
	select {
	case l.drained <- struct{}{}:
	default: // it is known already
	}
}
