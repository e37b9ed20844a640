//go:build linux

package epoll

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// The wheel finds every connection whose time is over when it is, and no other,
// however often their deadlines move, and whoever leaves meanwhile.
func TestWheel(t *testing.T) {
	const files, ticks = 300, 3 * slots
	rnd := rand.New(rand.NewPCG(8, 8))
	w := wheel{conns: make([]atomic.Pointer[Conn], files)}
	due := make(map[*Conn]int32) // when each is to be found; 0: never
	for now := int32(1); now <= ticks; now++ {
		for range 20 {
			fd := rnd.Int32N(files)
			c := w.conns[fd].Load()
			switch {
			case c == nil:
				c = &Conn{fd: fd}
				w.conns[fd].Store(c)
			case rnd.IntN(4) == 0:
				w.set(c, 0)
				w.conns[fd].Store(nil)
				delete(due, c)
				continue
			}
			due[c] = []int32{0, now + rnd.Int32N(10), now + rnd.Int32N(slots/2), now + rnd.Int32N(2*slots)}[rnd.IntN(4)]
			w.set(c, due[c])
		}
		found := w.expired(now)
		for c, at := range due {
			if over := at != 0 && at < now; over != slices.Contains(found, c) {
				t.Fatalf("tick %d: connection %d is due after %d; found is %t", now, c.fd, at, !over)
			}
		}
		for _, c := range found {
			due[c] = 0
		}
	}
}
