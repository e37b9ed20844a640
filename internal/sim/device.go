package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	signInTimeout = 30 * time.Second
	pingTimeout   = 30 * time.Second // for PINGRESP
	writeTimeout  = 30 * time.Second // for the server to take what it is sent
	firstBackoff  = time.Second
	lastBackoff   = time.Minute
	settled       = time.Minute // a connection that lasted so long was a good one

	smallBuffer  = 64       // what most packets to a device fit in
	packetBuffer = 1 << 10  // what an offer fits in
	maxPacket    = 64 << 10 // what is read at most
	maxUnsent    = 64 << 10 // bytes that wait for a server that does not read
)

// device is one virtual device. A goroutine reads; another one exists only
// while there is something to be sent. So the reader never waits for a
// server that itself waits for the reader, even on a connection without
// buffers.
type device struct {
	crowd   *Crowd
	index   int
	style   Style
	ignores bool         // never fetches
	latency atomic.Int64 // of the last configuration applied, in ns

	mu       sync.Mutex
	nc       net.Conn // nil while there is none; guarded by mu
	signedIn bool     // guarded by mu
	pinged   bool     // PINGRESP is awaited; guarded by mu
	writing  bool     // somebody is in write; guarded by mu
	stopping bool     // guarded by mu
	lastID   uint16   // of packets; guarded by mu
	asked    uint32   // gets so far; guarded by mu
	out      *[]byte  // to be sent; guarded by mu
	spoke    int64    // when something was sent last, Unix ns; guarded by mu
	applied  string   // ConfigID of what is in force; guarded by mu
	task     *task    // what is being done about the newest offer; guarded by mu
	word     *word    // a report that is not acknowledged; guarded by mu

	small [smallBuffer]byte // the reader's own
}

func (d *device) init(c *Crowd, i int) {
	d.crowd, d.index = c, i
	d.style = c.o.Styles[i%len(c.o.Styles)]
	d.ignores = d.chance("ignores").Float64() < c.o.IgnoreRatio
}

func (d *device) id() *Credentials { return &d.crowd.o.Devices[d.index] }

// live connects again and again until the crowd ends.
func (d *device) live() {
	c := d.crowd
	connected := false
	for tries := 0; c.ctx.Err() == nil; tries++ {
		if tries > 0 && !c.pause(d.backoff(tries-1)) {
			return
		}
		nc, err := d.connect()
		if err == nil {
			since := time.Now()
			c.add(&c.counts.connected, 1)
			c.add(&c.counts.connects, 1)
			if connected {
				c.add(&c.counts.reconnects, 1)
			}
			connected = true
			err = d.converse(nc)
			c.add(&c.counts.connected, -1)
			if time.Since(since) >= settled {
				tries = 0
			}
		}
		c.o.Log.Debug("connection ended", "device", d.id().Name, "err", err)
	}
}

// backoff is how long to pause after so many tries: twice as long each time,
// and by chance up to half of it less, so that a crowd does not come at once.
func (d *device) backoff(tries int) time.Duration {
	pause := min(firstBackoff<<min(tries, 20), lastBackoff)
	return pause - time.Duration(d.chance(fmt.Sprint("backoff ", tries)).Int64N(int64(pause/2)))
}

// chance is a source of random numbers for one purpose.
func (d *device) chance(purpose string) *rand.Rand {
	return rand.New(rand.NewPCG(d.crowd.o.Seed, fnv(d.id().Name, purpose)))
}

// fnv is FNV-1a, which is the same in every process.
func fnv(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return h
}

var errRefused = errors.New("sign-in refused")

// connect dials and signs in.
func (d *device) connect() (net.Conn, error) {
	c := d.crowd
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
	nc, err := c.o.Dial(c.ctx, "tcp", c.o.Server)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.nc, d.signedIn, d.pinged = nc, false, false
	d.send(func(dst []byte) []byte {
		dst, err = d.appendConnect(dst)
		return dst
	})
	d.flush()
	d.mu.Unlock()
	if err == nil {
		err = d.welcome(nc)
	}
	if err != nil {
		d.hangUp(nc)
		return nil, err
	}
	return nc, nil
}

// welcome reads CONNACK, and nothing beyond it.
func (d *device) welcome(nc net.Conn) error {
	for n := 0; n < 4; {
		if err := d.expect(nc); err != nil {
			return err
		}
		got, err := nc.Read(d.small[n:4])
		if n += got; err != nil {
			return err
		}
	}
	answer, err := mqtt.DecodeConnack(d.small[:4], mqtt.V311)
	if err != nil {
		return err
	}
	if answer.Code != mqtt.Success {
		d.crowd.add(&d.crowd.counts.refused, 1)
		return fmt.Errorf("%w: %v", errRefused, answer.Code)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.signedIn = true
	d.greet()
	d.repeat()
	d.flush()
	return nil
}

// converse reads packets until the connection ends.
func (d *device) converse(nc net.Conn) error {
	defer d.hangUp(nc)
	var big *[]byte // instead of d.small, while there is a large packet
	defer func() { d.putBuffer(big) }()
	buf := d.small[:0]
	for {
		n, err := mqtt.Frame(buf, maxPacket)
		switch {
		case err != nil:
			return err
		case n <= len(buf):
			if err := d.packet(buf[:n]); err != nil {
				return err
			}
			buf = buf[:copy(buf, buf[n:])]
			continue
		case len(buf) == 0 && big != nil:
			d.putBuffer(big)
			big, buf = nil, d.small[:0]
		case n > cap(buf):
			larger := d.buffer(n)
			*larger = append(*larger, buf...)
			d.putBuffer(big)
			big, buf = larger, *larger
		}
		if err := d.expect(nc); err != nil {
			return err
		}
		got, err := nc.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+got]
		switch {
		case got > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := d.ping(); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
}

// expect sets the time by which there is something to do, though nothing has
// come.
func (d *device) expect(nc net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := d.keepAlive()
	switch {
	case d.stopping:
		return d.crowd.ctx.Err()
	case !d.signedIn:
		wait = signInTimeout
	case d.pinged:
		wait = pingTimeout
	}
	return nc.SetReadDeadline(time.Unix(0, d.spoke).Add(wait))
}

var errSilent = errors.New("no answer to a ping")

// ping keeps the connection alive.
func (d *device) ping() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.stopping:
		return d.crowd.ctx.Err()
	case d.pinged:
		return errSilent
	case time.Since(time.Unix(0, d.spoke)) < d.keepAlive():
		return nil // something was sent meanwhile
	}
	d.pinged = true
	d.send(mqtt.AppendPingreq)
	d.flush()
	return nil
}

// packet takes one packet from the server.
func (d *device) packet(b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pinged = false
	switch mqtt.TypeOf(b) {
	case mqtt.TypePublish:
		p, err := mqtt.DecodePublish(b, mqtt.V311)
		if err != nil {
			return err
		}
		d.message(&p)
	case mqtt.TypePuback:
		a, err := mqtt.DecodeAck(b, mqtt.V311)
		if err != nil {
			return err
		}
		d.acknowledged(a.PacketID)
	}
	d.flush()
	return nil
}

// message takes a message to the device. d.mu is held.
func (d *device) message(p *mqtt.Publish) {
	if p.QoS == 1 {
		a := mqtt.Ack{Type: mqtt.TypePuback, PacketID: p.PacketID}
		d.send(func(dst []byte) []byte { return a.Append(dst, mqtt.V311) })
	}
	t := alink.ParseTopic(p.Topic)
	if !t.Of(d.crowd.o.ProductKey, d.id().Name) {
		d.crowd.o.Log.Warn("message to another device", "device", d.id().Name)
		return
	}
	var offer alink.Config
	var err error
	switch t.Kind {
	case alink.ConfigPush:
		offer, err = alink.DecodePush(p.Payload)
	case alink.ConfigGetReply:
		offer, err = alink.DecodeGetReply(p.Payload)
	default:
		return
	}
	if err != nil {
		d.crowd.o.Log.Debug("no offer", "device", d.id().Name, "err", err)
		return
	}
	d.offered(offer, t.Kind == alink.ConfigPush)
}

// hangUp ends the connection; a server that listens is told.
func (d *device) hangUp(nc net.Conn) {
	d.mu.Lock()
	d.nc, d.signedIn = nil, false
	d.drop()
	stopping := d.stopping
	d.mu.Unlock()
	if stopping {
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		nc.Write(mqtt.Disconnect{}.Append(nil, mqtt.V311)) // a courtesy
	}
	nc.Close()
}

// stop makes the device end: it wakes the reader.
func (d *device) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopping = true
	d.abandon()
	if d.nc != nil {
		d.nc.SetReadDeadline(time.Unix(1, 0))
	}
}
