package gateway

import (
	"runtime"
	"sync"
)

// maxWorkers bounds the goroutines that wait for the database, and so what they
// ask of it at once. What waits for a commit waits together, so there are many.
const maxWorkers = 512

// workers do what may wait, so that the loops do not have to. What comes when
// all are busy waits its turn. That is bounded by whoever has it done: a
// connection that waits is paused.
type workers struct {
	mu      sync.Mutex
	work    sync.Cond // there is something to do, or no more
	queue   []func()  // guarded by mu, as what follows
	all     int
	idle    int
	stopped bool
	done    sync.WaitGroup
}

func newWorkers() *workers {
	w := new(workers)
	w.work.L = &w.mu
	return w
}

// do has fn done soon.
func (w *workers) do(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, fn)
	switch {
	case w.idle > 0:
		w.work.Signal()
	case w.all < maxWorkers:
		w.all++
		w.done.Go(w.run)
	}
}

// run is the life of a worker. A few stay when there is nothing to do.
func (w *workers) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queue) > 0 {
			fn := w.queue[0]
			w.queue[0], w.queue = nil, w.queue[1:]
			w.mu.Unlock()
			fn()
			w.mu.Lock()
		}
		if w.stopped || w.idle >= 2*runtime.GOMAXPROCS(0) {
			w.all--
			return
		}
		w.idle++
		w.work.Wait()
		w.idle--
	}
}

// stop waits until all is done.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped = true
	w.work.Broadcast()
	w.mu.Unlock()
	w.done.Wait()
}
