package gateway_test

import (
	"sync"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// crowd is devices that read all they are sent, acknowledge it and stay
// connected.
type crowd struct {
	mu     sync.Mutex
	offers []delivery // guarded by mu
	cut    int        // connections that have ended; guarded by mu
}

// delivery is a push message that a device of a crowd has got.
type delivery struct {
	device int
	at     time.Time
	alink.Config
}

// crowd connects the first n devices, and waits until they have been greeted.
func (r *rig) crowd(n int) *crowd {
	r.t.Helper()
	c := new(crowd)
	for i := range n {
		c.add(i, r.connect(i))
	}
	synctest.Wait()
	return c
}

// add has device i listen on w, which nobody else may read from now on.
func (c *crowd) add(i int, w *wire) {
	go w.keepAlive()
	go func() {
		for {
			b, err := w.next()
			if err != nil {
				c.mu.Lock()
				c.cut++
				c.mu.Unlock()
				return
			}
			p, err := mqtt.DecodePublish(b, w.version)
			if err != nil {
				continue // not a message
			}
			if p.QoS == 1 {
				a := mqtt.Ack{Type: mqtt.TypePuback, PacketID: p.PacketID}
				w.nc.Write(a.Append(nil, w.version)) // fails when the connection has ended, as next then does
			}
			if got, err := alink.DecodePush(p.Payload); err == nil {
				c.mu.Lock()
				c.offers = append(c.offers, delivery{i, time.Now(), got})
				c.mu.Unlock()
			}
		}
	}()
}

// keepAlive pings for as long as the test runs.
func (w *wire) keepAlive() {
	for {
		select {
		case <-w.t.Context().Done():
			return
		case <-time.After(pingEvery):
		}
		if _, err := w.nc.Write(mqtt.AppendPingreq(nil)); err != nil {
			return
		}
	}
}

// got is what the crowd was offered so far.
func (c *crowd) got() []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]delivery(nil), c.offers...)
}

func (c *crowd) ended() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}
