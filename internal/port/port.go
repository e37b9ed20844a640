// Package port tells plain TCP, TLS and WebSocket apart on one port, by the
// first bytes that a client sends.
//
// All three end in the same: a stream of MQTT, of which it is known where it
// comes from and whether it is encrypted. Behind a load balancer the client's
// address is read from a PROXY protocol header, if the load balancer is one of
// those that are trusted to say it.
package port

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Options are what a Port is made of. The zero Options serve plain TCP and
// WebSocket to whoever connects directly.
type Options struct {
	// TLS is how to serve who begins with a TLS handshake; nil: not at all.
	TLS *tls.Config
	// Proxies are the networks of load balancers. A connection from there must
	// begin with a PROXY protocol header of version 2. Nobody else's may.
	Proxies []netip.Prefix
}

// Port serves connections by one set of rules, on as many listeners as need
// be. Its methods may be called by many goroutines.
type Port struct {
	tls      *tls.Config
	proxies  []netip.Prefix
	turns    turns
	partings sync.WaitGroup // clients that are being told that their connections have ended
}

// New makes a Port.
func New(o Options) *Port {
	return &Port{tls: o.TLS, proxies: o.Proxies, turns: newTurns()}
}

// Listen makes a Listener of ln. It adds nothing to what accepting costs: what
// a connection speaks is found out by Conn.Open, in the time of whoever serves
// it.
func (p *Port) Listen(ln net.Listener) *Listener {
	return &Listener{Listener: ln, port: p, closed: make(chan struct{})}
}

// Listener accepts connections for a Port, all of type *Conn. Whoever accepts
// them himself, from the listener below, asks Plain and makes them with Conn.
type Listener struct {
	net.Listener
	port   *Port
	once   sync.Once
	closed chan struct{}
}

// Accept waits for the next connection, a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.Conn(raw, nil), nil
}

// Conn makes a connection of one that was accepted, and from which these first
// bytes were read already.
func (l *Listener) Conn(accepted net.Conn, first []byte) *Conn {
	return &Conn{Conn: accepted, accepted: accepted, port: l.port, first: first}
}

// Plain reports whether a client that is connected from addr and begins with
// first, a byte or more, speaks MQTT and nothing around it. Then there is
// nothing to open, and it counts as opened.
func (l *Listener) Plain(addr netip.Addr, first []byte) bool {
	if sniff(first) != mqttBytes || l.port.trusts(addr.Unmap().WithZone("")) {
		return false
	}
	openedPlain.Inc()
	return true
}

// Silent counts a client that has left before it said anything.
func (l *Listener) Silent() { dropped.Inc() }

// Close closes the listener. It may be called again.
func (l *Listener) Close() (err error) {
	l.once.Do(func() {
		err = l.Listener.Close()
		close(l.closed)
	})
	return err
}

// Closed ends when Close is called.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// Wait waits until the clients of all connections that were closed have been
// told so, which takes a second at most.
func (p *Port) Wait() { p.partings.Wait() }

// trusts reports whether a is the address of a load balancer.
func (p *Port) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.proxies, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Address is that of the other end of a connection, in the one form that an
// address has here: IPv4 where it can be, and no zone. It is the zero Addr if
// there is none.
func Address(nc net.Conn) netip.Addr {
	a := nc.RemoteAddr()
	if a == nil { // it has gone already
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// Error says that a connection was given up for what its client sent. Its
// text is for the log and repeats nothing of that.
type Error struct {
	Reason string
	Err    error // what was found; may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
