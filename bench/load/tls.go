package load

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/cotahq/cota/internal/mqtt"
)

// tlsCrowd is connections by TLS. They sign in and subscribe, and are held:
// a goroutine each would serve to measure nothing but itself.
type tlsCrowd []net.Conn

func (t *tlsCrowd) close() {
	for _, nc := range *t {
		nc.Close()
	}
	*t = nil
}

// connectTLS opens the crowd's connections by TLS.
func (c *crowd) connectTLS(o Connect) ([]int64, error) {
	if err := c.prepare(o); err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		took  []int64
		fault error
		group sync.WaitGroup
		slots = make(chan struct{}, dialsAtOnce)
	)
	for i, d := range c.devices {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			began := time.Now()
			nc, err := c.greetTLS(d, o, i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fault = errors.Join(fault, err)
				return
			}
			c.held = append(c.held, nc)
			took = append(took, int64(time.Since(began)))
		})
	}
	group.Wait()
	c.devices = nil
	return took, fault
}

// greetTLS is a device's connection, signed in and subscribed.
func (c *crowd) greetTLS(d *device, o Connect, i int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: source(o.Source, i).AsSlice()}},
		Config:    &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}, // a measurement on one machine
	}
	nc, err := dialer.DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	err = converse(nc, d.hello, c.subscribe(d))
	if err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// converse sends CONNECT and SUBSCRIBE, each after the answer to what was
// before it.
func converse(nc net.Conn, connect, subscribe []byte) error {
	if err := nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	for _, ask := range []struct {
		packet []byte
		answer mqtt.Type
	}{{connect, mqtt.TypeConnack}, {subscribe, mqtt.TypeSuback}} {
		if _, err := nc.Write(ask.packet); err != nil {
			return err
		}
		if err := await(nc, ask.answer); err != nil {
			return err
		}
	}
	return nc.SetDeadline(time.Time{})
}

// await reads a packet of this type, which must be the next.
func await(nc net.Conn, t mqtt.Type) error {
	var head [2]byte // CONNACK and SUBACK are short
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		return err
	}
	if mqtt.TypeOf(head[:]) != t {
		return errors.New("not the answer that was awaited")
	}
	_, err := io.CopyN(io.Discard, nc, int64(head[1]))
	return err
}
