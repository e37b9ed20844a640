package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// ledger is what clients asked of a server and what they were told, in the
// order in which it happened. A line is in the file before the request is sent,
// and another one before anything is done with the answer.
type ledger struct {
	t    *testing.T
	file *os.File

	mu    sync.Mutex
	lines int
	told  int           // answers; guarded by mu
	grown chan struct{} // closed when told grows; guarded by mu
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			text, err := os.ReadFile(file.Name())
			t.Logf("ledger (%v):\n%s", err, text)
		}
	})
	return &ledger{t: t, file: file, grown: make(chan struct{})}
}

// asks writes that who is about to ask for something.
func (l *ledger) asks(who, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(who, "asks", what)
}

// isTold writes what who was answered.
func (l *ledger) isTold(who, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(who, "told", what)
	l.told++
	close(l.grown)
	l.grown = make(chan struct{})
}

// write writes a line. l.mu is held.
func (l *ledger) write(who, verb, what string) {
	l.lines++
	if _, err := fmt.Fprintf(l.file, "%06d %s %s %s %s\n", l.lines, time.Now().Format("15:04:05.000"), who, verb, what); err != nil {
		l.t.Error(err)
	}
}

// answers is how many answers there were.
func (l *ledger) answers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// await waits until there have been n answers, or ctx ends.
func (l *ledger) await(ctx context.Context, n int) {
	for {
		l.mu.Lock()
		told, grown := l.told, l.grown
		l.mu.Unlock()
		if told >= n {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return
		}
	}
}

// pause is a while in which a client has nothing to do.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
