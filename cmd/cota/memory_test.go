package main

import "testing"

func TestGCPercent(t *testing.T) {
	const mb = 1 << 20
	for live, want := range map[uint64]int{
		0: 400, 1: 400, 10 * mb: 400, 16 * mb: 400, 32 * mb: 200, 64 * mb: 100, 1000 * mb: 100,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("gcPercent(%d) = %d; want %d", live, got, want)
		}
	}
}
