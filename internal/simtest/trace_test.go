package simtest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// trace is what happened in a run, in the order of the virtual clock.
type trace struct {
	begun time.Time

	mu    sync.Mutex
	lines []line // guarded by mu
}

type line struct {
	at   time.Time
	who  string
	what string
	args []any
}

func (t *trace) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lines)
}

// add notes something. args must not change afterwards.
func (t *trace) add(who, what string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line{time.Now(), who, what, args})
}

// write writes the last n lines, all for 0. Lines of one instant come in an
// order that does not depend on who was faster.
func (t *trace) write(w io.Writer, n int) {
	for _, text := range t.texts(n) {
		fmt.Fprintln(w, text)
	}
}

func (t *trace) texts(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	type rendered struct {
		at   time.Duration
		text string
	}
	lines := t.lines
	if n > 0 && len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	all := make([]rendered, len(lines))
	for i, l := range lines {
		at := l.at.Sub(t.begun)
		all[i] = rendered{at, fmt.Sprintf("%s  %-14s %s", clock(at), l.who, fmt.Sprintf(l.what, l.args...))}
	}
	slices.SortStableFunc(all, func(a, b rendered) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
	})
	texts := make([]string, len(all))
	for i, r := range all {
		texts[i] = r.text
	}
	return texts
}

// clock writes virtual time as days and the time of day.
func clock(d time.Duration) string {
	return fmt.Sprintf("%dd %02d:%02d:%012.9f", d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, (d % time.Minute).Seconds())
}
