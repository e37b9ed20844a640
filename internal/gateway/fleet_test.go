package gateway

import (
	"testing"
	"testing/synctest"
	"time"
)

// The end of a connection may come to the record after the next but one has
// begun, and must not be taken for that one's.
func TestConnectionsOfAMomentBeginInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(&Gateway{}, "a1Product01")
		join := func(id int64) member {
			c := &conn{known: true, ended: errByDevice}
			c.session.device.id = id
			f.join(c.member())
			return c.member()
		}
		first := join(1)
		second := join(1)
		f.leave(second)
		third := join(1)
		if a, b, c := first.device.since, second.device.since, third.device.since; b <= a || c <= b {
			t.Errorf("one began at %d, its successor at %d, the next at %d; want each later", a, b, c)
		}

		f.taken = time.Now().Add(24 * time.Hour).UnixMilli() // as if the clock had been set back since
		if since, now := join(3).device.since, time.Now().UnixMilli(); since != now {
			t.Errorf("after the clock was set back one began %d ms ahead", since-now)
		}
	})
}
