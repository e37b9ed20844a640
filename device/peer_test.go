package device_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

const productKey = "a1b2c3d4e5f"

// peer plays the server. It answers CONNECT, SUBSCRIBE, PINGREQ and PUBLISH,
// and keeps what it heard, one line a packet.
type peer struct {
	t  *testing.T
	ln net.Listener

	mu     sync.Mutex
	code   mqtt.Code            // of CONNACK; guarded by mu
	silent bool                 // QoS 1 is not acknowledged; guarded by mu
	conns  map[string]*peerConn // by device name; guarded by mu
	heard  map[string][]string  // by device name; guarded by mu
	lines  chan string          // everything heard, "name: line"
	done   sync.WaitGroup
}

type peerConn struct {
	nc  net.Conn
	out chan []byte
}

func newPeer(t *testing.T, ln net.Listener) *peer {
	p := &peer{t: t, ln: ln, conns: map[string]*peerConn{}, heard: map[string][]string{}, lines: make(chan string, 1<<16)}
	p.done.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			p.done.Go(func() { p.serve(nc) })
		}
	})
	return p
}

// close waits for the connections, which the devices end.
func (p *peer) close() {
	p.ln.Close()
	p.done.Wait()
}

func (p *peer) serve(nc net.Conn) {
	c := &peerConn{nc: nc, out: make(chan []byte, 1024)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for b := range c.out {
			if _, err := nc.Write(b); err != nil {
				nc.Close()
			}
		}
	})
	name := ""
	var buf []byte
	chunk := make([]byte, 4096)
	for {
		n, err := mqtt.Frame(buf, 1<<16)
		if err != nil {
			p.t.Errorf("device sent what is no packet: %v", err)
			break
		}
		if n <= len(buf) {
			p.packet(c, &name, buf[:n])
			buf = buf[n:]
			continue
		}
		got, err := nc.Read(chunk)
		if err != nil {
			break
		}
		buf = append(buf, chunk[:got]...)
	}
	nc.Close()
	p.mu.Lock()
	if p.conns[name] == c {
		delete(p.conns, name)
	}
	close(c.out)
	p.mu.Unlock()
	wg.Wait()
}

func (p *peer) packet(c *peerConn, name *string, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := ""
	switch t := mqtt.TypeOf(b); t {
	case mqtt.TypeConnect:
		m, err := mqtt.DecodeConnect(b)
		p.check(err)
		*name, _, _ = strings.Cut(string(m.Username), "&")
		line = fmt.Sprintf("CONNECT %v clean=%t keepalive=%d %s %s %s", m.Version, m.CleanStart, m.KeepAlive, m.ClientID, m.Username, m.Password)
		p.conns[*name] = c
		c.out <- mqtt.Connack{Code: p.code}.Append(nil, mqtt.V311)
	case mqtt.TypeSubscribe:
		m, err := mqtt.DecodeSubscribe(b, mqtt.V311)
		p.check(err)
		line = "SUBSCRIBE"
		a := mqtt.Suback{PacketID: m.PacketID}
		for s := range m.Subscriptions.All() {
			line += fmt.Sprintf(" %s q%d", s.Filter, s.QoS)
			a.Codes = append(a.Codes, s.QoS)
		}
		c.out <- a.Append(nil, mqtt.V311)
	case mqtt.TypePublish:
		m, err := mqtt.DecodePublish(b, mqtt.V311)
		p.check(err)
		line = fmt.Sprintf("PUBLISH q%d %s %s", m.QoS, m.Topic, m.Payload)
		if m.QoS == 1 && !p.silent {
			c.out <- mqtt.Ack{Type: mqtt.TypePuback, PacketID: m.PacketID}.Append(nil, mqtt.V311)
		}
	case mqtt.TypePingreq:
		line = t.String()
		c.out <- mqtt.AppendPingresp(nil)
	default:
		line = t.String()
	}
	p.heard[*name] = append(p.heard[*name], line)
	p.lines <- *name + ": " + line
}

func (p *peer) check(err error) {
	if err != nil {
		p.t.Errorf("device sent a bad packet: %v", err)
	}
}

// await waits for a line that holds all the parts.
func (p *peer) await(parts ...string) string {
	p.t.Helper()
	for line := range p.lines {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(line, part)
		}
		if found {
			return line
		}
	}
	return ""
}

// push sends an offer to a device.
func (p *peer) push(name string, c alink.Config) {
	c.ID = "7"
	p.send(name, alink.ConfigPush, alink.AppendPush(nil, c))
}

func (p *peer) send(name string, kind alink.Kind, payload []byte) {
	m := mqtt.Publish{QoS: 1, PacketID: 5, Topic: alink.AppendTopic(nil, kind, productKey, name), Payload: payload}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conns[name]; c != nil {
		c.out <- m.Append(nil, mqtt.V311)
	}
}

// drop cuts a device's connection.
func (p *peer) drop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[name].nc.Close()
}

func (p *peer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peer) said(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard[name]
}

// serveFiles serves HTTP on ln until the test ends.
func serveFiles(ln net.Listener, h http.HandlerFunc) (stop func()) {
	s := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { s.Serve(ln) })
	return func() {
		s.Close()
		wg.Wait()
	}
}

func file(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		io.WriteString(w, content)
	}
}
