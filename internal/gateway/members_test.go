package gateway

import (
	"math/rand/v2"
	"testing"
)

func TestMembers(t *testing.T) {
	var m members
	in := make(map[int64]*device)
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		d := new(device)
		d.ID = random.Int64N(20)
		switch was := in[d.ID]; random.IntN(3) {
		case 0:
			older, again := m.put(member{device: d})
			if older.device != was || again != (was != nil) {
				t.Fatalf("put(%d) = %p, %t; want %p", d.ID, older.device, again, was)
			}
			in[d.ID] = d
		case 1:
			m.remove(member{device: d}) // another has its id, if any
		case 2:
			if was != nil {
				m.remove(member{device: was})
				delete(in, d.ID)
			}
		}
		if got, here := m.get(d.ID); got.device != in[d.ID] || here != (in[d.ID] != nil) {
			t.Fatalf("get(%d) = %p, %t; want %p", d.ID, got.device, here, in[d.ID])
		}
		if len(m.all) != len(in) || len(m.at) != len(in) {
			t.Fatalf("%d in the table and %d ids; want %d", len(m.all), len(m.at), len(in))
		}
		for _, one := range m.all {
			if in[one.device.ID] != one.device {
				t.Fatalf("device %d is in the table, and should not be", one.device.ID)
			}
		}
	}
}
