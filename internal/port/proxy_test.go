package port_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota/internal/port"
)

const (
	// client is a PROXY header for 192.0.2.1, and client6 for 2001:db8::1 who
	// speaks TLS with its load balancer.
	client  = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x34\x07\x5b"
	client6 = "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x2c" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x12\x34\x07\x5b" + "\x20\x00\x05\x01\x00\x00\x00\x00"
	local = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

// behind opens a port that a load balancer at addr connects to.
func behind(t *testing.T, addr string) *door {
	d := newDoor(t, func(o *port.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	o := port.Options{
		TLS:     &tls.Config{Certificates: []tls.Certificate{d.ca.Server("cota.test")}},
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	d.ln = port.New(o).Listen(from{d.net, netip.MustParseAddrPort(addr)})
	return d
}

func TestBehindALoadBalancer(t *testing.T) {
	for _, test := range []struct {
		name, from, first string
		addr              string
		secure            bool
	}{
		{"IPv4", "10.1.2.3:4", client, "192.0.2.1", false},
		{"IPv6, TLS ends before us", "10.1.2.3:4", client6, "2001:db8::1", true},
		{"the load balancer itself", "10.1.2.3:4", local, "10.1.2.3", false},
		{"a load balancer seen by IPv6", "[::ffff:10.1.2.3]:4", client, "192.0.2.1", false},
		{"nobody's network", "203.0.113.9:4", "", "203.0.113.9", false},
		{"fields that fill packets", "10.1.2.3:4",
			client[:14] + "\x0c\x0f" + client[16:] + "\x04\x0c\x00" + strings.Repeat("x", 0xc00), "192.0.2.1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := behind(t, test.from)
				nc, done := d.knock()
				tell(nc, append([]byte(test.first), hello...))
				r := <-done
				if r.peer.Addr.String() != test.addr || r.peer.Secure != test.secure {
					t.Errorf("peer %+v; want %s, secure %t", r.peer, test.addr, test.secure)
				}
				d.wantHello(r, nc)
			})
		})
	}
}

func TestTLSBehindALoadBalancer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := behind(t, "10.1.2.3:4")
		nc, done := d.knock()
		if _, err := nc.Write([]byte(client)); err != nil {
			t.Fatal(err)
		}
		tc := tls.Client(nc, d.clientTLS())
		tell(tc, hello)
		r := <-done
		if r.peer.Addr.String() != "192.0.2.1" || !r.peer.Secure {
			t.Errorf("peer %+v; want 192.0.2.1, secure", r.peer)
		}
		d.wantHello(r, tc)
	})
}

func TestLoadBalancerThatSaysNothingGood(t *testing.T) {
	for name, first := range map[string]string{
		"MQTT at once":     string(hello),
		"TLS at once":      "\x16\x03\x01\x02\x00\x01",
		"version 1":        "PROXY TCP4 192.0.2.1 198.51.100.1 4660 1883\r\n",
		"two headers":      client + client,
		"a header in half": client[:14] + "\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := behind(t, "10.1.2.3:4")
				nc, done := d.knock()
				tell(nc, []byte(first))
				r := <-done
				d.blames(name, r.err)
			})
		})
	}
}

func TestHeaderInsideTLS(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := behind(t, "10.1.2.3:4")
		nc, done := d.knock()
		go func() {
			nc.Write([]byte(client))
			tls.Client(nc, d.clientTLS()).Write(append([]byte(client), hello...))
		}()
		d.blames("a header inside TLS", (<-done).err)
	})
}

func TestHeaderThatComesSlowly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := behind(t, "10.1.2.3:4")
		nc, done := d.knock()
		left := make(chan struct{})
		go func() {
			defer close(left)
			for i := range client {
				if _, err := io.WriteString(nc, client[i:i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		if r := <-done; !errors.Is(r.err, os.ErrDeadlineExceeded) || r.took != patience {
			t.Errorf("%v after %v; want a deadline after %v", r.err, r.took, patience)
		}
		nc.Close()
		<-left
	})
}
