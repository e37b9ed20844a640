package port_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/port"
)

// hello stands for a CONNECT packet: nothing behind its first byte is looked
// at here.
var hello = append([]byte{0x10}, bytes.Repeat([]byte("connect"), 100)...)

// patience is how long a test's client may take to get through.
const patience = 10 * time.Second

// door is a port that tests knock at.
type door struct {
	*testing.T
	ca   *certtest.CA
	port *port.Port
	ln   net.Listener
	net  *pipenet.Listener
}

// newDoor opens a port with a certificate for cota.test over pipes.
func newDoor(t *testing.T, change func(*port.Options)) *door {
	t.Helper()
	d := &door{T: t, ca: certtest.New(t, "test CA"), net: pipenet.New("door")}
	o := port.Options{TLS: &tls.Config{
		Certificates: []tls.Certificate{d.ca.Server("cota.test")}, ClientAuth: tls.RequestClientCert,
	}}
	if change != nil {
		change(&o)
	}
	d.port = port.New(o)
	d.ln = d.port.Listen(d.net)
	t.Cleanup(func() { d.ln.Close() })
	return d
}

// result is what became of a connection.
type result struct {
	conn *port.Conn
	peer port.Peer
	err  error
	took time.Duration
}

// next accepts the next connection and opens it.
func (d *door) next() <-chan result {
	done := make(chan result, 1)
	go func() {
		nc, err := d.ln.Accept()
		if err != nil {
			done <- result{err: err}
			return
		}
		c := nc.(*port.Conn)
		began := time.Now()
		peer, err := c.Open(began.Add(patience))
		took := time.Since(began)
		if err != nil {
			c.Close()
		}
		done <- result{c, peer, err, took}
	}()
	return done
}

// knock connects, and opens the other end.
func (d *door) knock() (net.Conn, <-chan result) {
	d.Helper()
	done := d.next()
	nc, err := d.net.Dial(d.Context(), "", "")
	d.must(err)
	d.Cleanup(func() { nc.Close() })
	return nc, done
}

// tell writes while the other end reads.
func tell(nc io.Writer, b []byte) {
	go nc.Write(b)
}

func (d *door) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// wantHello reads hello on an opened connection, and answers.
func (d *door) wantHello(r result, client net.Conn) {
	d.Helper()
	d.must(r.err)
	got := make([]byte, len(hello))
	if _, err := io.ReadFull(r.conn, got); err != nil || !bytes.Equal(got, hello) {
		d.Fatalf("it reads %q, %v; want what the client sent", got, err)
	}
	go r.conn.Write([]byte("welcome"))
	answer := make([]byte, len("welcome"))
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "welcome" {
		d.Fatalf("the client reads %q, %v; want the answer", answer, err)
	}
}

func (d *door) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: d.ca.Pool(), ServerName: "cota.test"}
}

// blames checks that a connection was given up for what the client sent.
func (d *door) blames(what string, err error) {
	d.Helper()
	if _, ok := errors.AsType[*port.Error](err); !ok {
		d.Errorf("%s: %v; want a port.Error", what, err)
	}
}

// from makes every connection come from an address.
type from struct {
	net.Listener
	addr netip.AddrPort
}

func (f from) Accept() (net.Conn, error) {
	nc, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return located{nc, net.TCPAddrFromAddrPort(f.addr)}, nil
}

type located struct {
	net.Conn
	addr net.Addr
}

func (l located) RemoteAddr() net.Addr { return l.addr }

// dialTo dials d whatever the address.
func (d *door) dialTo(context.Context, string, string) (net.Conn, error) {
	return d.net.Dial(d.Context(), "", "")
}
