package simtest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// conn is one end of a connection.
type conn struct {
	net    *network
	to     string // the door
	owner  string
	who    string
	server bool
	local  net.Addr
	remote net.Addr
	path   path
	salt   uint64 // of its delays
	peer   *conn

	in *stream

	mu            sync.Mutex
	closed        error     // guarded by mu
	since         time.Time // of closed; guarded by mu
	readDeadline  time.Time // guarded by mu
	writeDeadline time.Time // guarded by mu
	sent          time.Time // when what was read last was written; guarded by mu
	wrote         int       // bytes; guarded by mu
	writable      chan struct{}
}

// stream is one direction of a connection.
type stream struct {
	mu       sync.Mutex
	segments []segment     // guarded by mu
	size     int           // bytes in segments, and lost ones; guarded by mu
	last     time.Time     // when the newest segment arrives; guarded by mu
	end      error         // what comes after the segments; guarded by mu
	endAt    time.Time     // guarded by mu
	lost     bool          // what is written goes nowhere; guarded by mu
	changed  chan struct{} // to the reader
}

type segment struct {
	at   time.Time // of arrival
	sent time.Time
	data []byte
}

func (n *network) pair(to, owner, who string, client, server net.Addr, p path) (here, there *conn) {
	end := func(atServer bool, local, remote net.Addr) *conn {
		return &conn{
			net: n, to: to, owner: owner, who: who, server: atServer, local: local, remote: remote, path: p, salt: n.hash(who, atServer),
			in: &stream{changed: make(chan struct{}, 1)}, writable: make(chan struct{}, 1),
		}
	}
	here, there = end(false, client, server), end(true, server, client)
	here.peer, there.peer = there, here
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[there], n.ends[here] = true, true
	return here, there
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readDeadline = t
	signal(c.in.changed)
	return c.closed
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeDeadline = t
	signal(c.writable)
	return c.closed
}

// sentAt is when the bytes that were read last were written.
func (c *conn) sentAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// closedSince is when this end was closed; zero: it is not.
func (c *conn) closedSince() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since
}

// written is how many bytes this end has written.
func (c *conn) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrote
}

func (c *conn) Read(b []byte) (int, error) {
	for {
		n, wait, err := c.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		await(c.in.changed, wait)
	}
}

// take reads what has arrived; if that is nothing it says until when to wait.
func (c *conn) take(b []byte) (n int, wait time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.closed != nil:
		return 0, wait, c.closed
	case !c.readDeadline.IsZero() && !now.Before(c.readDeadline):
		return 0, wait, os.ErrDeadlineExceeded
	}
	s := c.in
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) > 0 && !now.Before(s.segments[0].at) {
		first := &s.segments[0] // no more: sentAt is to tell when it was sent
		n = copy(b, first.data)
		c.sent = first.sent
		s.size -= n
		if first.data = first.data[n:]; len(first.data) == 0 {
			s.segments = s.segments[1:]
		}
		signal(c.peer.writable)
		return n, wait, nil
	}
	wait = c.readDeadline
	switch {
	case len(s.segments) > 0:
		wait = sooner(wait, s.segments[0].at)
	case s.end != nil && !now.Before(s.endAt):
		return 0, wait, s.end
	case s.end != nil:
		wait = sooner(wait, s.endAt)
	}
	return 0, wait, nil
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// await waits for a signal, or until a time that is not zero.
func await(c chan struct{}, until time.Time) {
	if until.IsZero() {
		<-c
		return
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-c:
	case <-t.C:
	}
}

func (c *conn) Write(b []byte) (n int, err error) {
	for {
		got, wait, err := c.put(b[n:])
		n += got
		if err != nil || n == len(b) {
			return n, err
		}
		if got == 0 {
			await(c.writable, wait)
		}
	}
}

// put writes as much as there is room for.
func (c *conn) put(b []byte) (n int, wait time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.closed != nil:
		return 0, wait, c.closed
	case c.hungUp(now):
		return 0, wait, errReset
	case !c.writeDeadline.IsZero() && !now.Before(c.writeDeadline):
		return 0, wait, os.ErrDeadlineExceeded
	}
	s := c.peer.in
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return 0, wait, errReset
	}
	n = min(len(b), c.path.window-s.size)
	if n <= 0 {
		return 0, c.writeDeadline, nil
	}
	s.size += n
	c.wrote += n
	if c.server {
		c.net.noteWrite(c, now)
	}
	if s.lost {
		return n, wait, nil
	}
	at := c.arrival(now)
	if s.last.After(at) {
		at = s.last
	}
	s.last = at.Add(time.Duration(n) * c.path.perByte)
	s.segments = append(s.segments, segment{s.last, instantOf(now), append([]byte(nil), b[:n]...)})
	signal(s.changed)
	return n, wait, nil
}

// hungUp reports whether this end knows that the other has closed. c.mu is
// held.
func (c *conn) hungUp(now time.Time) bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.end != nil && len(c.in.segments) == 0 && !now.Before(c.in.endAt)
}

// arrival is when what is written now arrives. It is the same for everything
// that this end writes at one instant.
func (c *conn) arrival(now time.Time) time.Time {
	if c.path == direct {
		return now
	}
	begun := instantOf(now)
	delay := c.path.delay
	if c.path.jitter > 0 {
		x := c.salt ^ uint64(begun.UnixNano())*0x9e3779b97f4a7c15
		x = (x ^ x>>32) * 0xd6e8feb86659fd93
		delay += time.Duration((x ^ x>>32) % uint64(c.path.jitter))
	}
	at := instantOf(begun.Add(delay))
	if c.to == "http" {
		at = at.Add(instant / 2)
	}
	return at
}

// Close tells the other end, behind what was written before.
func (c *conn) Close() error {
	if !c.shut(net.ErrClosed) {
		return net.ErrClosed
	}
	c.hangUp(io.EOF)
	return nil
}

// shut ends the use of this end, and says whether it was in use.
func (c *conn) shut(err error) bool {
	c.mu.Lock()
	was := c.closed
	if was == nil {
		c.closed = err
	}
	signal(c.in.changed)
	signal(c.writable)
	if was == nil {
		c.since = time.Now()
	}
	c.mu.Unlock()
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.server {
		if delete(c.net.open, c); c.to == "mqtt" && was == nil {
			c.net.gone[c.owner] = time.Now()
		}
	} else {
		delete(c.net.ends, c)
	}
	return was == nil
}

// hangUp has the other end see err behind what was written before.
func (c *conn) hangUp(err error) {
	now := time.Now()
	s := c.peer.in
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil || s.lost {
		return
	}
	s.end, s.endAt = err, c.arrival(now)
	if s.last.After(s.endAt) {
		s.endAt = s.last
	}
	signal(s.changed)
	signal(c.peer.writable)
}

// die is the end of the process that held this end.
func (c *conn) die() {
	if c.shut(errReset) {
		c.hangUp(errReset)
	}
}

// abandon drops this end without a word to the other, which notices nothing:
// a device without power.
func (c *conn) abandon() {
	c.shut(errReset)
	for _, s := range []*stream{c.in, c.peer.in} {
		s.mu.Lock()
		s.lost = true
		s.segments = nil // what was under way is lost too
		s.mu.Unlock()
	}
}

// cut breaks the connection: both ends see that, and what was under way is
// lost.
func (c *conn) cut() {
	for _, end := range []*conn{c, c.peer} {
		s := end.in
		s.mu.Lock()
		s.segments = nil
		s.last = time.Time{}
		s.mu.Unlock()
	}
	c.peer.hangUp(errReset)
	c.hangUp(errReset)
}
