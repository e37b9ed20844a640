// Package gateway speaks MQTT with devices.
//
// It is not a broker: devices talk only with the platform, each in its own
// topics, so nothing is routed from one to another. A session (session.go) is
// the whole conversation on one connection and does no I/O; a conn (conn.go)
// does what follows from it; a stream (stream.go) or a socket (socket_linux.go)
// moves its bytes; a device (device.go) is who talks there; a fleet (fleet.go)
// is the connected devices of one product, and sees to it that each is offered
// what the product's current push delivers.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// Options are what a Gateway is made of.
type Options struct {
	Control *control.Control
	Log     *slog.Logger
	// PushRate bounds the push messages a second that one product's fan-out
	// sends; 0: no bound.
	PushRate float64
	// RefusalsPerAddress and RefusalsPerDevice bound how many sign-ins a minute
	// are refused before others are put off without a look (see
	// limit.Refusals); 0: no bound.
	RefusalsPerAddress, RefusalsPerDevice int
	// TakeoversPerDevice bounds how often a minute a device may take its own
	// connection over; 0: no bound.
	TakeoversPerDevice int
	// Newcomers bound the registrations of devices that are not listed.
	Newcomers Newcomers
	// RegisterPlain lets devices register without TLS.
	RegisterPlain bool
}

// Gateway holds the connections of devices. Its methods may be called by many
// goroutines.
type Gateway struct {
	control       *control.Control
	log           *slog.Logger
	pushRate      rate.Limit
	registerPlain bool
	refusals      *limit.Refusals // of sign-ins
	fights        *fights
	newcomers     *newcomers
	changes       atomic.Int64 // how often Look was told of a device
	messages      *messages

	ctx  context.Context // ends when the gateway is closed
	stop context.CancelFunc
	done sync.WaitGroup // conns, fleets, rechecks

	loops   loops
	workers *workers

	rechecking sync.Mutex // held by the recheck of certificates that goes on

	mu       sync.Mutex
	closed   bool               // guarded by mu
	entering map[*conn]struct{} // connections that no fleet knows yet; guarded by mu
	fleets   map[string]*fleet  // by product; guarded by mu
}

// New makes a Gateway that serves the connections it is given by Serve.
func New(o Options) *Gateway {
	g := &Gateway{
		control: o.Control, log: o.Log, pushRate: rate.Inf, registerPlain: o.RegisterPlain,
		refusals: limit.NewRefusals(o.RefusalsPerAddress, o.RefusalsPerDevice), fights: newFights(o.TakeoversPerDevice),
		newcomers: newNewcomers(o.Newcomers), messages: newMessages(), workers: newWorkers(),
		entering: make(map[*conn]struct{}), fleets: make(map[string]*fleet),
	}
	if o.PushRate > 0 {
		g.pushRate = rate.Limit(o.PushRate)
	}
	g.ctx, g.stop = context.WithCancel(context.Background())
	return g
}

// Serve accepts connections until ln is closed, and returns nil then. What
// comes in by TCP at a port is served by loops, on Linux, and everything else
// by a goroutine for each connection.
func (g *Gateway) Serve(ln net.Listener) error {
	if door, ok := ln.(*port.Listener); ok {
		if did, err := g.serveByLoops(door); did {
			return err
		}
	}
	for pause := time.Duration(0); ; {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			g.start(nc)
			continue
		case errors.Is(err, net.ErrClosed):
			return nil
		}
		// Most likely the files are used up: those that are open go on.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		g.log.Warn("accept failed", "err", err, "pause", pause)
		select {
		case <-g.ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (g *Gateway) start(nc net.Conn) {
	s := newStream(g, nc, port.Address(nc))
	if g.add(&s.conn) {
		go func() {
			defer g.done.Done()
			s.run()
		}()
	}
}

// add takes a connection in, which is done when it has ended. It is ended at
// once if the gateway is closed, and false is returned.
func (g *Gateway) add(c *conn) bool {
	g.mu.Lock()
	closing := g.closed
	if !closing {
		g.entering[c] = struct{}{}
		g.done.Add(1)
		openConnections.Inc()
	}
	g.mu.Unlock()
	if closing {
		c.close(errShutDown)
	}
	return !closing
}

// replace has one conn take the place of another on the same connection.
func (g *Gateway) replace(c, next *conn) {
	g.mu.Lock()
	delete(g.entering, c)
	g.entering[next] = struct{}{}
	closing := g.closed
	g.mu.Unlock()
	if closing {
		next.close(errShutDown)
	}
}

var errShutDown = &closed{mqtt.ServerShuttingDown, "server is shutting down", false}

// joined says that a fleet knows a connection.
func (g *Gateway) joined(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.entering, c)
}

func (g *Gateway) gone(c *conn) {
	g.joined(c)
	openConnections.Dec()
}

// everybody is all connections.
func (g *Gateway) everybody() []*conn {
	g.mu.Lock()
	all, fleets := slices.Collect(maps.Keys(g.entering)), slices.Collect(maps.Values(g.fleets))
	g.mu.Unlock()
	for _, f := range fleets { // whoever left g.entering before has joined one of them
		f.mu.Lock()
		all = append(all, f.members.own...)
		f.mu.Unlock()
	}
	return all
}

// Close ends all connections and waits until what they said is handed over,
// as far as ctx allows. The listeners must have been closed before.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	for _, c := range g.everybody() {
		c.close(errShutDown)
	}
	g.stop()
	ended := make(chan error, 1)
	go func() {
		g.done.Wait()
		err := g.loops.stop()
		g.workers.stop()
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Look has the gateway look again at a product ("" for all) whose facts have
// changed, or, unless device is 0, at that device of it, whose connection is
// closed; unless gateway is 0, only one through that gateway. It does not
// block.
func (g *Gateway) Look(product string, device, gateway int64) {
	if device != 0 {
		g.changes.Add(1)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	for key, f := range g.fleets {
		switch {
		case product != "" && product != key:
		case device != 0:
			f.drop(device, gateway)
		default:
			f.wake()
		}
	}
}

// Online is how many devices of a product are connected here.
func (g *Gateway) Online(product string) int {
	g.mu.Lock()
	f := g.fleets[product]
	g.mu.Unlock()
	if f == nil {
		return 0
	}
	return f.size()
}

// fleet is the fleet of a product, which lives from its first device on.
func (g *Gateway) fleet(product string) *fleet {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.fleets[product]
	if f == nil {
		f = newFleet(g, product)
		g.fleets[product] = f
		g.done.Go(f.run)
	}
	return f
}
