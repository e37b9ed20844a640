// Package limit bounds how often something may happen per network address.
package limit

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// addresses bounds how many addresses one Limiter remembers. The one that was
// seen longest ago is forgotten first.
const addresses = 50_000

// Limiter allows each address a burst of events, and so many a second once
// the burst is used up. IPv6 addresses count by their /64, which one customer
// holds. It is safe for use by many goroutines.
type Limiter struct {
	perSecond rate.Limit
	burst     int
	seen      *lru.Cache[netip.Prefix, *rate.Limiter]
}

// New makes a Limiter.
func New(perSecond float64, burst int) *Limiter {
	seen, err := lru.New[netip.Prefix, *rate.Limiter](addresses)
	if err != nil {
		panic(err) // the size is ours
	}
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, seen: seen}
}

// Allow counts an event of this address now and reports whether it is within
// the limit.
func (l *Limiter) Allow(a netip.Addr) bool { return l.of(a).Allow() }

// Exhausted reports whether the next event of this address would be beyond
// the limit. It counts nothing.
func (l *Limiter) Exhausted(a netip.Addr) bool {
	r, ok := l.seen.Get(network(a))
	return ok && r.TokensAt(time.Now()) < 1
}

func (l *Limiter) of(a netip.Addr) *rate.Limiter {
	key := network(a)
	if r, ok := l.seen.Get(key); ok {
		return r
	}
	r := rate.NewLimiter(l.perSecond, l.burst)
	if before, ok, _ := l.seen.PeekOrAdd(key, r); ok {
		return before // another goroutine was faster
	}
	return r
}

func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Addr gives the zero Prefix: all unknown addresses are one
	return p
}

// Address is the address part of a host:port pair, such as that of an HTTP
// request or a connection; the zero Addr if there is none.
func Address(hostport string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
