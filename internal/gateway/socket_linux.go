package gateway

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/cotahq/cota/internal/epoll"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// socket is a conn that a loop serves, together with many others. While it is
// silent it has no goroutine and no buffer. What does not wait is done by the
// loop, and what may wait by a worker, with the connection paused.
type socket struct {
	ep   epoll.Conn
	door *port.Listener // where it came in; nil once it is known what is spoken on it
	conn
}

// accepted makes a socket of a connection that a loop has accepted.
func (g *Gateway) accepted(p *epoll.Place, from netip.Addr, door *port.Listener) epoll.Handler {
	s := &socket{door: door}
	p.KeepIn(&s.ep)
	s.init(g, s, from)
	s.expect(connectTimeout)
	if !g.add(&s.conn) {
		return late{}
	}
	return s
}

// late is a connection that has come after the end.
type late struct{}

func (late) Take([]byte) (int, error) { return 0, net.ErrClosed }
func (late) Written()                 {}
func (late) Closed(error)             {}

// Take takes at most one packet.
func (s *socket) Take(b []byte) (int, error) {
	if s.door != nil {
		if !s.door.Plain(s.addr(), b) {
			return 0, s.passOn(b)
		}
		s.door = nil
	}
	n, err := mqtt.Frame(b, maxPacket)
	switch {
	case err != nil:
		return len(b), s.giveUp(malformed(err))
	case n > len(b) || s.holdBack():
		return 0, nil
	}
	w, err := s.packet(b[:n], begins(b[n:]))
	if err == nil && s.wordNow(&w) {
		w.word = nil
	}
	if err == nil && s.waits(&w) {
		s.ep.Pause()
		s.leave(w)
		return n, nil
	}
	if err == nil {
		err = s.do(w)
	}
	if err != nil {
		return n, s.giveUp(err)
	}
	s.awaitNext()
	return n, nil
}

// leave leaves what a packet asks for to others, who carry on after that.
func (s *socket) leave(w work) {
	if w.signIn {
		if login := s.login(); s.bySecret(login) {
			s.arrive(login, w.props)
			return
		}
	}
	s.gw.workers.do(func() { s.carryOn(s.do(w)) })
}

// carryOn goes on after a worker has done what a packet asked for.
func (s *socket) carryOn(err error) {
	if err != nil {
		s.close(s.reason(err))
	} else {
		s.awaitNext()
	}
	s.ep.Resume()
}

// giveUp closes the connection, and returns the error with which Take ends it
// at once, unless the device is still to be told.
func (s *socket) giveUp(err error) error {
	s.close(s.reason(err))
	if s.ep.Unsent() > 0 {
		return nil
	}
	return err
}

// holdBack pauses the connection if it is full, once what answers the packets
// before is sent.
func (s *socket) holdBack() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil || !s.full(s.ep.Unsent()) {
		return false
	}
	s.send()
	s.held = true
	s.ep.Pause()
	return true
}

func (s *socket) madeRoom() {
	if s.held && (s.ended != nil || !s.full(s.ep.Unsent())) {
		s.held = false
		s.gw.workers.do(func() { s.carryOn(nil) })
	}
}

func (s *socket) expect(d time.Duration) { s.ep.SetDeadline(d) }

// flush is for the loop as well, so that offers that have waited are left to a
// worker.
func (s *socket) flush() {
	s.mu.Lock()
	s.send()
	waits := s.session.waits() && !s.writing
	s.mu.Unlock()
	if waits {
		s.gw.workers.do(s.resume)
	}
}

func (s *socket) send() {
	if s.ended == nil {
		s.put()
	}
}

// sendSoon leaves it to a worker.
func (s *socket) sendSoon() {
	if s.ended == nil && len(s.session.out) > 0 {
		s.gw.workers.do(s.flush)
	}
}

// put gives what the session has to say to the kernel, and what that does not
// take to the loop. mu is held.
func (s *socket) put() {
	out := s.session.out
	s.session.out = nil
	if len(out) == 0 {
		return
	}
	_, err := s.ep.Write(out)
	giveBack(out)
	switch {
	case err == nil:
		s.writing = s.ep.Unsent() > 0
	case errors.Is(err, epoll.ErrStalled):
		s.closeLocked(errDeaf)
	default:
		s.closeLocked(errBroken)
	}
}

func (s *socket) hangUp() {
	s.put()
	s.ep.Close()
	s.madeRoom()
}

// Written goes on with what has waited for something to be sent.
func (s *socket) Written() {
	s.mu.Lock()
	s.writing = s.ep.Unsent() > 0 // there may be more since
	s.madeRoom()
	s.mu.Unlock()
	s.flush()
}

// Closed is the end. The device may still hear why.
func (s *socket) Closed(err error) {
	switch {
	case errors.Is(err, epoll.ErrStalled):
		err = errBroken
	case errors.Is(err, epoll.ErrTimeout):
		err = os.ErrDeadlineExceeded
	}
	if s.door != nil {
		s.door.Silent()
	}
	s.close(s.reason(err))
	if s.device() == nil {
		s.finish()
		return
	}
	s.gw.workers.do(s.finish)
}

func (s *socket) finish() {
	defer s.gw.done.Done()
	s.over()
}
