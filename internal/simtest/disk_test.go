package simtest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// disk is what one life of the server has under it: the data directory, and
// how long commits take there. It sees every commit before SQLite writes the
// first byte of it, which is where it takes the copy that the next life, after
// a crash, begins with.
type disk struct {
	dir  string
	slow func(time.Time) time.Duration // how long a commit takes that begins now; nil: no time
	calm func(time.Time) bool          // whether no more than one connection was written to just now

	mu      sync.Mutex
	rush    chan struct{}            // closed while somebody waits who must not; guarded by mu
	rushing int                      // how many; guarded by mu
	took    time.Time                // the end of the last commit that took time; guarded by mu
	crash   func(operator bool) bool // asked before every commit, that may be an operator's; nil: no; guarded by mu
	after   bool                     // the copy is to hold the commit that crashes; guarded by mu
	copyTo  string                   // guarded by mu
	dying   func()                   // ends the process, as the world sees it; guarded by mu
	dead    bool                     // guarded by mu
	copied  chan struct{}            // closed when the copy is complete
	fault   error                    // of the copy; guarded by mu
}

func newDisk(dir string) *disk {
	d := &disk{dir: dir, rush: make(chan struct{}), copied: make(chan struct{})}
	disks.Store(dir, d)
	return d
}

// disks are those in use, by directory.
var disks sync.Map

// hookDisks sees to it that the driver tells the disks what it does. It is
// called once, before there is any connection.
var hookDisks = sync.OnceFunc(func() {
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, dsn string) error {
		d := diskOf(dsn)
		if d == nil {
			return nil
		}
		// A crash of the process loses nothing that was written. That of the
		// machine is not simulated, so nothing has to be flushed.
		if _, err := c.ExecContext(context.Background(), "PRAGMA synchronous=OFF", []driver.NamedValue{}); err != nil {
			return err
		}
		if !strings.Contains(dsn, "_txlock=immediate") {
			return nil // it only reads
		}
		h, ok := c.(sqlite.HookRegisterer)
		if !ok {
			return errors.New("the driver has no commit hook")
		}
		h.RegisterCommitHook(d.commit)
		return nil
	})
})

// diskOf finds the disk of a database by the name that the store opens it by.
func diskOf(dsn string) *disk {
	name, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	path, err := url.PathUnescape(name)
	if err != nil {
		return nil
	}
	d, ok := disks.Load(filepath.Dir(path))
	if !ok {
		return nil
	}
	return d.(*disk)
}

// commit is called by SQLite when a transaction is about to be committed.
func (d *disk) commit() int32 {
	d.mu.Lock()
	if d.dead {
		d.copyLocked() // of what was committed before this
		d.mu.Unlock()
		return 0
	}
	dies := d.crash != nil && d.crash(d.rushing > 0)
	d.mu.Unlock()
	if !dies && d.slow == nil {
		return 0
	}
	// Let everything be done that does not wait for this commit. Nobody may
	// then be waiting for a mutex whose holder waits for it: synctest takes
	// that for work. An instant of its own for everything that comes in is what
	// makes that so.
	time.Sleep(time.Nanosecond)
	if dies {
		d.die()
		return 0
	}
	d.take()
	return 0
}

// take lets a commit take its time, so that other things happen meanwhile. A
// commit that waited for another takes no time of its own: chance decides
// what goes into the first and what into the second. Neither does one of a
// fan-out, nor any as long as an operator waits, who holds a mutex.
func (d *disk) take() {
	now := time.Now()
	d.mu.Lock()
	rush, waited := d.rush, now.Sub(d.took) < instant
	d.mu.Unlock()
	if waited || !d.calm(now) {
		return
	}
	t := time.NewTimer(time.Until(instantOf(now.Add(d.slow(now)))))
	defer t.Stop()
	select {
	case <-rush:
	case <-t.C:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took = time.Now()
}

// hurry keeps commits from taking time until done is called.
func (d *disk) hurry() (done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rushing++; d.rushing == 1 {
		close(d.rush)
	}
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.rushing--; d.rushing == 0 {
			d.rush = make(chan struct{})
		}
	})
}

// die is the crash: before the commit that is under way, or right after it.
func (d *disk) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dieLocked()
}

// stop is a crash at a moment when nothing is committed.
func (d *disk) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return
	}
	d.after = false
	d.dieLocked()
}

// disarm calls off a crash that has not come.
func (d *disk) disarm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crash = nil
}

func (d *disk) dieLocked() {
	d.dead = true
	d.dying()
	if !d.after {
		d.copyLocked()
	}
}

// survive completes the copy, if no commit has done so since the crash.
func (d *disk) survive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copyLocked()
	return d.fault
}

// copyLocked copies the database as it is, once. The index beside the log is
// left out: it is memory. d.mu is held.
func (d *disk) copyLocked() {
	select {
	case <-d.copied:
		return
	default:
	}
	defer close(d.copied)
	for _, name := range []string{"cota.db", "cota.db-wal", "master.key"} {
		if err := copyFile(filepath.Join(d.copyTo, name), filepath.Join(d.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			d.fault = errors.Join(d.fault, fmt.Errorf("copy the database: %w", err))
		}
	}
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// close forgets the disk and what is on it.
func (d *disk) close() {
	disks.Delete(d.dir)
	os.RemoveAll(d.dir)
}
