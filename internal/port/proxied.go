package port

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Proxied makes a listener of ln for whoever speaks something else than MQTT,
// such as HTTP. A connection from one of these networks must begin with a PROXY
// protocol header of version 2, for which it has the given time, and is closed
// otherwise; nobody else's may. All connections are of type *ProxiedConn.
func Proxied(ln net.Listener, from []netip.Prefix, patience time.Duration) net.Listener {
	return proxiedListener{ln, New(Options{Proxies: from}), patience}
}

type proxiedListener struct {
	net.Listener
	port     *Port
	patience time.Duration
}

func (l proxiedListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &ProxiedConn{Conn: raw, inner: Conn{Conn: raw, accepted: raw, port: l.port}, patience: l.patience}, nil
}

// ProxiedConn is a connection that may have come through a load balancer. What
// that says is read when it is first needed, by RemoteAddr, Secure or Read, in
// the time of whoever calls them, not of who accepts.
type ProxiedConn struct {
	net.Conn
	inner    Conn
	patience time.Duration

	once sync.Once // guards the writing of what follows
	peer Peer
	read net.Conn // from where reading goes on
	err  error
}

// begin reads the header, if there must be one.
func (c *ProxiedConn) begin() {
	c.once.Do(func() {
		c.peer, c.read = Peer{Addr: Address(c.Conn)}, c.Conn
		if !c.inner.port.trusts(c.peer.Addr) {
			return
		}
		var first []byte
		if c.err = c.SetReadDeadline(time.Now().Add(c.patience)); c.err == nil {
			first, c.err = c.inner.begin(&c.peer)
		}
		if c.err == nil {
			c.err = c.SetReadDeadline(time.Time{})
		}
		if c.err != nil {
			misproxied.Inc()
			c.Close()
			return
		}
		c.read = &rewound{c.Conn, first}
	})
}

// RemoteAddr is the client's own address, even behind a load balancer. Then its
// port is 0.
func (c *ProxiedConn) RemoteAddr() net.Addr {
	c.begin()
	if c.err != nil || c.peer.Addr == Address(c.Conn) {
		return c.Conn.RemoteAddr()
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.peer.Addr, 0))
}

// Secure reports whether the client speaks TLS with its load balancer.
func (c *ProxiedConn) Secure() bool {
	c.begin()
	return c.peer.Secure
}

// Read reads what the client sent. An *Error says that its load balancer did not
// say who it is.
func (c *ProxiedConn) Read(b []byte) (int, error) {
	c.begin()
	if c.err != nil {
		return 0, c.err
	}
	return c.read.Read(b)
}

// CloseWrite tells the client that nothing more comes. An HTTP server does so
// before it closes on a client that may still be sending.
func (c *ProxiedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

var misproxied = promauto.NewCounter(prometheus.CounterOpts{
	Name: "cota_port_misproxied_total", Help: "Connections to the file door that load balancers began without a PROXY protocol header that is valid.",
})
