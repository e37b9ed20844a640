package port_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/port"
)

// proxied accepts a connection behind a load balancer, from addr.
func proxied(t *testing.T, addr string) (client net.Conn, server *port.ProxiedConn) {
	t.Helper()
	doorway := pipenet.New("door")
	ln := port.Proxied(doorway, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, patience)
	dialed := make(chan net.Conn, 1)
	go func() {
		nc, err := doorway.DialFrom(t.Context(), addr)
		if err != nil {
			t.Error(err)
		}
		dialed <- nc
	}()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client = <-dialed
	t.Cleanup(func() { client.Close(); nc.Close() })
	return client, nc.(*port.ProxiedConn)
}

func TestProxied(t *testing.T) {
	for _, test := range []struct {
		name, from, header, addr string
		secure                   bool
	}{
		{"IPv4", "10.1.2.3:4", client, "192.0.2.1:0", false},
		{"IPv6, TLS ends before us", "10.1.2.3:4", client6, "[2001:db8::1]:0", true},
		{"the load balancer itself", "10.1.2.3:4", local, "10.1.2.3:4", false},
		{"somebody else", "203.0.113.9:4", "", "203.0.113.9:4", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			there, here := proxied(t, test.from)
			go func() {
				for _, b := range []byte(test.header + "hello") { // each in a packet of its own
					there.Write([]byte{b})
				}
				there.Close()
			}()
			if got := here.RemoteAddr().String(); got != test.addr {
				t.Errorf("%s: RemoteAddr = %s; want %s", test.name, got, test.addr)
			}
			if got := here.Secure(); got != test.secure {
				t.Errorf("%s: Secure = %t; want %t", test.name, got, test.secure)
			}
			if got, err := io.ReadAll(here); string(got) != "hello" || err != nil {
				t.Errorf("%s: read %q, %v; want what follows the header", test.name, got, err)
			}
		})
	}
}

func TestProxiedHasLittlePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there, here := proxied(t, "10.1.2.3:4")
		go there.Write([]byte(client[:20]))
		began := time.Now()
		if got := here.RemoteAddr().String(); got != "10.1.2.3:4" || time.Since(began) != patience {
			t.Errorf("RemoteAddr = %s after %v; want the load balancer's after %v", got, time.Since(began), patience)
		}
		if _, err := here.Read(make([]byte, 1)); err == nil {
			t.Error("Read after half a header succeeds")
		}
		if _, err := there.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open after half a header")
		}
	})
}
