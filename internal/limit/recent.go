package limit

import "sync"

// recent remembers numbers that were added lately: the last so many for certain
// (remembered), and of those before them as many again at most. Nearly every
// device that signs in is one, so it takes some twenty bytes for each where an
// LRU takes two hundred. The zero recent is empty. It is safe for use by many
// goroutines.
type recent struct {
	mu    sync.Mutex
	young map[uint64]struct{} // guarded by mu
	old   map[uint64]struct{} // those that were young before; guarded by mu
}

func (r *recent) add(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) == remembered {
		r.young, r.old = nil, r.young
	}
	if r.young == nil {
		r.young = make(map[uint64]struct{})
	}
	r.young[n] = struct{}{}
}

func (r *recent) contains(n uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, young := r.young[n]
	_, old := r.old[n]
	return young || old
}
