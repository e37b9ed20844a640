package download

import "sync"

// workers is how many tasks that may wait for the database are under way at a
// time. After a push the first look finds what all others came for.
const workers = 8

// maxRecords bounds the tasks that wait for a worker when one comes that no
// connection waits for.
const maxRecords = 10_000

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

// do has a worker do a task that a connection waits for, which bounds them.
func (a *aside) do(task func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(task)
}

// offer has a worker do a task that nobody waits for, unless too many wait.
func (a *aside) offer(task func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tasks) >= maxRecords {
		return false
	}
	a.add(task)
	return true
}

// add adds a task. a.mu is held.
func (a *aside) add(task func()) {
	a.tasks = append(a.tasks, task)
	a.more.Signal()
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
