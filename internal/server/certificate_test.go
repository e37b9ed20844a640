package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/server"
)

// soon is what doc/tls.md promises of a revocation.
const soon = 10 * time.Second

// What is revoked through one node ends connections to another, and only those
// that were let in by what was revoked.
func TestRevocationReachesTheOtherNode(t *testing.T) {
	doors := certtest.New(t, "server CA")
	cert, key := certtest.Write(t, t.TempDir(), "cota", doors.Server("cota.test"))
	a, b := twoNodesOf(t, func(o *server.Options) { o.TLS.Certs, o.TLS.Keys = []string{cert}, []string{key} })
	product, devices := fleet(t, a, 4)
	old, young := certtest.New(t, "old CA"), certtest.New(t, "young CA")
	_, err := a.SetCA(t.Context(), product, old.PEM()+young.PEM())
	must(t, err)
	// dial shakes hands with node b, and answers with the code of its CONNACK.
	dial := func(name string, c tls.Certificate) (net.Conn, mqtt.Code) {
		t.Helper()
		raw, err := b.Dial(t.Context(), "tcp", "")
		must(t, err)
		nc := tls.Client(raw, &tls.Config{RootCAs: doors.Pool(), ServerName: "cota.test", Certificates: []tls.Certificate{c}})
		t.Cleanup(func() { nc.Close() })
		hello := mqtt.Connect{Version: mqtt.V311, CleanStart: true, KeepAlive: 60, ClientID: []byte(".|securemode=2|"), Username: []byte(name + "&" + product)}
		_, err = nc.Write(hello.Append(nil))
		must(t, err)
		answer := make([]byte, 4)
		_, err = io.ReadFull(nc, answer)
		must(t, err)
		ack, err := mqtt.DecodeConnack(answer, mqtt.V311)
		must(t, err)
		return nc, ack.Code
	}
	var certs []tls.Certificate
	var conns []net.Conn
	for i, ca := range []*certtest.CA{old, old, young, young} {
		certs = append(certs, ca.Device(devices[i].Name, nil))
		nc, code := dial(devices[i].Name, certs[i])
		if code != mqtt.Success {
			t.Fatalf("device %d: CONNACK %v; want it let in", i, code)
		}
		conns = append(conns, nc)
	}
	ended := func(i int) {
		t.Helper()
		began := time.Now()
		must(t, conns[i].SetReadDeadline(began.Add(soon)))
		if n, err := conns[i].Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("device %d: read %d bytes, %v after %v; want the connection closed", i, n, err, time.Since(began))
		}
		if _, code := dial(devices[i].Name, certs[i]); code != mqtt.NotAuthorized {
			t.Errorf("device %d again: CONNACK %v; want it refused", i, code)
		}
	}
	goesOn := func(i int) {
		t.Helper()
		_, err := conns[i].Write(mqtt.AppendPingreq(nil))
		must(t, err)
		must(t, conns[i].SetReadDeadline(time.Now().Add(soon)))
		_, err = io.ReadFull(conns[i], make([]byte, 2))
		if err != nil {
			t.Errorf("device %d: %v; want it to go on", i, err)
		}
	}

	_, err = a.SetRevoked(t.Context(), product, []string{fmt.Sprintf("%x", certs[0].Leaf.SerialNumber)})
	must(t, err)
	ended(0) // by its serial number
	goesOn(1)
	_, err = a.SetCA(t.Context(), product, young.PEM())
	must(t, err)
	ended(1) // with its CA
	goesOn(2)
	_, err = a.SetCRL(t.Context(), product, young.Revoke(nil, certs[2].Leaf))
	must(t, err)
	ended(2) // by a list of its CA
	goesOn(3)
	d, err := b.Device(context.Background(), product, devices[3].Name)
	for until := time.Now().Add(soon); err == nil && !d.Online && time.Now().Before(until); { // that it connected is on record soon
		d, err = b.Device(context.Background(), product, devices[3].Name)
	}
	if err != nil || !d.Online {
		t.Errorf("device 3 online %t, %v; want it online", d.Online, err)
	}
	must(t, a.RemoveCA(t.Context(), product))
	must(t, conns[3].SetReadDeadline(time.Now().Add(soon)))
	if _, err := conns[3].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("device 3: %v; want the connection closed without any CA", err)
	}
}
