package server_test

import (
	"net"
	"testing"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
)

// wire is a device that only does what a test tells it to.
type wire struct {
	t       *testing.T
	s       *servertest.Server
	product string
	device  sim.Credentials
}

// signIn connects and waits for the server's welcome.
func (w *wire) signIn() net.Conn {
	w.t.Helper()
	nc, err := w.s.Dial(w.t.Context(), "tcp", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.signInOn(nc)
	return nc
}

// signInOn does so on a connection that is there.
func (w *wire) signInOn(nc net.Conn) {
	w.t.Helper()
	login, err := alink.Sign(w.product, w.device.Name, w.device.Secret, alink.SignOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	c := mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 60,
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}
	if _, err := nc.Write(c.Append(nil)); err != nil {
		w.t.Fatal(err)
	}
	answer, err := mqtt.DecodeConnack(w.read(nc, mqtt.TypeConnack), mqtt.V311)
	if err != nil || answer.Code != mqtt.Success {
		w.t.Fatalf("CONNACK %v, %v", answer.Code, err)
	}
}

// askForLink asks for the configuration and returns its link. By then it is on
// record that the device is connected.
func (w *wire) askForLink(nc net.Conn) string {
	w.t.Helper()
	get := mqtt.Publish{
		Topic:   alink.AppendTopic(nil, alink.ConfigGet, w.product, w.device.Name),
		Payload: alink.AppendGet(nil, alink.Get{ID: "1"}),
	}
	if _, err := nc.Write(get.Append(nil, mqtt.V311)); err != nil {
		w.t.Fatal(err)
	}
	p, err := mqtt.DecodePublish(w.read(nc, mqtt.TypePublish), mqtt.V311)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := alink.DecodeGetReply(p.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.URL
}

// read is the next packet, which must be of this type and come alone.
func (w *wire) read(nc net.Conn, want mqtt.Type) []byte {
	w.t.Helper()
	var in []byte
	for {
		n, err := mqtt.Frame(in, mqtt.MaxSize)
		if err != nil {
			w.t.Fatal(err)
		}
		if n <= len(in) {
			if mqtt.TypeOf(in) != want || n < len(in) {
				w.t.Fatalf("got % x; want one %v", in, want)
			}
			return in
		}
		more := make([]byte, 4096)
		got, err := nc.Read(more)
		if err != nil {
			w.t.Fatal(err)
		}
		in = append(in, more[:got]...)
	}
}
