package gateway

import "slices"

// remembered bounds how many pushes are remembered for late answers.
const remembered = 8

// trail is the pushes that a device was offered last. The zero value is none.
// Most devices are offered one at most while they are connected.
type trail struct {
	earlier *[remembered - 1]int64 // the newest first, then zeros; nil: none
	last    int64
}

// add notes a push, unless it is 0.
func (t *trail) add(push int64) {
	if push == 0 || t.has(push) {
		return
	}
	if t.last != 0 {
		if t.earlier == nil {
			t.earlier = new([remembered - 1]int64)
		}
		copy(t.earlier[1:], t.earlier[:])
		t.earlier[0] = t.last
	}
	t.last = push
}

func (t *trail) has(push int64) bool {
	switch {
	case push == 0:
		return false
	case push == t.last:
		return true
	}
	return t.earlier != nil && slices.Contains(t.earlier[:], push)
}
