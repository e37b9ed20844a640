package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

const (
	writeTimeout = 10 * time.Second // for the device to take what it is sent
	lastWord     = time.Second      // the same, once the connection has ended
	maxUnsent    = 512 << 10        // bytes that wait to be sent; a device that lets more gather is cut off
)

// conn is one connection: the conversation on it, and what it leads to. Its
// bytes are moved by a transport.
type conn struct {
	gw  *Gateway
	via transport
	tls *secured // nil: in the clear

	ended   *closed // why the connection ended; guarded by mu, as what follows
	session session
	mu      sync.Mutex
	writing bool // something is being sent
	held    bool // a socket is paused until there is room

	known bool     // whose connection it is; set before the fleet knows the device
	from  [16]byte // address of the client's own, once it is known what it speaks
}

// secured is what is known of a client that speaks TLS.
type secured struct {
	certificates []*x509.Certificate // that it presented, unverified
	certified    bool                // its device was let in by one
}

// transport moves the bytes of a conn. There are two: a stream has a goroutine
// and serves whatever is a net.Conn; a socket is one of many that a loop
// serves, on Linux.
type transport interface {
	// flush sends what the session has to say, in the time of who serves the
	// connection.
	flush()
	// send does so for callers that must not wait for a device, and sendSoon
	// for those that have no time for it at all. conn.mu is held.
	send()
	sendSoon()
	// hangUp ends the connection when what the session has to say is sent.
	// conn.mu is held.
	hangUp()
	// expect sets the time by which the next whole packet must be there: a
	// byte now and then does not keep a connection alive.
	expect(d time.Duration)
	// madeRoom goes on with a connection that was full. conn.mu is held.
	madeRoom()
}

func (c *conn) init(g *Gateway, via transport, addr netip.Addr) {
	c.gw, c.via, c.from = g, via, addr.As16()
}

// addr is the address of the client; the zero Addr if it is not known.
func (c *conn) addr() netip.Addr {
	if c.from == [16]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom16(c.from).Unmap()
}

// device is whose connection it is; nil until that is known.
func (c *conn) device() *device {
	if !c.known {
		return nil
	}
	return &c.session.device
}

// fleet is that of its device.
func (c *conn) fleet() *fleet { return c.gw.fleet(c.device().key()) }

// know notes what was found out of the client.
func (c *conn) know(p port.Peer) {
	c.from = p.Addr.As16()
	if p.Secure {
		c.tls = &secured{certificates: p.Certificates}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.certified = len(p.Certificates) > 0
}

// certificates are what the client presented.
func (c *conn) certificates() []*x509.Certificate {
	if c.tls == nil {
		return nil
	}
	return c.tls.certificates
}

// over puts the end of a connection on record, which may wait for the store.
func (c *conn) over() {
	defer c.gw.gone(c)
	c.mu.Lock()
	end := c.ended
	c.mu.Unlock()
	about := []any{"addr", c.addr(), "why", end.why} // not by With, which would write it out for nobody
	if d := c.device(); d != nil {
		about = append(about, "product", d.key(), "device", d.name())
		c.leaveAll(end.why)
		c.left(d, end.why)
	}
	if end.bad {
		connectionsCut.Inc()
		c.gw.log.Info("connection cut", about...)
		return
	}
	c.gw.log.Debug("connection ended", about...)
}

// left puts on record that a device's connection here has ended, even if the
// gateway is closing: the store waits for this. Only then does the fleet forget
// it, so that the device's next connection, if it sees nothing of this one, is
// on record after it.
func (c *conn) left(d *device, why string) {
	who := d.who()
	if err := c.gw.control.Disconnected(context.WithoutCancel(c.gw.ctx), &who, d.connectedAt(), why); err != nil {
		c.gw.log.Warn("end of a connection is not on record", "product", d.key(), "device", d.name(), "err", err)
	}
	c.gw.fleet(d.key()).leave(member{c, d})
}

// reason says why a connection ended, from what reading from it met.
func (c *conn) reason(err error) *closed {
	if end, ok := errors.AsType[*closed](err); ok {
		return end
	}
	if end := unopened(err); end != nil {
		return end
	}
	switch {
	case errors.Is(err, io.EOF):
		return &closed{mqtt.Success, "closed without DISCONNECT", false}
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return &closed{mqtt.UnspecifiedError, "connection lost", false}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.session.registered:
		return errRegistered
	case c.device() == nil:
		return &closed{mqtt.ProtocolError, "no CONNECT in time", true}
	}
	return &closed{mqtt.KeepAliveTimeout, "keep-alive timeout", false}
}

// packet has the session handle one packet, and sends what answers it. If more
// follows, the next packet has come too and is handled at once: what is small may
// go out with what answers that. What else it asks for is left to do.
func (c *conn) packet(b []byte, more bool) (work, error) {
	c.mu.Lock()
	c.session.borrow()
	w, err := c.session.handle(time.Now(), b)
	c.session.giveBack()
	more = more && len(c.session.out) < outBuffer/2
	c.mu.Unlock()
	if !more || err != nil || c.waits(&w) {
		c.via.flush()
	}
	return w, err
}

// begins reports whether b begins with a whole packet.
func begins(b []byte) bool {
	n, err := mqtt.Frame(b, maxPacket)
	return err == nil && n <= len(b)
}

// waits reports whether do may have to wait.
func (c *conn) waits(w *work) bool {
	if w.hasRoom && w.word == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.session.waits()
	}
	return w.signIn || w.register || w.get != nil || w.word != nil || w.gateway != nil
}

// do does what a packet asks for beyond the session.
func (c *conn) do(w work) error {
	switch {
	case w.signIn:
		return c.signIn(w.props)
	case w.register:
		return c.register()
	case w.get != nil:
		c.get(w)
	case w.word != nil:
		if err := c.word(w); err != nil {
			return err
		}
	case w.gateway != nil:
		if err := c.asked(w.gateway); err != nil {
			return err
		}
	}
	if w.hasRoom {
		c.resume()
	}
	for _, product := range w.hears {
		c.gw.fleet(product).wake()
	}
	return nil
}

// awaitNext gives the device its time for the next packet; one that has
// registered has been given all it gets.
func (c *conn) awaitNext() {
	c.mu.Lock()
	d, leaving := c.session.timeout(), c.session.registered
	c.mu.Unlock()
	if !leaving {
		c.via.expect(d)
	}
}

// full reports whether a device is to be held back that has sent more than is
// on disk, or a gateway that asks, for thousands, faster than it reads the
// answers, of which so many bytes wait. c.mu is held.
func (c *conn) full(unsent int) bool {
	return c.session.unacknowledged() >= maxAcks || c.session.subs != nil && c.writing && unsent > maxUnsent/2
}

// get answers a device that asks for its configuration.
func (c *conn) get(w work) {
	ctl, d := c.gw.control, w.device.who()
	var token [cota.TokenLen]byte
	err := ctl.ConfigFor(c.gw.ctx, &d, w.props, func(o control.Offer) error {
		url := ctl.LinkURL() + string(ctl.AppendToken(token[:0], &d, o))
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended != nil {
			return nil // the device's next connection knows nothing of what is said here from now on
		}
		c.session.answer(o, w, config(o, url))
		c.session.acknowledge(w.ackID, mqtt.Success)
		return nil
	})
	if err != nil {
		c.mu.Lock()
		c.session.refuseGet(w, alinkCode(err))
		c.session.acknowledge(w.ackID, mqtt.Success)
		c.mu.Unlock()
	}
	c.via.flush()
}

// word records what the device said.
func (c *conn) word(w work) error {
	w.word.Properties = w.props
	d := w.device.who()
	return c.gw.control.Report(c.gw.ctx, &d, *w.word, c.recorded(w))
}

// wordNow does the same unless it would have to wait, and reports whether it
// did.
func (c *conn) wordNow(w *work) bool {
	if w.word == nil {
		return false
	}
	w.word.Properties = w.props
	d := w.device.who()
	return c.gw.control.ReportNow(&d, *w.word, c.recorded(*w))
}

// recorded acknowledges what the device said once that is on disk; nil if it
// does not hear of it.
func (c *conn) recorded(w work) func(error) {
	if w.report == nil && w.ackID == 0 {
		return nil
	}
	return func(err error) {
		if err != nil {
			return // it was not recorded, so it is not acknowledged
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if w.report != nil {
			c.session.answerReport(w, alink.CodeSuccess)
		}
		if w.ackID != 0 {
			c.session.acknowledge(w.ackID, mqtt.Success)
		}
		c.via.sendSoon()
		c.via.madeRoom()
	}
}

// resume makes the offers that have waited, as far as there is room for them.
// For the next ones there is when these have been written, or acknowledged.
func (c *conn) resume() {
	for {
		d := c.next()
		if d == nil {
			return
		}
		if err := c.gw.fleet(d.key()).catchUp(c.gw.ctx, member{c, d}); err != nil {
			if c.gw.ctx.Err() == nil {
				c.gw.log.Error("offer interrupted", "product", d.key(), "device", d.name(), "err", err)
			}
			return // the fleet looks again by itself
		}
	}
}

// next is the next device for whose offer there is room now.
func (c *conn) next() *device {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing || c.ended != nil {
		return nil
	}
	return c.session.next()
}

// close ends the connection for the given reason, unless it has ended for
// another: an MQTT 5 device is told why.
func (c *conn) close(end *closed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(end)
}

func (c *conn) closeLocked(end *closed) {
	if c.ended != nil {
		return
	}
	c.ended = end
	c.session.disconnect(end.code)
	c.via.hangUp()
}

// errDeaf ends the connection of a device that lets too much gather.
var errDeaf = &closed{mqtt.QuotaExceeded, "does not read what it is sent", true}

// errBroken ends a connection that took too long to take what it was sent, or
// would not.
var errBroken = &closed{mqtt.UnspecifiedError, "cannot be written to", false}
