package simtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
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
