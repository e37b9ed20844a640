package gateway

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotahq/cota/internal/epoll"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// maxOpening bounds the connections on which a goroutine is finding out what is
// spoken, or shaking hands. Each has connectTimeout for it.
const maxOpening = 8192

// loops serve the connections that come in by TCP.
type loops struct {
	opening  atomic.Int32 // connections that are being opened
	arrivals arrivals
	serving  sync.WaitGroup

	mu    sync.Mutex
	group *epoll.Group // nil until the first listener; guarded by mu
}

// started are the loops.
func (l *loops) started() (*epoll.Group, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.group == nil {
		l.group, err = epoll.New()
	}
	return l.group, err
}

// stop ends the loops, when there are no connections any more.
func (l *loops) stop() error {
	l.serving.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.group == nil {
		return nil
	}
	group := l.group
	l.group = nil
	return group.Close()
}

// serveByLoops serves a listener if it is of TCP, and reports whether it did.
func (g *Gateway) serveByLoops(door *port.Listener) (did bool, err error) {
	tcp, ok := door.Listener.(*net.TCPListener)
	if !ok {
		return false, nil
	}
	group, err := g.loops.started()
	if err != nil {
		return true, err
	}
	g.loops.serving.Add(1)
	defer g.loops.serving.Done()
	handler := func(p *epoll.Place, from netip.AddrPort) epoll.Handler { return g.accepted(p, from.Addr(), door) }
	a, err := group.ListenEager(tcp, handler, func(err error) { g.log.Warn("accept failed", "err", err) })
	switch {
	case errors.Is(err, net.ErrClosed):
		return true, nil // before it was served
	case err != nil:
		return true, err
	}
	select {
	case <-door.Closed():
	case <-g.ctx.Done():
	}
	return true, a.Close()
}

// passOn takes a connection away from its loop, for a goroutine to find out
// what is spoken on it.
func (s *socket) passOn(first []byte) error {
	deadline := s.ep.Deadline()
	nc, err := s.ep.Detach()
	if err == nil && s.gw.loops.opening.Add(1) > maxOpening {
		s.gw.opened()
		nc.Close()
		err = &closed{mqtt.ServerBusy, "too many connections are being opened", false}
	}
	if err != nil {
		s.close(s.reason(err))
		s.finish()
		return err
	}
	opening := newStream(s.gw, s.door.Conn(epoll.NewSocket(nc.(*net.TCPConn)), bytes.Clone(first)), s.addr())
	opening.deadline, opening.fromLoop = deadline, true
	s.gw.replace(&s.conn, &opening.conn)
	go func() {
		defer s.gw.done.Done()
		opening.run()
	}()
	return nil
}

// opened says that one connection less is being opened.
func (g *Gateway) opened() { g.loops.opening.Add(-1) }

// handOver has a loop go on with a connection that was opened, and reports
// whether it does. A WebSocket stays.
func (s *stream) handOver() bool {
	p, ok := s.nc.(*port.Conn)
	if !ok || !s.fromLoop {
		return false
	}
	first, secure, accepted := p.Detach()
	if accepted == nil || !s.letGo() {
		return false
	}
	group, err := s.gw.loops.started()
	if err != nil {
		return false
	}
	tcp := accepted.(*epoll.Socket)
	if secure == nil {
		err = group.Add(tcp.TCP(), first, s.adopted)
	} else {
		err = group.AddTLS(secure, tcp, first, s.adopted)
	}
	if err != nil {
		s.gw.log.Warn("connection cannot be served", "addr", s.addr(), "err", err)
	}
	return err == nil
}

// letGo has the stream leave its connection alone from now on, unless it has
// ended.
func (s *stream) letGo() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handedOver = s.ended == nil
	return s.handedOver
}

// adopted makes the socket that goes on with the connection.
func (s *stream) adopted(p *epoll.Place) epoll.Handler {
	next := new(socket)
	p.KeepIn(&next.ep)
	next.init(s.gw, next, s.addr())
	next.tls, next.session.certified = s.tls, s.session.certified
	next.expect(time.Until(s.deadline))
	s.gw.done.Add(1)
	s.gw.replace(&s.conn, &next.conn)
	return next
}
