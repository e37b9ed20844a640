package gateway

import (
	"net"
	"net/netip"
	"time"

	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

const readBuffer = 512 // bytes at first; it grows with the packet

// stream is a conn over any net.Conn: one goroutine reads, and writes what
// answers what it read; another one exists only while something else is being
// sent.
type stream struct {
	conn
	nc       net.Conn
	room     chan struct{} // has an element when something of what waitForRoom waits for has gone
	deadline time.Time     // for CONNECT
	fromLoop bool          // a loop accepted it, and goes on with it if it can

	handedOver bool // to a loop; guarded by mu
}

func newStream(g *Gateway, nc net.Conn, from netip.Addr) *stream {
	s := &stream{nc: nc, room: make(chan struct{}, 1), deadline: time.Now().Add(connectTimeout)}
	s.init(g, s, from)
	return s
}

// run is the life of a connection, unless a loop goes on with it.
func (s *stream) run() {
	err := s.open()
	if s.fromLoop {
		s.gw.opened()
	}
	if err == nil && s.handOver() {
		return
	}
	if err == nil {
		err = s.read()
	}
	s.close(s.reason(err))
	s.over()
}

// open has a connection that came in at a port find out what is spoken on it,
// and who speaks.
func (s *stream) open() error {
	if p, ok := s.nc.(*port.Conn); ok {
		peer, err := p.Open(s.deadline)
		s.know(peer)
		if err != nil {
			return err
		}
	}
	return s.nc.SetReadDeadline(s.deadline)
}

// read takes packets until the connection ends.
func (s *stream) read() error {
	buf := make([]byte, 0, readBuffer)
	for {
		n, err := mqtt.Frame(buf, maxPacket)
		if err != nil {
			return malformed(err)
		}
		if n <= len(buf) {
			if err := s.take(buf[:n], begins(buf[n:])); err != nil {
				return err
			}
			buf = after(buf, n)
			continue
		}
		if buf, err = s.more(buf, n); err != nil {
			return err
		}
	}
}

// take does what a packet asks for. more says that another has come.
func (s *stream) take(b []byte, more bool) error {
	if err := s.waitForRoom(); err != nil {
		return err
	}
	w, err := s.packet(b, more)
	if err == nil {
		err = s.do(w)
	}
	if err == nil {
		s.awaitNext()
	}
	return err
}

// more reads on towards a packet of n bytes. The buffer grows with what has
// really come: a fixed header that promises much takes no memory.
func (s *stream) more(buf []byte, n int) ([]byte, error) {
	if len(buf) == cap(buf) {
		buf = append(make([]byte, 0, min(n, 2*cap(buf))), buf...)
	}
	got, err := s.nc.Read(buf[len(buf):cap(buf)])
	if got > 0 {
		err = nil // if it is final, it comes again
	}
	return buf[:len(buf)+got], err
}

// after is what follows the first n bytes of buf. A buffer that has grown is
// given back when it is empty.
func after(buf []byte, n int) []byte {
	if n == len(buf) && cap(buf) > readBuffer {
		return make([]byte, 0, readBuffer)
	}
	return buf[:copy(buf, buf[n:])]
}

// expect fails only on a closed connection, as Read then does.
func (s *stream) expect(d time.Duration) { s.nc.SetReadDeadline(time.Now().Add(d)) }

// waitForRoom waits while the connection is full, once what answers the packets
// before is sent.
func (s *stream) waitForRoom() error {
	for {
		s.mu.Lock()
		full, end := s.full(len(s.session.out)), s.ended
		s.mu.Unlock()
		if end != nil {
			return end
		}
		if !full {
			return nil
		}
		s.flush()
		select {
		case <-s.room:
		case <-s.gw.ctx.Done():
			return s.gw.ctx.Err()
		}
	}
}

func (s *stream) madeRoom() {
	select {
	case s.room <- struct{}{}:
	default: // it is going to look anyway
	}
}

// flush writes in the caller's time. If somebody is writing already, it is
// left to them.
func (s *stream) flush() {
	s.mu.Lock()
	mine := s.mayWrite()
	s.mu.Unlock()
	if mine {
		s.write()
	}
}

// send writes in a goroutine of its own.
func (s *stream) send() {
	if s.mayWrite() {
		s.gw.done.Go(s.write)
	}
}

func (s *stream) sendSoon() { s.send() }

// mayWrite makes the caller the one who writes, if there is something to be
// written and nobody else does. mu is held.
func (s *stream) mayWrite() bool {
	if len(s.session.out) > maxUnsent {
		s.closeLocked(errDeaf)
	}
	if s.writing || s.ended != nil || len(s.session.out) == 0 {
		return false
	}
	s.writing = true
	return true
}

// write sends until there is nothing more to send. writing is set.
func (s *stream) write() {
	for {
		out := s.unsent()
		if out == nil {
			s.resume()
			return
		}
		if _, err := s.nc.Write(out); err != nil {
			s.close(errBroken)
			s.nc.Close()
			s.mu.Lock()
			s.session.out, s.writing = nil, false
			s.mu.Unlock()
			s.madeRoom()
			return
		}
		giveBack(out)
	}
}

// unsent takes what is to be sent next. If that is nothing, writing is over,
// and with it a connection that has ended.
func (s *stream) unsent() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.session.out
	s.session.out = nil
	if len(out) > 0 {
		s.madeRoom()
		s.limitWrite()
		return out
	}
	s.writing = false
	if s.ended != nil {
		s.nc.Close()
	}
	return nil
}

// limitWrite sets the time by which the device must have taken what is being
// written. mu is held.
func (s *stream) limitWrite() {
	d := writeTimeout
	if s.ended != nil {
		d = lastWord
	}
	s.nc.SetWriteDeadline(time.Now().Add(d)) // fails only on a closed connection, as Write then does
}

func (s *stream) hangUp() {
	switch {
	case s.handedOver:
	case s.writing: // and whoever writes sends this too, and closes
		s.limitWrite()
	case len(s.session.out) > 0:
		s.writing = true
		s.gw.done.Go(s.write)
	default:
		s.nc.Close()
	}
}
