//go:build unix

package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
	"github.com/cotahq/cota/internal/store"
)

// patience is how long a test over TCP waits for anything.
const patience = 2 * time.Minute

// overEachEngine runs a test over TCP twice: with devices served by loops,
// where there are such, and by a goroutine each. Both must agree.
func overEachEngine(t *testing.T, n int, test func(t *testing.T, r *rig)) {
	t.Helper()
	overEachEngineAt(t, n, port.Options{}, test)
}

// overEachEngineAt is overEachEngine at a port with these options.
func overEachEngineAt(t *testing.T, n int, o port.Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	for _, engine := range []struct {
		name string
		as   func(net.Listener) net.Listener
	}{
		{"loops", func(ln net.Listener) net.Listener { return ln }},
		{"goroutines", func(ln net.Listener) net.Listener { return struct{ net.Listener }{ln} }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			ln, err := narrow.Listen(t.Context(), "tcp", "127.0.0.1:0")
			check(t, err)
			r := newRigOf(t, n, gateway.Options{})
			r.live = ln
			door := port.New(o).Listen(engine.as(ln))
			served := make(chan error, 1)
			go func() { served <- r.gateway.Serve(door) }()
			t.Cleanup(func() { r.must(errors.Join(door.Close(), <-served)) })
			test(t, r)
		})
	}
}

// narrow is of listeners on whose connections the kernel takes little of what
// is not read.
var narrow = net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
	ctl := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4<<10) })
	return errors.Join(ctl, err)
}}

// caughtUp sees that everything that the device sent before has been handled.
func (w *wire) caughtUp() {
	w.t.Helper()
	w.write(mqtt.AppendPingreq(nil))
	var before []byte
	for {
		b, err := w.next()
		if err != nil {
			w.t.Fatal(err)
		}
		if mqtt.TypeOf(b) == mqtt.TypePingresp {
			w.buf = append(before, w.buf...)
			return
		}
		before = append(before, b...)
	}
}

func TestTranscriptsOverTCP(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	check(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			overEachEngine(t, 1, func(t *testing.T, r *rig) { newTranscript(r).replay(file, string(text)) })
		})
	}
}

func TestPushOverTCP(t *testing.T) {
	const devices = 100
	overEachEngine(t, devices, func(t *testing.T, r *rig) {
		crowd := make([]*wire, devices)
		for i := range crowd {
			crowd[i] = r.connect(i)
			crowd[i].ping()
		}
		r.save(`{}`)
		push := r.push()
		for i, w := range crowd {
			c := w.offered()
			if g := r.grant(c); g.Push != push.No {
				t.Errorf("device %d is offered push %d; want %d", i, g.Push, push.No)
			}
			w.ping() // which is answered after PUBACK was understood
		}
		if n := r.counts(push); n.Received != devices {
			t.Errorf("the push counts %+v; want %d received", n, devices)
		}
		for _, w := range crowd {
			w.publish(r.topic(alink.ConfigGet, 0), "not for it", 0, 0)
		}
		r.stop(push)
	})
}

func TestGetOverTCP(t *testing.T) {
	const devices = 20
	overEachEngine(t, devices, func(t *testing.T, r *rig) {
		r.save(`{"a":1}`)
		var all sync.WaitGroup
		for i := range devices {
			w := r.connect(i)
			all.Go(func() {
				for id := range uint16(10) {
					w.publish(r.topic(alink.ConfigGet, i), askForConfig, 1, id+1)
					w.answered()
					w.wantPuback(id + 1)
				}
			})
		}
		all.Wait()
	})
}

// Packets that come in pieces, or many at once, are handled one after the other.
func TestPiecesOverTCP(t *testing.T) {
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		w := r.dial(mqtt.V311)
		c := r.login(0)
		for _, b := range c.Append(nil) {
			w.write([]byte{b})
		}
		w.connack()
		large := mqtt.Publish{QoS: 1, PacketID: 7, Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: make([]byte, 250_000)}
		b := large.Append(nil, w.version)
		for id := range uint16(40) {
			p := mqtt.Publish{QoS: 1, PacketID: id + 10, Topic: []byte(r.topic(alink.ConfigReport, 0)), Payload: []byte(`{}`)}
			b = p.Append(b, w.version)
		}
		w.write(b[:100_000])
		w.write(b[100_000:])
		w.wantPuback(7)
		for id := range uint16(40) {
			if p := w.received(); alink.ParseTopic(p.Topic).Kind != alink.ConfigReportReply {
				t.Fatalf("got topic %s; want the answer to a report that says nothing", p.Topic)
			}
			w.wantPuback(id + 10)
		}
		w.write(mqtt.Disconnect{}.Append(nil, w.version))
		w.wantClosed()
	})
}

func TestEndsOverTCP(t *testing.T) {
	overEachEngine(t, 2, func(t *testing.T, r *rig) {
		garbage := r.dial(mqtt.V311)
		garbage.write([]byte("hello"))
		garbage.wantClosed()

		other := r.connect5(0)
		other.write([]byte{0x00, 0x00})
		other.wantDisconnect(mqtt.MalformedPacket)

		bad := r.login5(0)
		bad.Password[0] ^= 1
		if _, got := r.open(bad); got.Code != mqtt.BadUserNameOrPassword {
			t.Errorf("CONNACK %v; want a bad password", got.Code)
		}

		older := r.connect5(0)
		newer := r.connect5(0)
		older.wantDisconnect(mqtt.SessionTakenOver)
		newer.ping()
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[0].Name, true))
		newer.wantDisconnect(mqtt.AdministrativeAction)

		last := r.connect5(1)
		last.ping()
		r.must(r.gateway.Close(context.Background()))
		last.wantDisconnect(mqtt.ServerShuttingDown)
	})
}

func TestConnectionWithoutConnectOverTCP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the limit")
	}
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		start := time.Now()
		half := r.dial(mqtt.V311)
		half.write([]byte{0x10, 0x20, 0x00})
		r.dial(mqtt.V311).wantClosed()
		half.wantClosed()
		if took := time.Since(start); took < connectLimit-time.Second {
			t.Errorf("closed after %v; want %v", took, connectLimit)
		}
	})
}

// Who says more than can be put on record is held back, and loses nothing.
func TestHeldBackOverTCP(t *testing.T) {
	const words = 150
	overEachEngine(t, 2, func(t *testing.T, r *rig) {
		w, other := r.connect(0), r.connect(1)
		v := r.save(`{}`)
		w.caughtUp()
		release := r.holdWrites()
		for id := range uint16(words) {
			w.publish(r.topic(alink.ConfigReport, 0), fmt.Sprintf(`{"id":"1","sys":{"ack":0},"params":{"configId":%q,"state":"applied"}}`, v.ConfigID), 1, id+1)
		}
		for range 10 {
			other.ping() // is served meanwhile
		}
		release()
		for id := range uint16(words) {
			w.wantPuback(id + 1)
		}
		w.ping()
	})
}

// Over TCP the kernel takes some of what a deaf device is sent, to begin with.
func TestDeafDeviceOverTCP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the limit for writing")
	}
	const others = 20
	overEachEngine(t, others+1, func(t *testing.T, r *rig) {
		good := make([]*wire, others)
		for i := range good {
			good[i] = r.connect(i)
		}
		deaf := r.connect(others)
		r.must(deaf.nc.(*net.TCPConn).SetReadBuffer(4 << 10))
		cut := make(chan struct{})
		go func() { // asks and asks, and never reads
			defer close(cut)
			m := mqtt.Publish{Topic: []byte(r.topic(alink.ConfigGet, others)), Payload: []byte(askForConfig)}
			var gets []byte
			for range 1000 { // soon each is answered that there are too many
				gets = m.Append(gets, mqtt.V311)
			}
			for err := error(nil); err == nil; {
				_, err = deaf.nc.Write(gets)
			}
		}()
		served := func() {
			for _, w := range good {
				w.ping()
			}
		}
		for r.gateway.Online(r.product) > others { // it is cut within patience, or nobody is served
			served()
		}
		<-cut
		served()
	})
}

// Whatever a device speaks, it meets the same gateway.
func TestTransportsOverTCP(t *testing.T) {
	ca := certtest.New(t, "test CA")
	o := port.Options{TLS: &tls.Config{Certificates: []tls.Certificate{ca.Server("cota.test")}}}
	overEachEngineAt(t, 3, o, func(t *testing.T, r *rig) {
		client := &tls.Config{RootCAs: ca.Pool(), ServerName: "cota.test"}
		var all sync.WaitGroup
		for i, speak := range []func(net.Conn) net.Conn{
			func(nc net.Conn) net.Conn { return nc },
			func(nc net.Conn) net.Conn { return tls.Client(nc, client) },
			func(nc net.Conn) net.Conn { return overWebSocket(t, nc) },
		} {
			w := r.dial(mqtt.V5)
			w.nc = speak(w.nc)
			c := r.login5(i)
			b := c.Append(nil)
			w.write(b[:10])
			w.write(b[10:])
			w.connack()
			all.Go(func() {
				for range 20 {
					w.ping()
				}
			})
		}
		all.Wait()
		older := r.dial(mqtt.V5)
		older.nc = tls.Client(older.nc, client)
		c := r.login5(1)
		older.write(c.Append(nil))
		older.connack()
		r.must(r.gateway.Close(context.Background()))
		older.wantDisconnect(mqtt.ServerShuttingDown)
	})
}

// Behind a load balancer a device is known by its own address.
func TestLoadBalancerOverTCP(t *testing.T) {
	o := port.Options{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	overEachEngineAt(t, 1, o, func(t *testing.T, r *rig) {
		w := r.dial(mqtt.V311)
		w.write([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x09\x7f\x00\x00\x01\x04\xd2\x07\x5b"))
		c := r.login(0)
		w.write(c.Append(nil))
		w.connack()
		w.ping()
		all, err := r.store.Events(t.Context(), r.state(0).ID, store.EventKey{}, 1)
		if err != nil || len(all) != 1 || all[0].Detail != "192.0.2.9" {
			t.Errorf("the timeline says %+v, %v; want a connection from 192.0.2.9", all, err)
		}
	})
}

func overWebSocket(t *testing.T, nc net.Conn) net.Conn {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil }}
	ws, _, err := websocket.Dial(t.Context(), "ws://cota.test/mqtt", &websocket.DialOptions{
		Subprotocols: []string{"mqtt"}, HTTPClient: &http.Client{Transport: transport},
	})
	check(t, err)
	return websocket.NetConn(t.Context(), ws, websocket.MessageBinary)
}

// A gateway's sub-devices live on its connection.
func TestSubdevicesOverTCP(t *testing.T) {
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		w := r.connect(0)
		w.publish(r.topic(alink.TopoGet, 0), `{"id":"1","version":"1.0","params":{}}`, 0, 0)
		if topic, answer := w.message(); alink.ParseTopic([]byte(topic)).Kind != alink.TopoGet.Reply() || answer["code"] != float64(alink.CodeSuccess) {
			t.Errorf("got %v on %s; want the list of sub-devices", answer, topic)
		}
		w.ping()
	})
}
