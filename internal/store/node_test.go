package store_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// listen hears a store's notes.
func listen(s *store.Store) <-chan store.Note {
	ch := make(chan store.Note, 1000)
	s.Listen(func(n store.Note) { ch <- n })
	return ch
}

func note(t testing.TB, s *store.Store, product string) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { tx.Note(store.Note{Product: product}); return nil })
}

// hears lets from speak until to hears it: it takes a moment to begin.
func hears(t testing.TB, to <-chan store.Note, from *store.Store) {
	t.Helper()
	for {
		note(t, from, "hello")
		select {
		case n := <-to:
			if n.Node == from.Node() {
				return
			}
		default:
		}
	}
}

// until collects notes up to the first about product.
func until(t testing.TB, ch <-chan store.Note, product string) (all []store.Note) {
	t.Helper()
	for {
		n := wait(t, "note about "+product, ch)
		if n.Product == product {
			return all
		}
		if n.Product != "hello" && n != (store.Note{}) {
			all = append(all, n)
		}
	}
}

func TestNotesBetweenNodes(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.PostgresEngine)
	a, b := storetest.OpenDSN(t, dsn), storetest.OpenDSN(t, dsn)
	fromA, fromB := listen(a), listen(b)
	hears(t, fromB, a)
	hears(t, fromA, b)
	note(t, a, "one")
	note(t, a, "two")
	note(t, b, "three")
	note(t, a, "end of a")
	note(t, b, "end of b")
	own := []store.Note{{Product: "one", Node: a.Node()}, {Product: "two", Node: a.Node()}}
	equal(t, "what b hears of a", except(until(t, fromB, "end of a"), b.Node()), own)
	equal(t, "what a hears of itself", except(until(t, fromA, "end of a"), b.Node()), own)
}

// except leaves out a node's notes: the nodes' are in no common order.
func except(all []store.Note, node int64) (rest []store.Note) {
	for _, n := range all {
		if n.Node != node {
			rest = append(rest, n)
		}
	}
	return rest
}

func TestMissedNotesLeaveDoubt(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.PostgresEngine)
	a, b := storetest.OpenDSN(t, dsn), storetest.OpenDSN(t, dsn)
	fromB := listen(b)
	hears(t, fromB, a)
	note(t, a, "mark")
	until(t, fromB, "mark")
	exec(t, raw(t, dsn), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
	for wait(t, "doubt", fromB) != (store.Note{}) {
	}
	hears(t, fromB, a)
}

func TestADeadNodesDevicesAreOffline(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.PostgresEngine)
	a, b := storetest.OpenDSN(t, dsn), storetest.OpenDSN(t, dsn)
	if a.Node() <= 0 || b.Node() <= 0 || a.Node() == b.Node() {
		t.Fatalf("nodes %d and %d; want two, above 0", a.Node(), b.Node())
	}
	addProduct(t, a, pk)
	id := addDevices(t, a, pk, 1)[0]
	record(t, a, store.Report{Device: id, At: t0, Connected: true, Since: t0})
	online := func(s *store.Store, what string, want bool) {
		t.Helper()
		d := device(t, s, pk, "dev-000001")
		rows, err := s.Devices(t.Context(), pk, store.DeviceFilter{Online: &want}, "", 10)
		must(t, err)
		if d.Online != want || len(rows) != 1 || (d.SeenAt == nil) != want {
			t.Errorf("%s: online %t, seen %v, listed %d; want %t", what, d.Online, d.SeenAt, len(rows), want)
		}
	}
	online(a, "on this node", true)
	online(b, "on another node", true)

	db := raw(t, dsn)
	silent := func(d time.Duration) {
		exec(t, db, `INSERT INTO node (id, host, started_at, seen_at) VALUES (99, '', 0, $1)
			ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, time.Now().Add(-d).UnixMilli())
	}
	exec(t, db, `UPDATE presence SET node = 99`)
	online(b, "on a node that never was", false)
	silent(10 * time.Second)
	online(b, "on a node that is silent for a moment", true)
	silent(21 * time.Second)
	online(b, "on a node that died", false)
	silent(-10 * time.Second)
	online(b, "on a node whose clock is ahead", true)
	silent(-time.Hour)
	online(b, "on a node that died before the clock was set back", false)
	c := storetest.OpenDSN(t, dsn)
	var left int
	must(t, db.QueryRow(`SELECT count(*) FROM node WHERE id = 99`).Scan(&left))
	if left != 0 {
		t.Error("the dead node is still there after another joined")
	}

	record(t, c, store.Report{Device: id, At: t0, Connected: true, Since: t0})
	online(b, "on a third node", true)
	closeStore(t, c)
	online(b, "on a node that left", false)

	// A node that others took for dead comes back with its next heartbeat.
	record(t, a, store.Report{Device: id, At: t0, Connected: true, Since: t0})
	exec(t, db, `DELETE FROM node WHERE id = $1`, a.Node())
	online(b, "on a node that was taken for dead", false)
	must(t, a.Beat(t.Context()))
	online(b, "on a node that came back", true)
}

func TestACrashTakesDevicesOffline(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.SQLiteEngine)
	crashed := storetest.OpenDSN(t, dsn)
	addProduct(t, crashed, pk)
	ids := addDevices(t, crashed, pk, 1)
	record(t, crashed, store.Report{Device: ids[0], At: t0, Connected: true, Since: t0})
	again := storetest.OpenDSN(t, dsn) // without a Close before
	if d := device(t, again, pk, "dev-000001"); d.Online || d.ConnectedAt == nil {
		t.Errorf("device after a crash: online %t, connected %v; want offline, since %v", d.Online, d.ConnectedAt, t0)
	}
	record(t, again, store.Report{Device: ids[0], At: t0, Connected: true, Since: t0.Add(1)})
	if d := device(t, again, pk, "dev-000001"); !d.Online {
		t.Error("device that came back is offline")
	}
}
