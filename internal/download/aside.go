package download

import "sync"

// workers is how many tasks that may wait for the database are under way at a
// time. After a push the first look finds what all others came for.
const workers = 8

// maxAside bounds the tasks that wait for a worker. It is beyond the
// connections that a process can have, and a connection waits for one task.
const maxAside = 1 << 20

// aside does what a loop must not wait for.
type aside struct {
	done sync.WaitGroup // workers

	mu     sync.Mutex
	more   sync.Cond // with mu
	tasks  []func()  // guarded by mu
	closed bool      // guarded by mu
}

func newAside() *aside {
	a := new(aside)
	a.more.L = &a.mu
	for range workers {
		a.done.Go(a.work)
	}
	return a
}

// do has a worker do the task, unless too many wait.
func (a *aside) do(task func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tasks) == maxAside {
		return false
	}
	a.tasks = append(a.tasks, task)
	a.more.Signal()
	return true
}

func (a *aside) work() {
	for task := a.next(); task != nil; task = a.next() {
		task()
	}
}

// next is the next task; nil when there will be no more.
func (a *aside) next() func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.tasks) == 0 && !a.closed {
		a.more.Wait()
	}
	if len(a.tasks) == 0 {
		return nil
	}
	task := a.tasks[0]
	a.tasks[0] = nil
	a.tasks = a.tasks[1:]
	return task
}

// close returns when every task is done.
func (a *aside) close() {
	a.mu.Lock()
	a.closed = true
	a.more.Broadcast()
	a.mu.Unlock()
	a.done.Wait()
}
