package limit_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/limit"
)

func TestAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(2, 3)
		a := netip.MustParseAddr("192.0.2.1")
		for n, tt := range []struct {
			after time.Duration
			want  bool
		}{
			{0, true}, {0, true}, {0, true}, // the burst
			{0, false},
			{499 * time.Millisecond, false},
			{time.Millisecond, true}, // one every half second
			{0, false},
			{time.Second, true}, {0, true}, {0, false},
			{time.Hour, true}, {0, true}, {0, true}, {0, false}, // no more than the burst gathers
		} {
			time.Sleep(tt.after)
			if exhausted := l.Exhausted(a); exhausted == tt.want {
				t.Errorf("event %d: Exhausted = %t; want %t", n+1, exhausted, !tt.want)
			}
			if got := l.Allow(a); got != tt.want {
				t.Errorf("event %d: Allow = %t; want %t", n+1, got, tt.want)
			}
		}
	})
}

func TestExhaustedCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(1, 1)
		a := netip.MustParseAddr("192.0.2.1")
		for range 5 {
			if l.Exhausted(a) {
				t.Fatal("Exhausted before any event")
			}
		}
		if !l.Allow(a) || !l.Exhausted(a) {
			t.Error("want one event allowed, and then exhausted")
		}
	})
}

func TestPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.PerMinute(6)
		a := netip.MustParseAddr("192.0.2.1")
		for range 6 {
			if l.Exhausted(a) || !l.Allow(a) {
				t.Fatal("beyond the limit within the first six")
			}
		}
		if !l.Exhausted(a) || l.Allow(a) {
			t.Error("want it exhausted after six")
		}
		time.Sleep(10 * time.Second)
		if l.Exhausted(a) || !l.Allow(a) || l.Allow(a) {
			t.Error("want one more after ten seconds")
		}
	})
}

func TestAddressesThatCountAsOne(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"the same", "192.0.2.1", "192.0.2.1", true},
		{"neighbours", "192.0.2.1", "192.0.2.2", false},
		{"IPv4 in IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
		{"a /64", "2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true},
		{"two /64s", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"two zones", "fe80::1%eth0", "fe80::1%eth1", true},
		{"loopbacks", "127.0.0.1", "::1", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := limit.New(1, 1)
			l.Allow(netip.MustParseAddr(tt.a))
			if got := l.Exhausted(netip.MustParseAddr(tt.b)); got != tt.want {
				t.Errorf("%s: %s and %s count as one: %t; want %t", tt.name, tt.a, tt.b, got, tt.want)
			}
		})
	}
}

func TestUnknownAddressesAreOne(t *testing.T) {
	l := limit.New(0, 1)
	if !l.Allow(netip.Addr{}) || l.Allow(netip.Addr{}) {
		t.Error("want one event of unknown addresses allowed")
	}
	if l.Exhausted(netip.MustParseAddr("192.0.2.1")) {
		t.Error("a known address is exhausted by unknown ones")
	}
}

func TestManyAddressesAreForgotten(t *testing.T) {
	l := limit.New(0, 1)
	addr := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
	for n := range 50_001 {
		l.Allow(addr(n))
	}
	if l.Exhausted(addr(0)) {
		t.Error("the address seen longest ago is remembered; want it forgotten")
	}
	if !l.Exhausted(addr(1)) || !l.Exhausted(addr(50_000)) {
		t.Error("a later address is forgotten")
	}
}

func TestManyAtOnce(t *testing.T) {
	l := limit.New(0, 10)
	var allowed atomic.Int32
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			a := netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", n%5))
			l.Exhausted(a)
			if l.Allow(a) {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if n := allowed.Load(); n != 50 {
		t.Errorf("%d events allowed; want 10 of each of 5 addresses", n)
	}
}

func TestAddress(t *testing.T) {
	for hostport, want := range map[string]string{
		"192.0.2.1:1234":       "192.0.2.1",
		"[2001:db8::1]:80":     "2001:db8::1",
		"[fe80::1%eth0]:80":    "fe80::1%eth0",
		"pipe":                 "invalid IP",
		"":                     "invalid IP",
		"files.example.com:80": "invalid IP",
		"192.0.2.1":            "invalid IP",
	} {
		if got := limit.Address(hostport).String(); got != want {
			t.Errorf("Address(%q) = %s; want %s", hostport, got, want)
		}
	}
}
