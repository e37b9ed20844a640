package store_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestRecordWritesEveryColumn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		push := addPush(t, s, pk, 7)
		at := func(ms int) *time.Time {
			at := t0.Add(time.Duration(ms) * time.Millisecond)
			return &at
		}
		version := someVersion(7)
		record(t, s, store.Report{Device: id, At: *at(1), Connected: true, Since: *at(1), Kind: cota.EventConnected})
		record(t, s, store.Report{Device: id, At: *at(2), Kind: "failed", Push: push.No, Version: 7, Rung: cota.Failed,
			Code: -4, Detail: "磁盘满了 🫙", ConfigID: version.ConfigID})
		want := store.DeviceRow{ID: id, Offered: 7, Node: s.Node(), Device: cota.Device{
			Name: "dev-000001", Product: pk, Online: true, Activated: true, ConnectedAt: at(1), Push: push.No, State: cota.Failed,
			Code: -4, Detail: "磁盘满了 🫙", StateAt: at(2), ConfigID: version.ConfigID, ConfigAt: at(2), ConfigVersion: 7,
			CreatedAt: t0,
		}}
		equal(t, "device", device(t, s, pk, "dev-000001"), want)

		record(t, s, store.Report{Device: id, At: *at(3), Disconnected: true, Since: *at(1)})
		want.Online, want.Node, want.SeenAt = false, 0, at(3)
		record(t, s, store.Report{Device: id, At: *at(4), Offered: 8})
		want.Offered = 8
		record(t, s, store.Report{Device: id, At: *at(5), Offered: 6}) // never back
		record(t, s, store.Report{Device: id, At: *at(6), Kind: "applied", Push: push.No, Version: 7, Rung: cota.Applied, ConfigID: "gone"})
		want.State, want.Code, want.Detail, want.StateAt = cota.Applied, 0, "", at(6)
		want.ConfigID, want.ConfigAt, want.ConfigVersion = "gone", at(6), 0
		equal(t, "device", device(t, s, pk, "dev-000001"), want)

		record(t, s, store.Report{Device: id, At: *at(7), Kind: cota.EventReverted, Push: push.No, Rung: cota.Failed, Reverted: true, Code: 9})
		want.State, want.Code, want.StateAt = cota.Failed, 9, at(7)
		want.ConfigID, want.ConfigAt = "", at(7)
		equal(t, "device after it reverted", device(t, s, pk, "dev-000001"), want)
		equal(t, "timeline", kinds(t, s, id), []cota.EventKind{"connected", "failed", "applied", "reverted"})
	})
}

// ladder is the rule of the ladder for one device, one report after the other:
// what any batching has to come to as well.
type ladder struct {
	push    int64
	rung    cota.Rung
	offered int64
	runs    string
}

func (l *ladder) report(r store.Report) {
	rises := r.Push == l.push && r.Rung > l.rung
	reverts := r.Push == l.push && r.Reverted && l.rung == cota.Applied
	if r.Push > l.push || rises || reverts {
		l.push, l.rung = r.Push, r.Rung
		l.offered = max(l.offered, r.Version)
	}
	l.offered = max(l.offered, r.Offered)
	if r.ConfigID != "" || r.Reverted {
		l.runs = r.ConfigID
	}
}

func TestLadder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			climbLadder(t, rt, s, fmt.Sprintf("a1Run%06d", run))
		})
	})
}

func climbLadder(t *testing.T, rt *rapid.T, s *store.Store, key string) {
	addProduct(t, s, key)
	ids := addDevices(t, s, key, rapid.IntRange(1, 4).Draw(rt, "devices"))
	model := make(map[int64]*ladder)
	for _, id := range ids {
		model[id] = &ladder{}
	}
	said := make(map[string]bool) // details by place
	var pushes []cota.Push
	for range rapid.IntRange(1, 3).Draw(rt, "pushes") {
		pushes = append(pushes, addPush(t, s, key, int64(len(pushes)+1)))
		completed := false
		for range rapid.IntRange(0, 2).Draw(rt, "batches") {
			var reports []store.Report
			for range rapid.IntRange(1, 12).Draw(rt, "reports") {
				r := drawReport(rt, ids, pushes)
				if r.Rung != cota.Pending {
					r.Detail = fmt.Sprint(len(said))
					said[fmt.Sprint(r.Device, r.Push, r.Rung, r.Detail)] = true
				}
				model[r.Device].report(r)
				reports = append(reports, r)
			}
			batch(t, s, reports...)
			completed = completed || checkLadder(t, rt, s, key, pushes[len(pushes)-1].No, model, completed)
		}
	}
	rows, err := s.Devices(t.Context(), key, store.DeviceFilter{}, "", 100)
	must(t, err)
	for _, d := range rows {
		m := model[d.ID]
		if d.ConfigID != m.runs {
			rt.Errorf("device runs %q; want %q", d.ConfigID, m.runs)
		}
		if d.Push != 0 && !said[fmt.Sprint(d.ID, d.Push, d.State, d.Detail)] {
			rt.Errorf("device is %s in push %d with detail %q; no report said so", d.State, d.Push, d.Detail)
		}
	}
	for _, p := range pushes[:len(pushes)-1] {
		got, err := s.Push(t.Context(), p.No)
		must(t, err)
		if got.Pending < 0 || got.Sent < 0 || got.Received < 0 || got.Fetched < 0 || got.Applied < 0 || got.Failed < 0 {
			rt.Errorf("counts of an earlier push = %+v; want none below 0", got.Counts)
		}
		if got.State == cota.Running {
			rt.Errorf("an earlier push is %s", got.State)
		}
	}
}

func drawReport(rt *rapid.T, ids []int64, pushes []cota.Push) store.Report {
	r := store.Report{Device: rapid.SampledFrom(ids).Draw(rt, "device"), At: t0, Kind: cota.EventAsked}
	configID := rapid.SampledFrom([]string{"", "", "A", "B"}).Draw(rt, "config")
	switch rapid.IntRange(0, 9).Draw(rt, "what") {
	case 0:
		r.Offered = rapid.Int64Range(1, 4).Draw(rt, "offered")
		return r
	case 1:
		r.ConfigID = configID
		return r
	}
	p := rapid.SampledFrom(append(slices.Clone(pushes), pushes[len(pushes)-1])).Draw(rt, "push")
	r.Push, r.Version = p.No, p.Version
	r.Rung = rapid.SampledFrom([]cota.Rung{cota.Sent, cota.Received, cota.Fetched, cota.Failed, cota.Applied}).Draw(rt, "rung")
	switch r.Rung {
	case cota.Failed:
		r.Reverted = rapid.Bool().Draw(rt, "reverted")
	case cota.Applied:
		r.ConfigID = configID
	}
	return r
}

// checkLadder compares devices and counts with the model, and says whether
// the push has completed by now.
func checkLadder(t *testing.T, rt *rapid.T, s *store.Store, key string, no int64, model map[int64]*ladder, before bool) bool {
	want := cota.Counts{Total: int64(len(model))}
	var ids []int64
	for id, m := range model {
		ids = append(ids, id)
		rung := m.rung
		if m.push != no {
			rung = cota.Pending
		}
		*map[cota.Rung]*int64{
			cota.Pending: &want.Pending, cota.Sent: &want.Sent, cota.Received: &want.Received,
			cota.Fetched: &want.Fetched, cota.Failed: &want.Failed, cota.Applied: &want.Applied,
		}[rung]++
	}
	standings, err := s.Standings(t.Context(), ids)
	must(t, err)
	for id, m := range model {
		if got := standings[id]; got.Push != m.push || got.Rung != m.rung || got.Offered != m.offered {
			rt.Fatalf("device %d stands at %+v; want %+v", id, got, *m)
		}
	}
	p, err := s.Push(t.Context(), no)
	must(t, err)
	again, err := s.Recount(t.Context(), key, no)
	must(t, err)
	if p.Counts != want || again != want {
		rt.Fatalf("counts = %+v, counted again %+v; want %+v", p.Counts, again, want)
	}
	done := before || want.Done() == want.Total
	if got := p.State == cota.Completed && p.EndedAt != nil; got != done {
		rt.Fatalf("push with %+v is %s, ended %v; want completed: %t", p.Counts, p.State, p.EndedAt, done)
	}
	return done
}

func TestRevertIsNotLostBehindAFailure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		push := addPush(t, s, pk, 1)
		at := func(rung cota.Rung) store.Report {
			return store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: rung}
		}
		reverted := at(cota.Failed)
		reverted.Reverted = true
		record(t, s, at(cota.Applied))
		batch(t, s, at(cota.Failed), at(cota.Sent)) // an echo from before
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 1, Applied: 1})
		batch(t, s, at(cota.Failed), reverted)
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 1, Failed: 1})
		batch(t, s, at(cota.Applied), reverted, at(cota.Applied))
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 1, Applied: 1})
	})
}

func TestLargeBatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const devices = 1 + 10 + 50 + 2*250 // a page of each size
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, devices)
		push := addPush(t, s, pk, 1)
		var all []store.Report
		for _, rung := range []cota.Rung{cota.Sent, cota.Received, cota.Fetched, cota.Applied} {
			for i, id := range slices.Backward(ids) {
				if rung == cota.Applied && i%10 == 0 {
					continue
				}
				all = append(all, store.Report{
					Device: id, At: t0, Kind: cota.EventKind(rung.String()), Push: push.No, Version: 1, Rung: rung,
					Connected: true, Since: t0, Offered: 2, ConfigID: someVersion(1).ConfigID,
				})
			}
		}
		batch(t, s, all...)
		still := int64((devices + 9) / 10)
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: devices, Fetched: still, Applied: devices - still})
		rows, err := s.Devices(t.Context(), pk, store.DeviceFilter{}, "", devices+1)
		must(t, err)
		for i, d := range rows {
			if !d.Online || d.Offered != 2 || d.ConfigVersion != 1 || d.State < cota.Fetched {
				t.Fatalf("device %s after the batch = %+v", d.Name, d)
			}
			if want := 4 - i%10/9; i%10 == 0 && len(kinds(t, s, d.ID)) != want-1 {
				t.Errorf("timeline of %s = %v; want %d lines", d.Name, kinds(t, s, d.ID), want-1)
			}
		}
	})
}

func TestReportsThatCannotBeStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		push := addPush(t, s, pk, 1)
		for i, c := range []struct{ said, want string }{
			{"zero \x00 byte", "zero \uFFFD byte"},
			{"not UTF-8 \xff\xfe\xc3", "not UTF-8 \uFFFD"},
			{"\xed\xa0\x80 surrogate", "\uFFFD surrogate"},
			{"fine \uFFFD 😀 \x01\x7f", "fine \uFFFD 😀 \x01\x7f"},
		} {
			record(t, s, store.Report{Device: id, At: t0, Kind: "failed", Detail: c.said, ConfigID: c.said,
				Properties: []cota.Property{{Name: c.said, Value: c.said}}, Push: push.No + int64(i), Rung: cota.Failed})
			d := device(t, s, pk, "dev-000001")
			equal(t, "detail", d.Detail, c.want)
			equal(t, "config", d.ConfigID, c.want)
			events, err := s.Events(t.Context(), id, store.EventKey{}, 1)
			must(t, err)
			if p := events[0].Properties; len(p) != 1 || !utf8.ValidString(p[0].Name+p[0].Value) {
				t.Errorf("properties %q; want one that is UTF-8", p)
			}
		}
	})
}

func TestReportsAboutNoDevice(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2)
		push := addPush(t, s, pk, 1)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(t.Context(), pk, ids[0], t0) })
		var all []store.Report
		for _, id := range []int64{ids[0], 99, -1, 1 << 33, 1<<48 - 1, ids[1]} {
			all = append(all,
				store.Report{Device: id, At: t0, Kind: cota.EventConnected, Connected: true, Since: t0},
				store.Report{Device: id, At: t0, Kind: "sent", Push: push.No, Version: 1, Rung: cota.Sent},
				store.Report{Device: id, At: t0, Kind: cota.EventAsked, Offered: 1, ConfigID: "x"},
				store.Report{Device: id, At: t0, Kind: "sent", Push: 1 << 40, Rung: cota.Pending})
		}
		all = append(all, store.Report{Device: ids[1], At: t0, Push: push.No - 1, Rung: cota.Applied}) // no such push
		batch(t, s, all...)
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 1, Sent: 1})
		var n int
		must(t, raw(t, dsn).QueryRowContext(t.Context(), `SELECT count(*) FROM event WHERE device <> $1`, ids[1]).Scan(&n))
		if n != 0 {
			t.Errorf("%d events of devices that are not there; want 0", n)
		}
		equal(t, "timeline", kinds(t, s, ids[1]), []cota.EventKind{"connected", "sent", "asked", "sent"})
	})
}

func TestConnections(t *testing.T) {
	t.Parallel()
	const elsewhere = 1_000_000
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	begin := func(since int) store.Report { return store.Report{Connected: true, Since: at(since), At: at(since)} }
	end := func(since, now int) store.Report {
		return store.Report{Disconnected: true, Since: at(since), At: at(now)}
	}
	cases := []struct {
		name      string
		elsewhere int // since when it is connected to another node; 0: it is not
		reports   []store.Report
		online    bool
		connected int // ms; 0: never
		seen      int // ms; 0: nil
	}{
		{"begin", 0, []store.Report{begin(1)}, true, 1, 0},
		{"begin and end", 0, []store.Report{begin(1), end(1, 5)}, false, 1, 5},
		{"the end alone", 0, []store.Report{end(1, 5)}, false, 1, 5},
		{"taken over, the old one ends later", 0, []store.Report{begin(1), begin(3), end(1, 4)}, true, 3, 0},
		{"taken over, the old one ends first", 0, []store.Report{begin(1), end(1, 3), begin(3)}, true, 3, 0},
		{"taken over, both end", 0, []store.Report{begin(1), begin(3), end(3, 4), end(1, 5)}, false, 3, 4},
		{"taken over, the old one's beginning comes late", 0, []store.Report{begin(3), begin(1), end(1, 4)}, true, 3, 0},
		{"the clock was set back", 0, []store.Report{begin(5), end(5, 6), begin(2)}, true, 2, 0},
		{"comes from another node", 1, []store.Report{begin(2)}, true, 2, 0},
		{"has gone to another node", 3, []store.Report{end(1, 4)}, true, 3, 0},
		{"came from another node and went", 1, []store.Report{begin(2), end(2, 3)}, false, 2, 3},
		{"came, went to another node, ends here", 3, []store.Report{begin(1), end(1, 4)}, true, 3, 0},
	}
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		s := storetest.OpenDSN(t, dsn)
		db := raw(t, dsn)
		exec(t, db, `INSERT INTO node (id, host, started_at, seen_at) VALUES ($1, '', 0, $2)`,
			elsewhere, int64(math.MaxInt64)) // it needs no heartbeat
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2*len(cases))
		for n, c := range cases {
			for way, name := range []string{"in one commit", "one by one"} {
				if way == 1 && c.name == "came, went to another node, ends here" {
					continue // then it begins here after it began elsewhere
				}
				index := 2*n + way
				if c.elsewhere != 0 {
					exec(t, db, `INSERT INTO presence (node, connected_at, device, through, seen_at) VALUES ($1, $2, $3, 0, 0)`,
						elsewhere, at(c.elsewhere).UnixMilli(), ids[index])
				}
				for i := range c.reports {
					c.reports[i].Device = ids[index]
					if way == 1 {
						record(t, s, c.reports[i])
					}
				}
				if way == 0 {
					batch(t, s, c.reports...)
				}
				d := device(t, s, pk, fmt.Sprintf("dev-%06d", index+1))
				ms := func(at *time.Time) int {
					if at == nil {
						return 0
					}
					return int(at.Sub(t0).Milliseconds())
				}
				if d.Online != c.online || ms(d.ConnectedAt) != c.connected || ms(d.SeenAt) != c.seen {
					t.Errorf("%s, %s: online %t, connected %d, seen %d; want %t, %d, %d",
						c.name, name, d.Online, ms(d.ConnectedAt), ms(d.SeenAt), c.online, c.connected, c.seen)
				}
			}
		}
	})
}

func TestTimelineHoldsOnlyWhatMoved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 1)
		id := ids[0]
		old := addPush(t, s, pk, 1)
		push := addPush(t, s, pk, 2)
		at := func(p cota.Push, rung cota.Rung) store.Report {
			return store.Report{Device: id, At: t0, Kind: cota.EventKind(rung.String()), Push: p.No, Version: p.Version, Rung: rung}
		}
		applied := at(push, cota.Applied)
		applied.ConfigID = "two"
		reverted := at(push, cota.Failed)
		reverted.Reverted, reverted.Kind = true, cota.EventReverted
		unpushed := store.Report{Device: id, At: t0, Kind: "applied", Rung: cota.Applied, ConfigID: "one"}
		said := 0
		for _, step := range []struct {
			name    string
			reports []store.Report
			want    []cota.EventKind
		}{
			{"what the server did, each time", []store.Report{at(push, cota.Sent), at(push, cota.Sent)}, []cota.EventKind{"sent", "sent"}},
			{"and again", []store.Report{at(push, cota.Sent)}, []cota.EventKind{"sent"}},
			{"a push that is over", []store.Report{at(old, cota.Received), at(old, cota.Applied)}, nil},
			{"a repetition", []store.Report{at(push, cota.Received), at(push, cota.Received)}, []cota.EventKind{"received"}},
			{"and again", []store.Report{at(push, cota.Received)}, nil},
			{"old and new", []store.Report{at(push, cota.Received), at(push, cota.Failed), at(old, cota.Applied)}, []cota.EventKind{"failed"}},
			{"it tries again", []store.Report{at(push, cota.Failed), applied, applied}, []cota.EventKind{"applied"}},
			{"and again", []store.Report{applied}, nil},
			{"it takes it back", []store.Report{reverted, at(push, cota.Received)}, []cota.EventKind{"reverted"}},
			{"and again", []store.Report{reverted}, nil},
			{"a version that was never pushed", []store.Report{unpushed, unpushed}, []cota.EventKind{"applied"}},
			{"and again", []store.Report{unpushed}, nil},
			{"no kind", []store.Report{{Device: id, At: t0, Connected: true, Since: t0}}, nil},
		} {
			batch(t, s, step.reports...)
			all := kinds(t, s, id)
			equal(t, step.name, all[said:], step.want)
			said = len(all)
		}
		counts(t, s, push.No)
	})
}

// What happened in the same millisecond is told in the order in which it did,
// though lines that are alike are written together.
func TestTimelineKeepsTheOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2)
		told := func(device int64, kind cota.EventKind) store.Report {
			return store.Report{Device: device, At: t0, Kind: kind}
		}
		batch(t, s, told(ids[0], "disconnected"), told(ids[1], "connected"), told(ids[0], "connected"), told(ids[1], "disconnected"))
		equal(t, "the first", kinds(t, s, ids[0]), []cota.EventKind{"disconnected", "connected"})
		equal(t, "the second", kinds(t, s, ids[1]), []cota.EventKind{"connected", "disconnected"})
	})
}

// What a device says last about its failure decides whether it is offered the
// version again.
func TestLastFailureCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		push := addPush(t, s, pk, 1)
		failed := func(code int) store.Report {
			return store.Report{Device: id, At: t0, Kind: "failed", Push: push.No, Version: 1, Rung: cota.Failed, Code: code}
		}
		batch(t, s, failed(-2))
		batch(t, s, failed(-2), failed(-2))
		batch(t, s, failed(-1))
		if d := device(t, s, pk, "dev-000001"); d.Code != -1 || d.Standing().Due(push.No, 1) {
			t.Errorf("code %d, due %t; want -1 and not due", d.Code, d.Standing().Due(push.No, 1))
		}
		batch(t, s, failed(-2), failed(-3))
		equal(t, "timeline", kinds(t, s, id), []cota.EventKind{"failed", "failed", "failed", "failed"})
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 1, Failed: 1})
	})
}
