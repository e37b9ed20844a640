package port

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"sync"
	"time"
)

// firstBytes is how much is read at once to find out what a client speaks: a
// CONNECT packet, most often, or the beginning of a TLS handshake.
const firstBytes = 512

// plainTCP is the name of that transport.
const plainTCP = "tcp"

// Peer is who is at the other end of a connection.
type Peer struct {
	// Addr is the client's own address, even behind a load balancer.
	Addr netip.Addr
	// Secure says that the client speaks TLS, with us or with its load
	// balancer.
	Secure bool
	// Certificates are what the client presented with its TLS handshake, its
	// own first. It has the key of that one. Who issued them, and whether they
	// are still valid, nobody has looked at.
	Certificates []*x509.Certificate
}

// Conn is a connection that has come in at a Port. Open must be called before
// anything else but Close.
type Conn struct {
	// Conn is what the client is spoken with through: TCP, TLS or WebSocket.
	// Open sets it, with mu held: Close may come at any time.
	net.Conn
	accepted net.Conn // below that
	port     *Port
	first    []byte // read already when it was accepted

	mu     sync.Mutex
	closed bool // guarded by mu
}

// Open finds out what the client speaks, and shakes hands as that asks for. It
// fails when the client has not got through by the deadline, which goes on
// to hold for reading. What is known of the client is returned either way.
//
// An *Error says that the client is to blame.
func (c *Conn) Open(deadline time.Time) (Peer, error) {
	peer, transport := Peer{Addr: Address(c.accepted)}, ""
	err := c.accepted.SetDeadline(deadline)
	if err == nil {
		transport, err = c.open(&peer)
	}
	if err != nil {
		dropped.Inc()
		return peer, err
	}
	opened.WithLabelValues(transport).Inc()
	if err := c.accepted.SetDeadline(time.Time{}); err != nil {
		return peer, err
	}
	return peer, c.SetReadDeadline(deadline)
}

// open returns the name of the transport.
func (c *Conn) open(peer *Peer) (transport string, err error) {
	first, err := c.begin(peer)
	if err != nil {
		return "", err
	}
	transport, ws := plainTCP, "ws"
	speaks := sniff(first)
	if speaks == tlsRecord {
		transport, ws = "tls", "wss"
		if first, err = c.encrypt(first, peer); err != nil {
			return "", err
		}
		if speaks = sniff(first); speaks == tlsRecord {
			speaks = unknown
		}
	}
	switch speaks {
	case mqttBytes:
		c.become(&rewound{c.Conn, first})
		return transport, nil
	case httpRequest:
		return ws, c.upgrade(first, peer)
	}
	return "", &Error{Reason: "first bytes are neither MQTT nor TLS nor WebSocket"}
}

// begin reads the client's first bytes, behind what its load balancer says of
// it.
func (c *Conn) begin(peer *Peer) (first []byte, err error) {
	if first = c.first; len(first) == 0 {
		first, err = more(c.Conn, make([]byte, 0, firstBytes))
	}
	c.first = nil
	if err != nil || !c.port.trusts(peer.Addr) {
		return first, err
	}
	for {
		h, n, err := parseProxy(first)
		if err != nil {
			return nil, err
		}
		if n < len(first) {
			if h.addr.IsValid() {
				peer.Addr = h.addr
			}
			peer.Secure = h.secure
			return first[n:], nil
		}
		if first, err = more(c.Conn, first); err != nil {
			return nil, err
		}
	}
}

// more appends to buf what comes next, which is one byte at least.
func more(nc net.Conn, buf []byte) ([]byte, error) {
	if len(buf) == cap(buf) {
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
	for {
		n, err := nc.Read(buf[len(buf):cap(buf)])
		if n > 0 {
			return buf[:len(buf)+n], nil // an error that is final comes again
		}
		if err != nil {
			return nil, err
		}
	}
}

// become has the connection go on through nc.
func (c *Conn) become(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Conn = nc
}

// Close ends the connection at once, whatever it is doing. A client that
// speaks TLS or WebSocket is told behind the caller's back, who may hold locks:
// see Port.Wait.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if !c.tells() {
		return c.Conn.Close()
	}
	parting := c.Conn
	c.port.partings.Go(func() { parting.Close() })
	return c.accepted.SetReadDeadline(time.Now())
}

// tells reports whether the client is told of the end by more than the end of
// the connection. c.mu is held.
func (c *Conn) tells() bool {
	plain, ok := c.Conn.(*rewound)
	return c.Conn != c.accepted && !(ok && plain.Conn == c.accepted)
}

// Detach hands a connection over to somebody else, who from now on reads what
// was read already and then goes on: through secure if the client speaks TLS,
// and otherwise with the connection as it was accepted, over which secure is.
// It is for TCP and TLS, between Open and the first Read: for a WebSocket all
// that it returns is nil.
func (c *Conn) Detach() (read []byte, secure *tls.Conn, accepted net.Conn) {
	opened, ok := c.Conn.(*rewound)
	if !ok {
		return nil, nil, nil
	}
	if e, ok := opened.Conn.(*encrypted); ok {
		return opened.first, e.Conn, c.accepted
	}
	return opened.first, nil, c.accepted
}

// rewound is a connection of which the first bytes, which were read already,
// are read again.
type rewound struct {
	net.Conn
	first []byte
}

func (r *rewound) Read(b []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.first)
	if r.first = r.first[n:]; len(r.first) == 0 {
		r.first = nil // and the memory with it
	}
	return n, nil
}
