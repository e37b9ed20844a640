package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
)

// TestLadderOfNoTerminal shows a push that moves twice at once and then no
// more, and ends a moment after it moved again.
func TestLadderOfNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := newLadder(&out)
		applied := func(n int64) {
			l.show(cota.Push{No: 1, Counts: cota.Counts{Total: 9, Pending: 9 - n, Applied: n}})
		}
		check := func(when string, want ...int64) {
			t.Helper()
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			var lines strings.Builder
			for _, n := range want {
				lines.WriteString(rungs(cota.Push{No: 1, Counts: cota.Counts{Pending: 9 - n, Applied: n}}) + "\n")
			}
			if out.String() != lines.String() {
				t.Errorf("%s:\n%s\nwant\n%s", when, out.String(), lines.String())
			}
		}
		applied(0)
		applied(3)
		applied(5)
		check("at once", 0)
		time.Sleep(quietEvery)
		check("in a while", 0, 5)
		time.Sleep(time.Minute)
		applied(5)
		check("without news", 0, 5)
		applied(7)
		applied(8)
		l.end()
		check("at the end", 0, 5, 7, 8)
		time.Sleep(time.Minute)
		check("after it", 0, 5, 7, 8)
	})
}
