// Package limit bounds how often something may happen per network address and
// per name.
package limit

import (
	"hash/maphash"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// remembered bounds how many keys one limit remembers. The one that was seen
// longest ago is forgotten first.
const remembered = 50_000

// buckets allow each key a burst of events, and so many a second once the
// burst is used up. They are safe for use by many goroutines.
type buckets[K comparable] struct {
	perSecond rate.Limit
	burst     int
	seen      *lru.Cache[K, *rate.Limiter]
}

func newBuckets[K comparable](perSecond float64, burst int) *buckets[K] {
	return &buckets[K]{rate.Limit(perSecond), burst, newMemory[K, *rate.Limiter]()}
}

func newMemory[K comparable, V any]() *lru.Cache[K, V] {
	m, err := lru.New[K, V](remembered)
	if err != nil {
		panic(err) // the size is ours
	}
	return m
}

func (b *buckets[K]) allow(key K) bool { return b.of(key).Allow() }

func (b *buckets[K]) exhausted(key K) bool {
	r, ok := b.seen.Get(key)
	return ok && r.TokensAt(time.Now()) < 1
}

func (b *buckets[K]) of(key K) *rate.Limiter {
	if r, ok := b.seen.Get(key); ok {
		return r
	}
	r := rate.NewLimiter(b.perSecond, b.burst)
	if before, ok, _ := b.seen.PeekOrAdd(key, r); ok {
		return before // another goroutine was faster
	}
	return r
}

// Limiter allows each address a burst of events, and so many a second once
// the burst is used up. IPv6 addresses count by their /64, which one customer
// holds. It is safe for use by many goroutines.
type Limiter struct{ buckets *buckets[netip.Prefix] } // nil: no bound

// New makes a Limiter.
func New(perSecond float64, burst int) *Limiter {
	return &Limiter{newBuckets[netip.Prefix](perSecond, burst)}
}

// PerMinute makes a Limiter that allows each address a number of events at
// once, and as many a minute from then on; 0 is no bound.
func PerMinute(n int) *Limiter {
	if n == 0 {
		return &Limiter{}
	}
	return New(float64(n)/60, n)
}

// Allow counts an event of this address now and reports whether it is within
// the limit.
func (l *Limiter) Allow(a netip.Addr) bool {
	return l.buckets == nil || l.buckets.allow(Network(a))
}

// Exhausted reports whether the next event of this address would be beyond
// the limit. It counts nothing.
func (l *Limiter) Exhausted(a netip.Addr) bool {
	return l.buckets != nil && l.buckets.exhausted(Network(a))
}

// Names allow each name a number of events at once, and as many a minute from
// then on. They are safe for use by many goroutines.
type Names struct {
	seed    maphash.Seed
	buckets *buckets[uint64] // by hash: a name may be long; nil: no bound
}

// NewNames makes Names; 0 is no bound.
func NewNames(perMinute int) *Names {
	n := &Names{seed: maphash.MakeSeed()}
	if perMinute > 0 {
		n.buckets = newBuckets[uint64](float64(perMinute)/60, perMinute)
	}
	return n
}

// Allow counts an event of this name now and reports whether it is within the
// limit.
func (n *Names) Allow(name string) bool {
	return n.buckets == nil || n.buckets.allow(maphash.String(n.seed, name))
}

// Exhausted reports whether the next event of this name would be beyond the
// limit. It counts nothing.
func (n *Names) Exhausted(name string) bool {
	return n.buckets != nil && n.buckets.exhausted(maphash.String(n.seed, name))
}

// Network is what counts as one place: an IPv4 address, or the /64 of an IPv6
// address. It is the zero Prefix for the zero Addr: all unknown addresses are one.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
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
