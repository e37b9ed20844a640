package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestDoneComesAfterTheCommit(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		other := raw(t, dsn)
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 300)
		push := addPush(t, s, pk, 1)
		seen := make(chan string, len(ids))
		var all []store.Report
		for _, id := range ids {
			all = append(all, store.Report{
				Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Sent,
				Done: func(err error) {
					var sent, rows int
					if err == nil {
						err = errors.Join(
							other.QueryRow(`SELECT sent FROM push WHERE no = $1`, push.No).Scan(&sent),
							other.QueryRow(`SELECT count(*) FROM device WHERE push = $1`, push.No).Scan(&rows))
					}
					// The first of a group finds the last of it, too: one commit.
					seen <- fmt.Sprint(sent, rows, err)
				},
			})
		}
		batch(t, s, all...)
		for range ids {
			equal(t, "what Done sees from outside", wait(t, "Done", seen), "300 300 <nil>")
		}
	})
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2000)
		push := addPush(t, s, pk, 1)
		var done atomic.Int64
		for _, id := range ids {
			must(t, s.Record(t.Context(), store.Report{
				Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Applied,
				Done: func(err error) {
					if err == nil {
						done.Add(1)
					}
				},
			}))
		}
		closeStore(t, s)
		if done.Load() != int64(len(ids)) {
			t.Errorf("%d reports were done when Close returned; want %d", done.Load(), len(ids))
		}
		for range 100 { // the queue has room, but nobody reads it
			err := s.Record(t.Context(), store.Report{Device: ids[0], Done: func(error) { t.Error("Done after Close") }})
			if !errors.Is(err, store.ErrClosed) {
				t.Fatalf("Record after Close: %v; want ErrClosed", err)
			}
		}
		if err := s.Flush(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Flush after Close: %v; want ErrClosed", err)
		}

		again := storetest.OpenDSN(t, dsn)
		equal(t, "counts after a restart", counts(t, again, push.No), cota.Counts{Total: 2000, Applied: 2000})
	})
}

func TestEveryReportIsDoneOrRefused(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		var taken, done atomic.Int64
		var writers sync.WaitGroup
		started := make(chan struct{}, 8)
		for range cap(started) {
			writers.Go(func() {
				for i := 0; ; i++ {
					err := s.Record(context.Background(), store.Report{Device: id, At: t0, Offered: 1, Done: func(error) { done.Add(1) }})
					if err != nil {
						if !errors.Is(err, store.ErrClosed) {
							t.Errorf("Record: %v; want ErrClosed", err)
						}
						return
					}
					taken.Add(1)
					if i == 10 {
						started <- struct{}{}
					}
				}
			})
		}
		for range cap(started) {
			wait(t, "a writer", started)
		}
		closeStore(t, s)
		writers.Wait()
		if taken.Load() != done.Load() {
			t.Errorf("%d reports were taken and %d done; want the same", taken.Load(), done.Load())
		}
	})
}

func TestRecordsWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 64)
		push := addPush(t, s, pk, 1)
		ended, end := context.WithCancel(t.Context())
		end()
		for _, id := range ids {
			must(t, s.Record(ended, store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Sent}))
		}
		must(t, s.Flush(t.Context()))
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 64, Sent: 64})
	})
}

func TestRecordWaitsForRoom(t *testing.T) {
	t.Parallel()
	s := storetest.SQLite(t)
	busy, release := make(chan struct{}), make(chan struct{})
	must(t, s.Record(t.Context(), store.Report{Done: func(error) { close(busy); <-release }}))
	wait(t, "a busy recorder", busy)
	for range store.RecordQueue {
		must(t, s.Record(t.Context(), store.Report{}))
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Record(canceled, store.Report{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Record on a full queue: %v; want it to wait until it is canceled", err)
	}
	close(release)
	must(t, s.Flush(t.Context()))
}

// lines is a log that hands on its lines.
func lines(t testing.TB, dsn string) (store.Options, <-chan string) {
	ch := make(chan string, 100)
	o := storetest.Options(t, dsn)
	o.Log = slog.New(slog.NewTextHandler(writer(func(b []byte) { ch <- string(b) }), nil))
	return o, ch
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestRecorderTriesAgain(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		o, log := lines(t, dsn)
		s, err := store.Open(t.Context(), o)
		must(t, err)
		defer closeStore(t, s)
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 3)
		push := addPush(t, s, pk, 1)
		db := raw(t, dsn)
		exec(t, db, `ALTER TABLE event RENAME TO elsewhere`)
		done := make(chan error, len(ids))
		for _, id := range ids {
			must(t, s.Record(t.Context(), store.Report{
				Device: id, At: t0, Kind: "sent", Push: push.No, Version: 1, Rung: cota.Sent, Done: func(err error) { done <- err },
			}))
		}
		logged := func(want string) {
			t.Helper()
			for line := range log {
				if strings.Contains(line, want) {
					return
				}
			}
		}
		logged("device reports wait for the database")
		equal(t, "counts while the database refuses", counts(t, s, push.No), cota.Counts{Total: 3, Pending: 3})
		if len(done) != 0 {
			t.Error("reports were done while the database refused them")
		}
		exec(t, db, `ALTER TABLE elsewhere RENAME TO event`)
		for range ids {
			must(t, wait(t, "Done", done))
		}
		logged("device reports are recorded again")
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 3, Sent: 3})
		equal(t, "timeline", kinds(t, s, ids[0]), []cota.EventKind{"sent"})
	})
}

func TestRecorderWaitsForALock(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.SQLiteEngine)
	s := storetest.OpenDSN(t, dsn)
	addProduct(t, s, pk)
	id := addDevices(t, s, pk, 1)[0]
	conn, err := raw(t, dsn).Conn(t.Context())
	must(t, err)
	_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	must(t, err)
	done := make(chan error, 1)
	must(t, s.Record(t.Context(), store.Report{Device: id, At: t0, Offered: 5, Done: func(err error) { done <- err }}))
	if d := device(t, s, pk, "dev-000001"); d.Offered != 0 { // reads go on
		t.Errorf("offered while another process writes = %d; want 0", d.Offered)
	}
	_, err = conn.ExecContext(t.Context(), `ROLLBACK`)
	must(t, err)
	must(t, wait(t, "Done", done))
	if d := device(t, s, pk, "dev-000001"); d.Offered != 5 {
		t.Errorf("offered = %d; want 5", d.Offered)
	}
}

func TestCloseGivesUpInTime(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		o, log := lines(t, dsn)
		s, err := store.Open(t.Context(), o)
		must(t, err)
		exec(t, raw(t, dsn), `ALTER TABLE event RENAME TO elsewhere`)
		done := make(chan error, 1)
		must(t, s.Record(t.Context(), store.Report{Device: 1, At: t0, Kind: "sent", Done: func(err error) { done <- err }}))
		for line := range log {
			if strings.Contains(line, "device reports wait") {
				break
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v; want that time is over", err)
		}
		if err := wait(t, "Done", done); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Done(%v); want ErrClosed", err)
		}
	})
}
