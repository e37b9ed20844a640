package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestTimelinesOfCrowds records what a hundred neighbours and some others say,
// together and alone, at times that overlap from commit to commit.
func TestTimelinesOfCrowds(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 150)
		random := rand.New(rand.NewPCG(7, 11))
		want := make(map[int64][]store.EventRow) // oldest first
		details := []string{"", "a\tb\nc", `\t\n\\`, "因", "\\"}
		for commit := range 12 {
			var all []store.Report
			for i := range []int{3, 40, 700}[commit%3] {
				r := store.Report{
					Device: ids[random.IntN(len(ids))], Kind: cota.EventAsked, Push: int64(i), Code: -i, Detail: details[i%len(details)],
					At: t0.Add(time.Duration(commit)*time.Second + time.Duration(random.IntN(61_000))*time.Millisecond),
				}
				if random.IntN(10) == 0 {
					r.Properties = []cota.Property{{Name: "site", Value: "\t"}}
				}
				all = append(all, r)
				e := cota.Event{At: r.At, Kind: r.Kind, Push: r.Push, Code: r.Code, Detail: r.Detail, Properties: r.Properties}
				want[r.Device] = append(want[r.Device], store.EventRow{Event: e})
			}
			batch(t, s, all...)
			must(t, s.Flush(ctx))
		}
		var blocks, lone, lines int
		must(t, raw(t, dsn).QueryRowContext(ctx, `SELECT (SELECT count(*) FROM event_block), (SELECT count(*) FROM event)`).Scan(&blocks, &lone))
		for i, id := range ids {
			all := want[id]
			lines += len(all)
			if i%10 != 0 {
				continue
			}
			slices.SortStableFunc(all, func(a, b store.EventRow) int { return a.At.Compare(b.At) })
			slices.Reverse(all)
			checkPages(t, fmt.Sprint("Events of ", id), all, func(before *store.EventRow, limit int) ([]store.EventRow, error) {
				var key store.EventKey
				if before != nil {
					key = before.Key
				}
				return s.Events(ctx, id, key, limit)
			}, cmpopts.IgnoreFields(store.EventRow{}, "Key"))
		}
		if blocks == 0 || lone == 0 || blocks+lone > lines/2 {
			t.Errorf("%d lines are in %d blocks and %d rows of their own; want most in blocks", lines, blocks, lone)
		}

		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[0], t0) })
		for _, id := range ids[:3] {
			if all, err := s.Events(ctx, id, store.EventKey{}, 1000); err != nil || len(all) != len(want[id]) != (id == ids[0]) {
				t.Errorf("after one was removed device %d has %d lines, %v; had %d", id, len(all), err, len(want[id]))
			}
		}
		update(t, s, func(tx *store.Tx) error { _, err := tx.PruneEvents(ctx, 1, 1000, t0.Add(time.Hour)); return err })
		must(t, raw(t, dsn).QueryRowContext(ctx, `SELECT (SELECT count(*) FROM event_block), (SELECT count(*) FROM event)`).Scan(&blocks, &lone))
		equal(t, "what is left when all was pruned", blocks+lone, 0)
	})
}

// TestReportsGather sees who waits for whom.
func TestReportsGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.OpenDSN(t, storetest.Database(t, storetest.SQLiteEngine))
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 3)
		push := addPush(t, s, pk, 1)
		told := func() int64 {
			synctest.Wait()
			return counts(t, s, push.No).Sent
		}
		report := func(id int64, done func(error)) {
			must(t, s.Record(t.Context(), store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Sent, Done: done}))
		}
		report(ids[0], nil)
		time.Sleep(199 * time.Millisecond)
		equal(t, "on record of what nobody waits for, after 199 ms", told(), int64(0))
		time.Sleep(time.Millisecond)
		equal(t, "the same after 200 ms", told(), int64(1))
		report(ids[1], nil)
		report(ids[2], func(error) {})
		equal(t, "on record at once when somebody waits for the last", told(), int64(3))
	})
}
