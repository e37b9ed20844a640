package simtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// network is a simulated network between the server and everybody else.
type network struct {
	seed uint64

	mu    sync.Mutex
	doors map[string]*door
	open  map[*conn]bool       // the server's ends that it has not closed; guarded by mu
	ends  map[*conn]bool       // everybody else's; guarded by mu
	gone  map[string]time.Time // when the server closed its last MQTT connection, by owner; guarded by mu
	ports uint16               // guarded by mu

	writer  *conn     // that wrote last, at the server's end; guarded by mu
	wroteAt time.Time // guarded by mu
	burst   bool      // others wrote at the same time; guarded by mu
}

func newNetwork(seed uint64) *network {
	return &network{
		seed: seed, doors: make(map[string]*door),
		open: make(map[*conn]bool), ends: make(map[*conn]bool), gone: make(map[string]time.Time),
	}
}

// instant is the grain of the simulation. What follows from one event may take
// a few nanoseconds, one for each commit; it is still the same instant. Bytes
// arrive at the beginning of an instant, those of operators and of devices
// never within the same.
const instant = 64 * time.Nanosecond

// instantOf is the instant that now lies in.
func instantOf(now time.Time) time.Time { return now.Truncate(instant) }

// path is what a connection is like, in both directions.
type path struct {
	delay   time.Duration // at least, one way
	jitter  time.Duration // at most, beyond delay
	perByte time.Duration // 0: no bound on bandwidth
	window  int           // bytes that may be under way and unread, each way
}

// direct is the path of who is to see everything at one instant.
var direct = path{window: 1 << 20}

// Errors of broken connections.
var (
	errReset   = errors.New("connection reset")
	errRefused = errors.New("connection refused")
)

// door is a listener of the server.
type door struct {
	net    *network
	name   string
	queue  chan *conn
	closed chan struct{}
	once   sync.Once
}

// listen opens a door in the place of the one before of that name.
func (n *network) listen(name string) *door {
	d := &door{net: n, name: name, queue: make(chan *conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doors[name] = d
	return d
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.queue:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1} }

// dial connects to a door, for the identity of owner. who names the
// connection: it must be unique, and the same in every run of the seed.
func (n *network) dial(ctx context.Context, to, owner, who string, from net.IP, p path) (*conn, error) {
	n.mu.Lock()
	n.ports++
	addr := &net.TCPAddr{IP: from, Port: 1024 + int(n.ports)}
	n.mu.Unlock()
	if !pause(ctx, p.delay) {
		return nil, ctx.Err()
	}
	n.mu.Lock()
	d := n.doors[to]
	n.mu.Unlock()
	if d == nil {
		return nil, errRefused
	}
	here, there := n.pair(to, owner, who, addr, d.Addr(), p)
	select {
	case d.queue <- there:
	case <-d.closed:
		there.Close()
		here.abandon()
		return nil, errRefused
	case <-ctx.Done():
		there.Close()
		here.abandon()
		return nil, ctx.Err()
	}
	if !pause(ctx, p.delay) {
		here.Close()
		return nil, ctx.Err()
	}
	return here, nil
}

// pause reports whether it lasted as long as it should.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// held are the connections that the server has not closed.
func (n *network) held() (all []*conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		all = append(all, c)
	}
	return all
}

// holds reports whether the server holds this client's connection.
func (n *network) holds(c *conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open[c.peer]
}

// serves says whether the server holds an MQTT connection of an owner and, if
// it does not, since when.
func (n *network) serves(owner string) (is bool, since time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		if c.to == "mqtt" && c.owner == owner {
			return true, since
		}
	}
	return false, n.gone[owner]
}

// noteWrite notes that the server writes.
func (n *network) noteWrite(c *conn, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.wroteAt) > time.Microsecond {
		n.writer, n.wroteAt, n.burst = c, now, false
	}
	n.burst = n.burst || n.writer != c
}

// calm reports whether the server has not just written to several.
func (n *network) calm(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.burst || now.Sub(n.wroteAt) > time.Microsecond
}

// hangUp ends every connection from the far end: the run is over.
func (n *network) hangUp() {
	n.mu.Lock()
	ends := make([]*conn, 0, len(n.ends))
	for c := range n.ends {
		ends = append(ends, c)
	}
	n.mu.Unlock()
	for _, c := range ends {
		c.Close()
	}
}

// crash is the end of the server's process: its doors and connections end
// where they are. What it wrote before is still delivered.
func (n *network) crash() {
	n.mu.Lock()
	ends := make([]*conn, 0, len(n.open))
	for c := range n.open {
		ends = append(ends, c)
	}
	doors := n.doors
	n.doors = make(map[string]*door)
	n.mu.Unlock()
	for _, c := range ends {
		c.die() // before the process notices that it has no doors any more
	}
	for _, d := range doors {
		d.Close()
	}
}

func (n *network) hash(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, n.seed, parts)
	return h.Sum64()
}

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
