// Package sim is a crowd of virtual devices: thousands in one process, to show
// and to measure a server with.
package sim

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Credentials sign one device in.
type Credentials struct {
	Name   string
	Secret string
}

// Options describe a crowd. Server, ProductKey and Devices are required.
type Options struct {
	Server     string // host:port of MQTT over TCP
	ProductKey string
	Devices    []Credentials

	Rate      float64       // first connections a second; 0: as fast as it goes
	KeepAlive time.Duration // of Cota's style; 0: five minutes
	Styles    []Style       // dealt out to the devices in turn; none: Cota
	Inline    bool          // Cota's style takes small configurations in messages
	Ask       bool          // ask for the configuration after each connect

	ApplyMin    time.Duration // applying takes between ApplyMin
	ApplyMax    time.Duration // and ApplyMax; at least ApplyMin
	FailRatio   float64       // of configurations fail to apply
	IgnoreRatio float64       // of devices never fetch
	NoReport    bool          // Cota's style tells by OTA progress only, as C SDKs do
	Seed        uint64        // chance is the same for the same seed, names and configurations

	Downloads int // at once; 0: 64

	// Dial and DialFiles make the connections to Server and for downloads.
	// Nil: TCP. With Dial set and DialFiles nil, Dial makes both.
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	DialFiles func(ctx context.Context, network, addr string) (net.Conn, error)

	Log *slog.Logger // nil: silent
}

func (o Options) withDefaults() Options {
	if o.KeepAlive == 0 {
		o.KeepAlive = 5 * time.Minute
	}
	if len(o.Styles) == 0 {
		o.Styles = []Style{Cota}
	}
	o.ApplyMax = max(o.ApplyMin, o.ApplyMax)
	if o.Downloads <= 0 {
		o.Downloads = 64
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.DialFiles == nil {
		o.DialFiles = o.Dial
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// signingIn bounds the devices that sign in at a time, so that a crowd does
// not overrun the backlog of the server's listener.
const signingIn = 256

// Crowd is devices at work. Its methods may be called by many goroutines.
type Crowd struct {
	o       Options
	ctx     context.Context // ends with the crowd
	cancel  context.CancelFunc
	done    sync.WaitGroup // all goroutines and timers
	devices []device
	slots   chan struct{} // of those that sign in
	files   pool
	buffers sync.Pool // *[]byte, of packets to be sent and received
	counts  counts

	mu      sync.Mutex
	waiting map[chan struct{}]struct{} // for the counts to change; guarded by mu
}

// Run starts the devices. They live until ctx ends or the crowd is closed.
func Run(ctx context.Context, o Options) *Crowd {
	c := &Crowd{o: o.withDefaults(), slots: make(chan struct{}, signingIn), waiting: make(map[chan struct{}]struct{})}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.files.most = c.o.Downloads
	c.buffers.New = func() any { return new(make([]byte, 0, packetBuffer)) }
	c.devices = make([]device, len(o.Devices))
	for i := range c.devices {
		c.devices[i].init(c, i)
	}
	c.done.Go(c.start)
	c.done.Go(c.stop)
	return c
}

// start starts the devices at the rate that is asked for.
func (c *Crowd) start() {
	begun := time.Now()
	for i := range c.devices {
		if c.o.Rate > 0 {
			at := begun.Add(time.Duration(float64(i) / c.o.Rate * float64(time.Second)))
			if !c.pause(time.Until(at)) {
				return
			}
		}
		c.done.Go(c.devices[i].live)
	}
}

// stop wakes the devices when they are to end.
func (c *Crowd) stop() {
	<-c.ctx.Done()
	for i := range c.devices {
		c.devices[i].stop()
	}
	c.note()
}

// pause reports whether it lasted as long as it should.
func (c *Crowd) pause(d time.Duration) bool {
	if d <= 0 {
		return c.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// Wait waits until every device has ended, which they do when ctx ends.
func (c *Crowd) Wait() { c.done.Wait() }

// Close ends the devices and waits for them.
func (c *Crowd) Close() {
	c.cancel()
	c.done.Wait()
}
