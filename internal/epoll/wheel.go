//go:build linux

package epoll

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tick is how exact deadlines are: they are met up to that much late.
	tick = time.Second
	// slots is the length of the wheel. Deadlines further away come by once a
	// round.
	slots = 2048
)

// wheel finds the connections whose time is over. A connection stands in the
// slot of the tick at which it has to be looked at. A deadline that moves away,
// as it does with every packet, is a store of one number: the connection is put
// where it belongs when its slot comes. One that moves closer moves it at once.
//
// Those of a slot name each other by their files, which the collector need not
// follow. So a connection has to leave the wheel before the table.
type wheel struct {
	conns []atomic.Pointer[Conn] // of the group, by file

	mu   sync.Mutex
	slot [slots]ref // the first of each; guarded by mu
	at   int32      // ticks up to this one are done; guarded by mu
}

// ref is one more than the file of a connection; 0: none.
type ref int32

// conn is the connection that r stands for. mu is held.
func (w *wheel) conn(r ref) *Conn {
	if r == 0 {
		return nil
	}
	return w.conns[r-1].Load()
}

// set has c, which is in the table, looked at when tick at is over; 0: never.
// c.mu is held.
func (w *wheel) set(c *Conn, at int32) {
	was := c.deadline.Swap(at)
	if was != 0 && was <= at {
		return // it is found there, and put where it belongs
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(c)
	if at := c.deadline.Load(); at != 0 {
		w.link(c, max(at, w.at+1))
	}
}

func (w *wheel) link(c *Conn, at int32) {
	first := &w.slot[at%slots]
	c.wheelSlot, c.wheelPrev, c.wheelNext = int16(at%slots+1), 0, *first
	if next := w.conn(*first); next != nil {
		next.wheelPrev = ref(c.fd + 1)
	}
	*first = ref(c.fd + 1)
}

func (w *wheel) unlink(c *Conn) {
	if c.wheelSlot == 0 {
		return
	}
	if prev := w.conn(c.wheelPrev); prev != nil {
		prev.wheelNext = c.wheelNext
	} else {
		w.slot[c.wheelSlot-1] = c.wheelNext
	}
	if next := w.conn(c.wheelNext); next != nil {
		next.wheelPrev = c.wheelPrev
	}
	c.wheelSlot, c.wheelPrev, c.wheelNext = 0, 0, 0
}

// expired takes the connections out of the wheel whose deadline is before now.
func (w *wheel) expired(now int32) (over []*Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; w.at < now-1; w.at++ {
		for c := w.conn(w.slot[(w.at+1)%slots]); c != nil; {
			next := w.conn(c.wheelNext)
			w.unlink(c)
			if at := c.deadline.Load(); at > w.at+1 || !c.deadline.CompareAndSwap(at, 0) {
				w.link(c, max(c.deadline.Load(), w.at+2))
			} else {
				over = append(over, c)
			}
			c = next
		}
	}
	return over
}
