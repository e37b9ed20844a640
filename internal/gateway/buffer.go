package gateway

import "sync"

// outBuffer is room for what most packets are answered with, and for a push
// message.
const outBuffer = 1 << 10

// outBuffers are shared, as sessions need theirs for a moment only.
var outBuffers = sync.Pool{New: func() any { return new([outBuffer]byte) }}

// borrow gives the session room for what it is going to say.
func (s *session) borrow() {
	if s.out == nil {
		s.out = outBuffers.Get().(*[outBuffer]byte)[:0]
	}
}

// giveBack takes the room away again if it has not been used.
func (s *session) giveBack() {
	if len(s.out) == 0 {
		giveBack(s.out)
		s.out = nil
	}
}

// giveBack lets others use b, unless it has grown.
func giveBack(b []byte) {
	if cap(b) == outBuffer {
		outBuffers.Put((*[outBuffer]byte)(b[:outBuffer]))
	}
}
