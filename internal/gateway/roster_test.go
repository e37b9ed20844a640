package gateway

import (
	"math/rand/v2"
	"testing"
)

func TestRoster(t *testing.T) {
	var r roster
	in, conns := map[*conn]bool{}, make([]conn, 20)
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		c := &conns[random.IntN(len(conns))]
		if in[c] || random.IntN(2) == 0 {
			if was := r.remove(c); was != in[c] {
				t.Fatalf("remove = %t; want %t", was, in[c])
			}
			delete(in, c)
		} else {
			r.add(c)
			in[c] = true
		}
		for _, c := range r {
			if !in[c] {
				t.Fatal("the roster has one that was removed")
			}
		}
		if len(r) != len(in) {
			t.Fatalf("the roster has %d; want %d", len(r), len(in))
		}
	}
}
