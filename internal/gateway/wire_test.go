package gateway_test

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// wire is the device's end of a connection.
type wire struct {
	t       *testing.T
	nc      net.Conn
	version mqtt.Version
	buf     []byte
}

func (w *wire) write(b []byte) {
	w.t.Helper()
	if _, err := w.nc.Write(b); err != nil {
		w.t.Fatalf("write: %v", err)
	}
}

// next is the next packet from the server, or the error that ends the
// connection.
func (w *wire) next() ([]byte, error) {
	for {
		n, err := mqtt.Frame(w.buf, mqtt.MaxSize)
		if err != nil {
			return nil, err
		}
		if n <= len(w.buf) {
			packet := w.buf[:n:n]
			w.buf = w.buf[n:]
			return packet, nil
		}
		more := make([]byte, 4096)
		got, err := w.nc.Read(more)
		if err != nil {
			return nil, err
		}
		w.buf = append(w.buf, more[:got]...)
	}
}

func (w *wire) want(t mqtt.Type) []byte {
	w.t.Helper()
	b, err := w.next()
	if err != nil {
		w.t.Fatalf("waiting for %v: %v", t, err)
	}
	if got := mqtt.TypeOf(b); got != t {
		w.t.Fatalf("got %v % x; want %v", got, b, t)
	}
	return b
}

func (w *wire) connack() mqtt.Connack {
	w.t.Helper()
	c, err := mqtt.DecodeConnack(w.want(mqtt.TypeConnack), w.version)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *wire) wantClosed() {
	w.t.Helper()
	if b, err := w.next(); err == nil {
		w.t.Fatalf("got %v; want the connection closed", mqtt.TypeOf(b))
	}
}

// wantNothing sees that nothing comes within a while of bubble time.
func (w *wire) wantNothing(d time.Duration) {
	w.t.Helper()
	w.nc.SetReadDeadline(time.Now().Add(d))
	defer w.nc.SetReadDeadline(time.Time{})
	if b, err := w.next(); err == nil {
		w.t.Fatalf("got %v % x; want nothing", mqtt.TypeOf(b), b)
	} else if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		w.t.Fatalf("got %v; want nothing", err)
	}
}

func (w *wire) publish(topic, payload string, qos byte, id uint16) {
	w.t.Helper()
	p := mqtt.Publish{QoS: qos, PacketID: id, Topic: []byte(topic), Payload: []byte(payload)}
	w.write(p.Append(nil, w.version))
}

func (w *wire) wantPuback(id uint16) mqtt.Ack {
	w.t.Helper()
	a, err := mqtt.DecodeAck(w.want(mqtt.TypePuback), w.version)
	if err != nil || a.PacketID != id {
		w.t.Fatalf("PUBACK %d, %v; want %d", a.PacketID, err, id)
	}
	return a
}

// received is the next message from the server, not acknowledged.
func (w *wire) received() mqtt.Publish {
	w.t.Helper()
	p, err := mqtt.DecodePublish(w.want(mqtt.TypePublish), w.version)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *wire) puback(id uint16) {
	w.t.Helper()
	a := mqtt.Ack{Type: mqtt.TypePuback, PacketID: id}
	w.write(a.Append(nil, w.version))
}

// acknowledged is the next message from the server, acknowledged if need be.
func (w *wire) acknowledged() mqtt.Publish {
	w.t.Helper()
	p := w.received()
	if p.QoS == 1 {
		w.puback(p.PacketID)
	}
	return p
}

// message is the next message from the server, acknowledged if need be.
func (w *wire) message() (topic string, payload map[string]any) {
	w.t.Helper()
	p := w.acknowledged()
	if err := json.Unmarshal(p.Payload, &payload); err != nil {
		w.t.Fatalf("payload %s: %v", p.Payload, err)
	}
	return string(p.Topic), payload
}

// offered is the push that the server sends next.
func (w *wire) offered() alink.Config {
	w.t.Helper()
	return w.offer(w.acknowledged())
}

// offer is what a push message offers.
func (w *wire) offer(p mqtt.Publish) alink.Config {
	w.t.Helper()
	if alink.ParseTopic(p.Topic).Kind != alink.ConfigPush {
		w.t.Fatalf("got topic %s; want a push", p.Topic)
	}
	c, err := alink.DecodePush(p.Payload)
	if err != nil {
		w.t.Fatalf("push %s: %v", p.Payload, err)
	}
	return c
}

// answered is the configuration that the server answers a get with.
func (w *wire) answered() alink.Config {
	w.t.Helper()
	p := w.acknowledged()
	if !strings.HasSuffix(string(p.Topic), "/thing/config/get_reply") {
		w.t.Fatalf("got topic %s; want a get_reply", p.Topic)
	}
	c, err := alink.DecodeGetReply(p.Payload)
	if err != nil {
		w.t.Fatalf("get_reply %s: %v", p.Payload, err)
	}
	return c
}

// within is the next packet that comes within d, but for PINGRESP; nil if none
// does. It keeps the connection alive.
func (w *wire) within(d time.Duration) []byte {
	w.t.Helper()
	defer w.nc.SetReadDeadline(time.Time{})
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		w.nc.SetReadDeadline(time.Now().Add(min(left, pingEvery)))
		b, err := w.next()
		e, ok := errors.AsType[net.Error](err)
		switch {
		case err == nil && mqtt.TypeOf(b) == mqtt.TypePingresp:
		case err == nil:
			return b
		case !ok || !e.Timeout():
			w.t.Fatalf("waiting for a packet: %v", err)
		case left <= pingEvery:
			return nil
		default:
			w.write(mqtt.AppendPingreq(nil))
		}
	}
}

// pingEvery is less than the keep-alive of login.
const pingEvery = 40 * time.Second

// idle sees that nothing comes for a while. It keeps the connection alive.
func (w *wire) idle(d time.Duration) {
	w.t.Helper()
	if b := w.within(d); b != nil {
		w.t.Fatalf("got %v % x; want nothing", mqtt.TypeOf(b), b)
	}
}

// offeredWithin is the push that the server sends within d.
func (w *wire) offeredWithin(d time.Duration) alink.Config {
	w.t.Helper()
	b := w.within(d)
	if b == nil {
		w.t.Fatalf("nothing was sent in %v; want a push", d)
	}
	p, err := mqtt.DecodePublish(b, w.version)
	if err != nil {
		w.t.Fatal(err)
	}
	w.puback(p.PacketID)
	return w.offer(p)
}

// ping sees that the server answers.
func (w *wire) ping() {
	w.t.Helper()
	w.write(mqtt.AppendPingreq(nil))
	w.want(mqtt.TypePingresp)
}

// wantDisconnect sees the connection end, and an MQTT 5 device told why.
func (w *wire) wantDisconnect(code mqtt.Code) {
	w.t.Helper()
	if w.version == mqtt.V5 {
		d, err := mqtt.DecodeDisconnect(w.want(mqtt.TypeDisconnect), w.version)
		if err != nil || d.Code != code {
			w.t.Errorf("DISCONNECT %v, %v; want %v", d.Code, err, code)
		}
	}
	w.wantClosed()
}
