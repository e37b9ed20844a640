package gateway

import (
	"slices"
	"testing"
)

func TestTrail(t *testing.T) {
	var got trail
	var want []int64 // the newest at the end
	for _, push := range []int64{0, 3, 3, 4, 3, 7, 0, 8, 9, 12, 13, 14, 7, 20, 3, 21, 22} {
		got.add(push)
		if push != 0 && !slices.Contains(want, push) {
			want = append(want, push)
			want = want[max(0, len(want)-remembered):]
		}
		for p := range int64(30) {
			if has := got.has(p); has != slices.Contains(want, p) {
				t.Errorf("after %d: has(%d) = %t; want %v to be remembered", push, p, has, want)
			}
		}
		if n := len(want); n > 0 && got.last != want[n-1] {
			t.Errorf("after %d the last is %d; want %d", push, got.last, want[n-1])
		}
	}
}
