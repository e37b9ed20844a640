package gateway_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/port"
	"github.com/cotahq/cota/internal/store"
)

// proxied is a PROXY protocol header for 192.0.2.1.
const proxied = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x34\x07\x5b"

// mouth is a port that a rig's gateway serves besides its own door.
type mouth struct {
	*rig
	ca   *certtest.CA
	door *pipenet.Listener
}

// port serves a port, whose connections come from addr, "" for nowhere.
func (r *rig) port(addr string) *mouth {
	r.t.Helper()
	m := &mouth{r, certtest.New(r.t, "server CA"), pipenet.New("port")}
	p := port.New(port.Options{
		TLS:     &tls.Config{Certificates: []tls.Certificate{m.ca.Server("cota.test")}, ClientAuth: tls.RequestClientCert},
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	var ln net.Listener = m.door
	if addr != "" {
		ln = at{ln, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
	}
	served := make(chan error, 1)
	go func() { served <- r.gateway.Serve(p.Listen(ln)) }()
	r.t.Cleanup(func() {
		m.door.Close()
		r.must(<-served)
	})
	return m
}

// at is a listener whose connections come from an address.
type at struct {
	net.Listener
	addr net.Addr
}

func (a at) Accept() (net.Conn, error) {
	nc, err := a.Listener.Accept()
	return locatedConn{nc, a.addr}, err
}

type locatedConn struct {
	net.Conn
	addr net.Addr
}

func (l locatedConn) RemoteAddr() net.Addr { return l.addr }

// raw opens a connection that says first, if anything.
func (m *mouth) raw(first string) net.Conn {
	m.t.Helper()
	nc, err := m.door.Dial(m.t.Context(), "", "")
	m.must(err)
	m.t.Cleanup(func() { nc.Close() })
	if first != "" {
		_, err = nc.Write([]byte(first))
		m.must(err)
	}
	return nc
}

// tls opens a TLS connection, with client certificates.
func (m *mouth) tls(all ...tls.Certificate) net.Conn {
	m.t.Helper()
	tc := tls.Client(m.raw(""), &tls.Config{RootCAs: m.ca.Pool(), ServerName: "cota.test", Certificates: all})
	m.must(tc.Handshake())
	return tc
}

// webSocket opens a WebSocket; scheme is ws or wss.
func (m *mouth) webSocket(scheme string) net.Conn {
	m.t.Helper()
	transport := &http.Transport{
		DialContext: m.door.Dial, TLSClientConfig: &tls.Config{RootCAs: m.ca.Pool(), ServerName: "cota.test"},
	}
	ws, _, err := websocket.Dial(m.t.Context(), scheme+"://cota.test/mqtt", &websocket.DialOptions{
		Subprotocols: []string{"mqtt"}, HTTPClient: &http.Client{Transport: transport},
	})
	m.must(err)
	m.t.Cleanup(func() { ws.CloseNow() })
	return websocket.NetConn(context.WithoutCancel(m.t.Context()), ws, websocket.MessageBinary)
}

// sign signs in on a connection, and returns what is answered.
func (m *mouth) sign(nc net.Conn, c mqtt.Connect) (*wire, mqtt.Connack) {
	m.t.Helper()
	w := &wire{t: m.t, nc: nc, version: c.Version}
	w.write(c.Append(nil))
	return w, w.connack()
}

// from is where the timeline of device i says that it connected from.
func (r *rig) from(i int) string {
	r.t.Helper()
	all, err := r.store.Events(r.t.Context(), r.state(i).ID, store.EventKey{}, 1)
	r.must(err)
	return all[0].Detail
}

func TestTransports(t *testing.T) {
	for name, dial := range map[string]func(*mouth) net.Conn{
		"tcp": func(m *mouth) net.Conn { return m.raw("") },
		"tls": func(m *mouth) net.Conn { return m.tls() },
		"ws":  func(m *mouth) net.Conn { return m.webSocket("ws") },
		"wss": func(m *mouth) net.Conn { return m.webSocket("wss") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1)
				m := r.port("")
				w, got := m.sign(dial(m), r.login(0))
				if got.Code != mqtt.Success {
					t.Fatalf("CONNACK %v; want success", got.Code)
				}
				r.save(`{"n": 1}`)
				push := r.push()
				c := w.offered()
				r.fetch(c)
				w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 9)
				w.answered()
				w.wantPuback(9)
				if counts := r.counts(push); counts.Fetched != 1 {
					t.Errorf("counts %+v; want the device fetched", counts)
				}
				r.must(r.gateway.Close(t.Context()))
				w.wantClosed()
			})
		})
	}
}

func TestTenSecondsForEverythingBeforeConnect(t *testing.T) {
	for name, begin := range map[string]func(m *mouth) net.Conn{
		"silence":       func(m *mouth) net.Conn { return m.raw("") },
		"half TLS":      func(m *mouth) net.Conn { return m.raw("\x16\x03\x01\x02\x00\x01") },
		"half a packet": func(m *mouth) net.Conn { return m.raw("\x10\x50\x00\x04MQ") },
		"TLS":           func(m *mouth) net.Conn { time.Sleep(time.Second); return m.tls() },
		"late TLS": func(m *mouth) net.Conn {
			nc := m.raw("")
			time.Sleep(9 * time.Second)
			tc := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
			m.must(tc.Handshake())
			return tc
		},
		"wss": func(m *mouth) net.Conn { return m.webSocket("wss") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1)
				m := r.port("")
				start := time.Now()
				if name == "TLS" {
					start = start.Add(time.Second)
				}
				w := &wire{t: t, nc: begin(m), version: mqtt.V311}
				w.wantClosed()
				if took := time.Since(start); took < 10*time.Second || took > 10*time.Second+50*time.Millisecond {
					t.Errorf("closed after %v; want 10s", took)
				}
				synctest.Wait()
				if lines := r.log.about("no CONNECT in time"); len(lines) != 1 {
					t.Errorf("log says %q; want one line", r.log.about("connection"))
				}
			})
		})
	}
}

func TestWhatIsNotMQTTIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		m := r.port("203.0.113.9:1")
		for _, first := range []string{"SSH-2.0-x\r\n", "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n"} {
			nc := m.raw("")
			go nc.Write([]byte(first))
			for err := error(nil); err == nil; {
				_, err = nc.Read(make([]byte, 512))
			}
		}
		synctest.Wait()
		if lines := r.log.about("connection cut"); len(lines) != 2 || !strings.Contains(lines[0], "addr=203.0.113.9") {
			t.Errorf("log says %q; want two lines with the address", lines)
		}
	})
}

func TestAddressBehindALoadBalancer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const refusals = 5
		r := newRigOf(t, 2, gateway.Options{RefusalsPerAddress: refusals})
		m := r.port("10.1.2.3:4")
		w, got := m.sign(m.raw(proxied), r.login(0))
		if from := r.from(0); got.Code != mqtt.Success || from != "192.0.2.1" {
			t.Errorf("CONNACK %v, from %s; want success, from 192.0.2.1", got.Code, from)
		}
		w.ping()

		// Refusals count for the client, and not for its load balancer.
		bad := r.login(1)
		bad.Password[0] ^= 1
		for range refusals {
			w, _ := m.sign(m.raw(proxied), bad)
			w.wantClosed()
		}
		if _, got := m.sign(m.raw(proxied), r.login(1)); got.Code != mqtt.ServerUnavailable {
			t.Errorf("from the same address: CONNACK %v; want server unavailable", got.Code)
		}
		other := strings.Replace(proxied, "\xc0\x00\x02\x01", "\xc0\x00\x02\x02", 1)
		if _, got := m.sign(m.raw(other), r.login(1)); got.Code != mqtt.Success {
			t.Errorf("from another address: CONNACK %v; want success", got.Code)
		}
	})
}
