package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	writeTimeout = 10 * time.Second // for the device to take what it is sent
	lastWord     = time.Second      // the same, once the connection has ended
	maxUnsent    = 512 << 10        // bytes that wait to be sent; a device that lets more gather is cut off
	readBuffer   = 512              // bytes at first; it grows with the packet
)

// conn moves the bytes of one session: one goroutine reads, and writes what
// answers what it read; another one exists only while something else is
// being sent.
type conn struct {
	gw   *Gateway
	nc   net.Conn
	addr netip.Addr
	room chan struct{} // has an element when something of what waitForRoom waits for has gone

	// Set by the reader in open. addr is the client's own from then on.
	secure       bool                // it speaks TLS
	certificates []*x509.Certificate // that it presented, unverified

	leaveBy time.Time // when a device that has registered is to be gone; the reader's own

	// Set by the reader when the device signs in, before the fleet knows it.
	certified bool    // by a certificate
	device    *device // the session's own; nil until then
	fleet     *fleet  // its fleet

	mu      sync.Mutex
	session session // guarded by mu
	writing bool    // somebody is in write; guarded by mu
	ended   *closed // why the connection ended; guarded by mu
}

func newConn(g *Gateway, nc net.Conn) *conn {
	return &conn{
		gw: g, nc: nc, addr: limit.Address(nc.RemoteAddr().String()), room: make(chan struct{}, 1),
		session: session{messages: g.messages},
	}
}

// run is the life of a connection.
func (c *conn) run() {
	defer c.gw.gone(c)
	end := c.reason(c.read())
	c.close(end)
	c.mu.Lock()
	end = c.ended
	c.mu.Unlock()
	log := c.gw.log.With("addr", c.addr, "why", end.why)
	if c.device != nil {
		log = log.With("product", c.device.Product, "device", c.device.Name)
		c.leaveAll(end.why)
		c.left(c.device, end.why)
	}
	if end.bad {
		connectionsCut.Inc()
		log.Info("connection cut")
		return
	}
	log.Debug("connection ended")
}

// left puts on record that a device's connection here has ended, even if the
// gateway is closing: the store waits for this. Only then does the fleet forget
// it, so that the device's next connection, if it sees nothing of this one, is
// on record after it.
func (c *conn) left(d *device, why string) {
	if err := c.gw.control.Disconnected(context.WithoutCancel(c.gw.ctx), &d.Device, d.since, why); err != nil {
		c.gw.log.Warn("end of a connection is not on record", "product", d.Product, "device", d.Name, "err", err)
	}
	c.gw.fleet(d.Product).leave(member{c, d})
}

// reason says why a connection ended, from what its reader met.
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
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.leaveBy.IsZero():
		return errRegistered
	case errors.Is(err, os.ErrDeadlineExceeded) && c.device == nil:
		return &closed{mqtt.ProtocolError, "no CONNECT in time", true}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &closed{mqtt.KeepAliveTimeout, "keep-alive timeout", false}
	}
	return &closed{mqtt.UnspecifiedError, "connection lost", false}
}

// read takes packets until the connection ends.
func (c *conn) read() error {
	if err := c.open(); err != nil {
		return err
	}
	buf := make([]byte, 0, readBuffer)
	for {
		n, err := mqtt.Frame(buf, maxPacket)
		if err != nil {
			return malformed(err)
		}
		if n <= len(buf) {
			if err := c.packet(buf[:n]); err != nil {
				return err
			}
			buf = after(buf, n)
			if err := c.expect(); err != nil {
				return err
			}
			continue
		}
		if buf, err = c.more(buf, n); err != nil {
			return err
		}
	}
}

// more reads on towards a packet of n bytes. The buffer grows with what has
// really come: a fixed header that promises much takes no memory.
func (c *conn) more(buf []byte, n int) ([]byte, error) {
	if len(buf) == cap(buf) {
		buf = append(make([]byte, 0, min(n, 2*cap(buf))), buf...)
	}
	got, err := c.nc.Read(buf[len(buf):cap(buf)])
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

// expect sets the time by which the next whole packet must be there: a byte
// now and then does not keep a connection alive.
func (c *conn) expect() error {
	c.mu.Lock()
	d := c.session.timeout()
	c.mu.Unlock()
	by := time.Now().Add(d)
	if !c.leaveBy.IsZero() {
		by = c.leaveBy
	}
	return c.nc.SetReadDeadline(by)
}

// packet has the session handle one packet and does what it asks for.
func (c *conn) packet(b []byte) error {
	if err := c.waitForRoom(); err != nil {
		return err
	}
	c.mu.Lock()
	w, err := c.session.handle(time.Now(), b)
	c.mu.Unlock()
	c.flush()
	if err != nil {
		return err
	}
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

// waitForRoom holds a device back that has sent more than is on disk, and a
// gateway that asks, for thousands, faster than it reads the answers.
func (c *conn) waitForRoom() error {
	for {
		c.mu.Lock()
		full := len(c.session.acks) >= maxAcks || c.session.subs != nil && c.writing && len(c.session.out) > maxUnsent/2
		end := c.ended
		c.mu.Unlock()
		if end != nil {
			return end
		}
		if !full {
			return nil
		}
		select {
		case <-c.room:
		case <-c.gw.ctx.Done():
			return c.gw.ctx.Err()
		}
	}
}

// get answers a device that asks for its configuration.
func (c *conn) get(w work) {
	ctl, d := c.gw.control, w.device
	var token [cota.TokenLen]byte
	err := ctl.ConfigFor(c.gw.ctx, &d.Device, w.props, func(o control.Offer) error {
		url := ctl.LinkURL() + string(ctl.AppendToken(token[:0], &d.Device, o))
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
	c.flush()
}

// word records what the device said; it is acknowledged once that is on disk.
func (c *conn) word(w work) error {
	w.word.Properties = w.props
	return c.gw.control.Report(c.gw.ctx, &w.device.Device, *w.word, func(err error) {
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
		c.flushLater()
		c.madeRoom()
	})
}

// madeRoom has waitForRoom look again.
func (c *conn) madeRoom() {
	select {
	case c.room <- struct{}{}:
	default: // it is going to look anyway
	}
}

// flush sends what the session has to say, in the caller's time. If somebody
// is sending already, it is left to them.
func (c *conn) flush() {
	c.mu.Lock()
	mine := c.mayWrite()
	c.mu.Unlock()
	if mine {
		c.write()
	}
}

// flushLater does the same in a goroutine of its own, for callers that must
// not wait for a device. c.mu is held.
func (c *conn) flushLater() {
	if c.mayWrite() {
		c.gw.done.Go(c.write)
	}
}

// mayWrite makes the caller the one who writes, if there is something to be
// written and nobody else does. It cuts off a device that lets too much
// gather. c.mu is held.
func (c *conn) mayWrite() bool {
	if len(c.session.out) > maxUnsent {
		c.closeLocked(&closed{mqtt.QuotaExceeded, "does not read what it is sent", true})
	}
	if c.writing || c.ended != nil || len(c.session.out) == 0 {
		return false
	}
	c.writing = true
	return true
}

// write sends until there is nothing more to send. c.writing is set.
func (c *conn) write() {
	for {
		out := c.unsent()
		if out == nil {
			c.resume()
			return
		}
		if _, err := c.nc.Write(out); err != nil {
			c.close(&closed{mqtt.UnspecifiedError, "cannot be written to", false})
			c.nc.Close()
			c.mu.Lock()
			c.session.out, c.writing = nil, false
			c.mu.Unlock()
			c.madeRoom()
			return
		}
	}
}

// unsent takes what is to be sent next. If that is nothing, writing is over,
// and with it a connection that has ended.
func (c *conn) unsent() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.session.out
	c.session.out = nil
	if len(out) > 0 {
		c.madeRoom()
		c.limitWrite()
		return out
	}
	c.writing = false
	if c.ended != nil {
		c.nc.Close()
	}
	return nil
}

// resume makes the offers that have waited, as far as there is room for them.
// For the next ones there is when these have been written, or acknowledged.
func (c *conn) resume() {
	for {
		d := c.next()
		if d == nil {
			return
		}
		if err := c.gw.fleet(d.Product).catchUp(c.gw.ctx, member{c, d}); err != nil {
			if c.gw.ctx.Err() == nil {
				c.gw.log.Error("offer interrupted", "product", d.Product, "device", d.Name, "err", err)
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

// limitWrite sets the time by which the device must have taken what is being
// written. c.mu is held.
func (c *conn) limitWrite() {
	d := writeTimeout
	if c.ended != nil {
		d = lastWord
	}
	c.nc.SetWriteDeadline(time.Now().Add(d)) // fails only on a closed connection, as Write then does
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
	switch {
	case c.writing: // and whoever writes sends this too, and closes
		c.limitWrite()
	case len(c.session.out) > 0:
		c.writing = true
		c.gw.done.Go(c.write)
	default:
		c.nc.Close()
	}
}
