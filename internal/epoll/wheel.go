//go:build linux

package epoll

import (
	"sync"
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
type wheel struct {
	mu   sync.Mutex
	slot [slots]*Conn // the first of each, guarded by mu
	at   int32        // ticks up to this one are done; guarded by mu
}

// set has c looked at when tick at is over; 0: never.
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
	c.wheelSlot, c.wheelPrev, c.wheelNext = at%slots+1, nil, *first
	if *first != nil {
		(*first).wheelPrev = c
	}
	*first = c
}

func (w *wheel) unlink(c *Conn) {
	if c.wheelSlot == 0 {
		return
	}
	if c.wheelPrev == nil {
		w.slot[c.wheelSlot-1] = c.wheelNext
	} else {
		c.wheelPrev.wheelNext = c.wheelNext
	}
	if c.wheelNext != nil {
		c.wheelNext.wheelPrev = c.wheelPrev
	}
	c.wheelSlot, c.wheelPrev, c.wheelNext = 0, nil, nil
}

// expired takes the connections out of the wheel whose deadline is before now.
func (w *wheel) expired(now int32) (over []*Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; w.at < now-1; w.at++ {
		for c := w.slot[(w.at+1)%slots]; c != nil; {
			next := c.wheelNext
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
