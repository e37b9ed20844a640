package control_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// idle is a control plane whose sessions end when they are not used for d.
func (r *rig) idle(d time.Duration) *control.Control {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.log, nil))
	c, err := control.New(r.ctx, control.Options{Store: r.store, FilesURL: "http://files.example.com/", Log: log, SessionIdle: d})
	r.must(err)
	return c
}

func TestIdleSessionsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		c := r.idle(time.Hour)
		secret := r.session("ann", password)
		lives := func(what string, want bool) {
			t.Helper()
			_, err := c.Session(r.ctx, secret, "")
			if got := err == nil; got != want {
				t.Errorf("%s the session lives: %t, %v; want %t", what, got, err, want)
			}
		}
		time.Sleep(time.Hour - time.Second)
		lives("a second before an hour without use", true)
		time.Sleep(time.Hour - time.Second)
		lives("a second before another", true)
		time.Sleep(30 * time.Second)
		lives("half a minute later, which is not worth a line on record,", true)
		time.Sleep(time.Hour - 30*time.Second)
		lives("an hour after the last use on record", false)
		if _, err := r.Session(r.ctx, secret, ""); err != nil {
			t.Errorf("where sessions may be idle: %v; want that it lives", err)
		}

		secret = r.session("ann", password)
		for range 23 {
			time.Sleep(30 * time.Minute)
			lives("while it is used", true)
		}
		time.Sleep(30 * time.Minute)
		lives("after twelve hours, however much it was used,", false)
	})
}

// TestSessionsOutliveTheirRecord uses a session while nothing can be written.
func TestSessionsOutliveTheirRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		c := r.idle(time.Hour)
		secret := r.session("ann", password)
		time.Sleep(10 * time.Minute)
		release, held := make(chan struct{}), make(chan error)
		go func() {
			held <- r.store.Update(r.ctx, func(*store.Tx) error { <-release; return nil })
		}()
		synctest.Wait()
		begun := time.Now()
		_, err := c.Session(r.ctx, secret, "")
		r.must(err)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("to find out who acts took %v; want a second", took)
		}
		if !strings.Contains(r.log.String(), "the use of a session is not on record") {
			t.Errorf("the log says %q; want that the use of a session is not on record", r.log)
		}
		close(release)
		r.must(<-held)
	})
}
