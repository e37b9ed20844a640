package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to move the times in a database

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// TestClock has the clock of a server's machine go back or forward by a day
// while the server is down. The clock of the test's machine is not to be
// touched, so the times on record move instead, which is the same to the
// server. Devices sign in and converge as ever. After a step back the last push
// lies in the future, and the next may begin when its cool-down is over,
// unless an operator ends that.
func TestClock(t *testing.T) {
	for _, step := range []struct {
		name    string
		by      time.Duration
		refused cota.Code // of a push right after
	}{
		{"forward by a day", 24 * time.Hour, ""},
		{"back by a day", -24 * time.Hour, cota.Cooldown},
	} {
		t.Run(step.name, func(t *testing.T) {
			s := start(t)
			product, id := s.productWithDevice("clock")
			o := &outage{server: s, book: newLedger(t), product: product}
			w := &witness{s: s, product: product, id: id, book: o.book, saved: o.version}
			o.witnesses = append(o.witnesses, w)
			o.saveText(`{"before": true}`)
			if _, err := s.StartPush(t.Context(), product, 0); err != nil {
				t.Fatal(err)
			}
			o.workUntilTold()

			s.stop()
			moveTimes(t, filepath.Join(s.dir, "cota.db"), -step.by)
			s.run()

			o.saveText(`{"after": true}`)
			push, err := s.StartPush(t.Context(), product, 0)
			if cota.CodeOf(err) != step.refused {
				t.Fatalf("a push after the clock went %s: %v; want code %q", step.name, err, step.refused)
			}
			if err != nil {
				t.Logf("after the clock went %s: %v", step.name, err)
				never := int64(0)
				if _, err := s.SetConfig(t.Context(), product, client.ConfigPatch{Policy: &cota.PolicyPatch{CooldownSeconds: &never}}); err != nil {
					t.Fatal(err)
				}
				if push, err = s.StartPush(t.Context(), product, 0); err != nil {
					t.Fatal(err)
				}
			}
			o.workUntilTold()
			if err := w.check(t.Context()); err != nil {
				t.Error(err)
			}
			s.recount(product, push.No)
		})
	}
}

// saveText saves a version that is the next to be pushed.
func (o *outage) saveText(text string) {
	o.t.Helper()
	v, err := o.SaveVersion(o.t.Context(), o.product, client.Draft{Content: text})
	if err != nil {
		o.t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.saved, o.latest = append(o.saved, v), v.ConfigID
}

// workUntilTold has the devices connected until they were acknowledged what
// they said of the latest version.
func (o *outage) workUntilTold() {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, w := range o.witnesses {
		all.Go(func() { w.work(ctx) })
	}
	eventually(o.t, func(context.Context) error {
		for _, w := range o.witnesses {
			if !w.has(o.latest) {
				return errors.New(w.id.Name + " has not applied the latest version")
			}
		}
		return nil
	})
}

// moveTimes adds to every time in a SQLite file. Times are milliseconds, which
// no other number in it comes near.
func moveTimes(t *testing.T, path string, by time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`
		SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND c.type = 'BIGINT'`)
	if err != nil {
		t.Fatal(err)
	}
	var moves []string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		moves = append(moves, fmt.Sprintf(`UPDATE OR IGNORE %q SET %[2]q = %[2]q + $1 WHERE %[2]q BETWEEN $2 AND $3`, table, column))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	moved := int64(0)
	const near = 90 * 24 * time.Hour
	for _, move := range moves {
		res, err := db.Exec(move, by.Milliseconds(), time.Now().Add(-near).UnixMilli(), time.Now().Add(near).UnixMilli())
		if err != nil {
			t.Fatalf("%s: %v", move, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			t.Fatal(err)
		}
		moved += n
	}
	if moved < 10 {
		t.Fatalf("%d times were moved; want at least those of a product, a device, its events and the audit log", moved)
	}
}
