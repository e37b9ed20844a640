package gateway

import (
	"math/rand/v2"
	"testing"
)

func TestMembers(t *testing.T) {
	var m members
	in := make(map[int64]member)
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		c := &conn{known: true}
		one := c.member()
		if random.IntN(3) == 0 {
			one.device = new(device) // behind a gateway
		}
		id := random.Int64N(20)
		one.device.id = id
		switch was, here := in[id]; random.IntN(3) {
		case 0:
			if older, again := m.put(one); older != was || again != here {
				t.Fatalf("put(%d) = %v, %t; want %v, %t", id, older, again, was, here)
			}
			in[id] = one
		case 1:
			m.remove(one) // another has its id, if any
		case 2:
			if here {
				m.remove(was)
				delete(in, id)
			}
		}
		if got, here := m.get(id); got != in[id] || here != (in[id] != member{}) {
			t.Fatalf("get(%d) = %v, %t; want %v", id, got, here, in[id])
		}
		found := make(map[int64]bool)
		for one := range m.all() {
			found[one.device.id] = true
			if in[one.device.id] != one {
				t.Fatalf("%v is a member, and should not be", one)
			}
		}
		if len(found) != len(in) || m.count() != len(in) || len(m.own) != len(m.at) {
			t.Fatalf("%d members, counted as %d; want %d", len(found), m.count(), len(in))
		}
	}
}
