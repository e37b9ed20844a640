package api_test

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
)

func parse(texts ...string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func TestClientAddress(t *testing.T) {
	networks, err := parse("10.0.0.0/8", "2001:db8:ffff::/48")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:1", nil, "192.0.2.1"},
		{"somebody who plays a proxy", "192.0.2.1:1", []string{"127.0.0.1"}, "192.0.2.1"},
		{"a proxy that says nothing", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a proxy", "10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"what the client wrote itself", "10.0.0.1:1", []string{"127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
		{"in a header of its own", "10.0.0.1:1", []string{"127.0.0.1", "192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:1", []string{"127.0.0.1, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"proxies only", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"nonsense behind a proxy", "10.0.0.1:1", []string{"192.0.2.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"nothing behind a proxy", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"with a port", "10.0.0.1:1", []string{"192.0.2.1:40000"}, "192.0.2.1"},
		{"IPv6", "[2001:db8:ffff::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with a port", "[2001:db8:ffff::1]:1", []string{"[2001:db8::7]:1"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"no address", "pipe", nil, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.forwarded
			if got, _ := api.Client(networks, r); got.String() != tt.want {
				t.Errorf("client = %s; want %s", got, tt.want)
			}
		})
	}
}

func TestClientOverTLS(t *testing.T) {
	networks, err := parse("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, peer, proto string
		tls               bool
		want              bool
	}{
		{"in the clear", "192.0.2.1:1", "", false, false},
		{"with us", "192.0.2.1:1", "", true, true},
		{"with a proxy", "10.0.0.1:1", "https", false, true},
		{"with somebody who plays a proxy", "192.0.2.1:1", "https", false, false},
		{"in the clear to a proxy", "10.0.0.1:1", "http", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			r.Header.Set("X-Forwarded-Proto", tt.proto)
			if tt.tls {
				r.TLS = new(tls.ConnectionState)
			}
			if _, got := api.Client(networks, r); got != tt.want {
				t.Errorf("over TLS = %t; want %t", got, tt.want)
			}
		})
	}
}

// Trust is of the client's network, not of the proxy's; and only a proxy that
// was named is believed.
func TestTrustBehindAProxy(t *testing.T) {
	networks, err := parse("10.0.0.1/32")
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, func(_ *control.Options, o *api.Options) { o.TrustedProxies = networks }, func(t *testing.T, s *site) {
		b := s.signedIn("10.0.0.1:1", "admin")
		b.header.Set("X-Forwarded-For", "198.51.100.7")
		b.prove()
		s.must(b.push())
		b.header.Set("X-Forwarded-For", "198.51.100.7, 203.0.113.1")
		if err := b.push(); err == nil {
			t.Error("a push from what the client wrote itself succeeded; want a refusal")
		}
		b.addr = "10.0.0.2:1"
		b.header.Set("X-Forwarded-For", "198.51.100.7")
		if err := b.push(); err == nil {
			t.Error("a push through a proxy that was not named succeeded; want a refusal")
		}
	})
}
