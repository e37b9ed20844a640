package device

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/cotahq/cota/alink"
)

const (
	connectTimeout = 30 * time.Second // for the connection, CONNACK and SUBACK
	writeTimeout   = 5 * time.Second  // for the network to take a message
	ackTimeout     = 20 * time.Second // for PUBACK, before a message is sent again
	firstBackoff   = time.Second
	settled        = time.Minute // a connection that lasted so long was a good one
	byeTimeout     = 250         // ms for DISCONNECT to go out
)

// ErrRefused is what every Refusal is.
var ErrRefused = errors.New("sign-in refused")

// Refusal is a sign-in that the server refused.
type Refusal struct {
	Code byte // of the CONNACK (MQTT 3.1.1 section 3.2.2.3)
}

func (r *Refusal) Error() string {
	why, ok := refusals[r.Code]
	if !ok {
		why = "no reason known"
	}
	return fmt.Sprintf("sign-in refused: %s (code %d)", why, r.Code)
}

func (r *Refusal) Unwrap() error { return ErrRefused }

// refusals says what servers mean by a code (vendor: Establish MQTT
// connections over TCP).
var refusals = map[byte]string{
	packets.ErrRefusedBadProtocolVersion:    "the server does not speak MQTT 3.1.1",
	packets.ErrRefusedIDRejected:            "client id or keep-alive is not acceptable",
	packets.ErrRefusedServerUnavailable:     "the server is not available now",
	packets.ErrRefusedBadUsernameOrPassword: "wrong device secret",
	packets.ErrRefusedNotAuthorised:         "no such product or device, or disabled",
}

// link is the connection, which comes back when it is lost. Each time it is
// another paho client: paho's own reconnection knows no jitter, sleeps on
// after Disconnect, and when it sends a message again it reports the first
// attempt as acknowledged, though nobody acknowledged it.
type link struct {
	o       Options
	log     *slog.Logger
	receive func(alink.Kind, []byte)
	server  *url.URL
	login   alink.ConnectParams

	ctx  context.Context // ends, with ErrClosed, when the link is closed
	stop context.CancelCauseFunc
	done sync.WaitGroup

	mu      sync.Mutex
	current *connection   // nil while there is none; guarded by mu
	changed chan struct{} // is closed when current is set; guarded by mu
}

// connection is one MQTT connection.
type connection struct {
	client mqtt.Client
	lost   chan struct{} // is closed when it is lost
	since  time.Time
}

func newLink(o Options, log *slog.Logger, receive func(alink.Kind, []byte)) (*link, error) {
	server, err := url.Parse(o.Server)
	if err != nil || server.Host == "" {
		return nil, fmt.Errorf("server %q is not of the form tcp://host:port or tls://host:port", o.Server)
	}
	l := &link{o: o, log: log, receive: receive, server: server, changed: make(chan struct{})}
	secure, ok := map[string]bool{"tcp": false, "mqtt": false, "tls": true, "ssl": true, "mqtts": true}[server.Scheme]
	if !ok {
		return nil, fmt.Errorf("server %q: scheme is not tcp, mqtt, tls, ssl or mqtts", o.Server)
	}
	l.login, err = alink.Sign(o.ProductKey, o.DeviceName, o.DeviceSecret, alink.SignOptions{TLS: secure, AutoSubscribe: true, Inline: o.Inline, Language: "Go"})
	if err != nil {
		return nil, err
	}
	l.ctx, l.stop = context.WithCancelCause(context.Background())
	return l, nil
}

// open connects, and from then on sees to it that the link stays up.
func (l *link) open(ctx context.Context) error {
	c, err := l.connect(ctx)
	if err != nil {
		l.stop(err)
		return err
	}
	l.set(c)
	l.done.Go(func() { l.run(c) })
	return nil
}

func (l *link) close() {
	l.stop(ErrClosed)
	l.done.Wait()
}

// bound makes a context that ends with the link, too.
func (l *link) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.ctx, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// run reconnects until the link is closed.
func (l *link) run(c *connection) {
	tries := 0
	for {
		select {
		case <-c.lost:
		case <-l.ctx.Done():
			c.client.Disconnect(byeTimeout)
			l.set(nil)
			return
		}
		l.set(nil)
		if time.Since(c.since) >= settled {
			tries = 0
		}
		for c = nil; c == nil; tries++ {
			if !pause(l.ctx, backoff(tries, l.o.MaxBackoff)) {
				return
			}
			var err error
			if c, err = l.connect(l.ctx); err != nil {
				l.log.Warn("connection attempt failed", "err", err)
			}
		}
		l.set(c)
	}
}

// backoff is how long to pause after so many tries: twice as long each time,
// and by chance up to half of it less, so that a fleet does not come at once.
func backoff(tries int, most time.Duration) time.Duration {
	d := min(firstBackoff<<min(tries, 20), most)
	return d - rand.N(d/2+1)
}

// pause reports whether it lasted as long as it should.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// set makes c the connection to use.
func (l *link) set(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = c
	if c != nil {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// connection waits until there is one.
func (l *link) connection(ctx context.Context) (*connection, error) {
	for {
		l.mu.Lock()
		c, changed := l.current, l.changed
		l.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// connect signs in and subscribes, once.
func (l *link) connect(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	nc, err := l.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", l.server.Host, err)
	}
	// Whatever waits for the network ends with it.
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	c := &connection{lost: make(chan struct{}), since: time.Now()}
	c.client = mqtt.NewClient(l.clientOptions(c, nc))
	sign := c.client.Connect().(*mqtt.ConnectToken)
	sign.Wait()
	if err := sign.Error(); err != nil {
		if code := sign.ReturnCode(); code != packets.Accepted && code < packets.ErrNetworkError {
			return nil, &Refusal{code}
		}
		return nil, fmt.Errorf("sign in to %s: %w", l.server.Host, cmp.Or(ctx.Err(), err))
	}
	if err := l.subscribe(ctx, c); err != nil {
		c.client.Disconnect(byeTimeout)
		return nil, fmt.Errorf("subscribe at %s: %w", l.server.Host, cmp.Or(ctx.Err(), err))
	}
	l.log.Info("connected", "server", l.server.Host)
	return c, nil
}

func (l *link) dial(ctx context.Context) (net.Conn, error) {
	nc, err := l.o.Dial(ctx, "tcp", l.server.Host)
	if err != nil || l.server.Scheme == "tcp" || l.server.Scheme == "mqtt" {
		return nc, err
	}
	config := l.o.TLSConfig.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = l.server.Hostname()
	}
	secure := tls.Client(nc, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secure, nil
}

func (l *link) clientOptions(c *connection, nc net.Conn) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions()
	o.AddBroker(l.o.Server)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return nc, nil })
	o.SetProtocolVersion(4)
	o.SetClientID(l.login.ClientID)
	o.SetUsername(l.login.UserName)
	o.SetPassword(l.login.Password)
	o.SetKeepAlive(l.o.KeepAlive)
	o.SetConnectTimeout(connectTimeout)
	o.SetWriteTimeout(writeTimeout)
	o.SetAutoReconnect(false)
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		l.log.Warn("connection lost", "err", err)
		close(c.lost)
	})
	// All there is: the server may speak before it is subscribed to.
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if t := alink.ParseTopic([]byte(m.Topic())); t.Of(l.o.ProductKey, l.o.DeviceName) {
			l.receive(t.Kind, m.Payload())
		}
	})
	return o
}

func (l *link) subscribe(ctx context.Context, c *connection) error {
	filters := map[string]byte{}
	for _, kind := range []alink.Kind{alink.ConfigPush, alink.ConfigGetReply} {
		filters[l.topic(kind)] = 1
	}
	t := c.client.SubscribeMultiple(filters, nil).(*mqtt.SubscribeToken)
	if err := c.wait(ctx, t); err != nil {
		return err
	}
	for filter, code := range t.Result() {
		if code >= 0x80 {
			return fmt.Errorf("%s refused", filter)
		}
	}
	return nil
}

func (l *link) topic(kind alink.Kind) string {
	return string(alink.AppendTopic(nil, kind, l.o.ProductKey, l.o.DeviceName))
}

var (
	errLost  = errors.New("connection lost")
	errNoAck = errors.New("no acknowledgement in time")
)

// wait waits until the server has acknowledged.
func (c *connection) wait(ctx context.Context, t mqtt.Token) error {
	late := time.NewTimer(ackTimeout)
	defer late.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-c.lost:
		return errLost
	case <-late.C:
		return errNoAck
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send publishes with QoS 1 and returns when the server has acknowledged it,
// on whichever connection that is.
func (l *link) send(ctx context.Context, kind alink.Kind, payload []byte) error {
	for {
		c, err := l.connection(ctx)
		if err != nil {
			return err
		}
		err = c.wait(ctx, c.client.Publish(l.topic(kind), 1, false, payload))
		if err == nil {
			return nil
		}
		l.log.Debug("message is sent again", "err", err)
		// A lost connection is not used twice; a slow one gets time.
		select {
		case <-c.lost:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstBackoff):
		}
		l.forget(c)
	}
}

// say publishes once with QoS 0, if there is a connection.
func (l *link) say(kind alink.Kind, payload []byte) {
	l.mu.Lock()
	c := l.current
	l.mu.Unlock()
	if c != nil {
		c.client.Publish(l.topic(kind), 0, false, payload)
	}
}

// forget takes a lost connection out of use, if run has not yet done so.
func (l *link) forget(c *connection) {
	select {
	case <-c.lost:
	default:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == c {
		l.current = nil
	}
}
