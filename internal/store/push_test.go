package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestAddPush(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		addDevices(t, s, pk, 3)
		add := func(product string, version int64) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				return tx.AddPush(ctx, &cota.Push{Product: product, Version: version})
			}
		}
		want := cota.Push{Product: pk, ProductName: "product " + pk, Version: 1, StartedBy: "管理/tok", StartedAt: t0}
		update(t, s, func(tx *store.Tx) error { return tx.AddPush(ctx, &want) })
		if want.No == 0 || want.State != cota.Running || want.Total != 3 || want.Pending != 3 {
			t.Errorf("AddPush made %+v; want a number, running, all of 3 pending", want)
		}
		got, err := s.Push(ctx, want.No)
		must(t, err)
		equal(t, "Push", got, want)

		taken(t, s, "AddPush beside one that runs", add(pk, 2))
		must(t, s.Update(ctx, add(pk2, 1))) // another product's
		refused(t, "AddPush of no product", s.Update(ctx, add("none", 1)), cota.NotFound)

		ended := t0.Add(time.Hour)
		end := func() (was bool) {
			update(t, s, func(tx *store.Tx) (err error) {
				was, err = tx.EndPush(ctx, pk, cota.Stopped, "grund 原因", ended)
				return err
			})
			return was
		}
		if !end() {
			t.Error("EndPush of a running push = false; want true")
		}
		if end() {
			t.Error("EndPush without a running push = true; want false")
		}
		want.State, want.Reason, want.EndedAt = cota.Stopped, "grund 原因", &ended
		got, err = s.Push(ctx, want.No)
		must(t, err)
		equal(t, "Push after EndPush", got, want)

		taken(t, s, "AddPush of a version that was pushed", add(pk, 1))
		must(t, s.Update(ctx, add(pk, 2)))
		_, err = s.Push(ctx, 99)
		refused(t, "Push(99)", err, cota.NotFound)
	})
}

func TestPushes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		id := addDevices(t, s, pk, 1)[0]
		if p, err := s.LastPush(ctx, pk); p != nil || err != nil {
			t.Errorf("LastPush before any = %v, %v; want nil, nil", p, err)
		}
		if p, err := s.LastTold(ctx, pk); p != nil || err != nil {
			t.Errorf("LastTold before any = %v, %v; want nil, nil", p, err)
		}
		first := addPush(t, s, pk, 1)
		record(t, s, store.Report{Device: id, At: t0, Push: first.No, Version: 1, Rung: cota.Sent})
		addPush(t, s, pk2, 1)
		addPush(t, s, pk, 2)
		last := addPush(t, s, pk, 3) // told nobody

		if p, err := s.LastPush(ctx, pk); err != nil || p == nil || p.No != last.No {
			t.Errorf("LastPush = %v, %v; want %d", p, err, last.No)
		}
		if p, err := s.LastTold(ctx, pk); err != nil || p == nil || p.No != first.No {
			t.Errorf("LastTold = %v, %v; want %d", p, err, first.No)
		}

		all, err := s.Pushes(ctx, store.PushFilter{}, 0, 10)
		must(t, err)
		var own []cota.Push
		for i, p := range all {
			if i > 0 && p.No >= all[i-1].No {
				t.Errorf("Pushes = %d behind %d; want the newest first", p.No, all[i-1].No)
			}
			if p.Product == pk {
				own = append(own, p)
			}
		}
		if len(all) != 4 || len(own) != 3 {
			t.Fatalf("Pushes: %d, %d of them of %s; want 4, 3", len(all), len(own), pk)
		}
		for product, want := range map[string][]cota.Push{"": all, pk: own, "none": nil} {
			checkPages(t, "Pushes of "+product, want, func(after *cota.Push, limit int) ([]cota.Push, error) {
				if after == nil {
					return s.Pushes(ctx, store.PushFilter{Product: product}, 0, limit)
				}
				return s.Pushes(ctx, store.PushFilter{Product: product}, after.No, limit)
			})
		}
	})
}

func TestFilterPushes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, key := range []string{pk, pk2, "a1Productzz"} {
			addProduct(t, s, key)
		}
		addPush(t, s, pk, 1)
		addPush(t, s, pk2, 1)
		addPush(t, s, pk, 2)
		addPush(t, s, "a1Productzz", 1)
		for want, f := range map[string]store.PushFilter{
			"4 3 2 1": {},
			"3 1":     {Product: pk},
			"4 3 2":   {State: cota.Running},
			"1":       {Product: pk, State: cota.Superseded},
			"":        {Product: pk2, State: cota.Stopped},
		} {
			all, err := s.Pushes(ctx, f, 0, 10)
			must(t, err)
			var nos []string
			for _, p := range all {
				nos = append(nos, fmt.Sprint(p.No))
			}
			equal(t, fmt.Sprintf("Pushes of %+v", f), strings.Join(nos, " "), want)
		}
		last, err := s.LastPushes(ctx, pk, pk2)
		must(t, err)
		if len(last) != 2 || last[pk].No != 3 || last[pk2].No != 2 {
			t.Errorf("LastPushes = %v; want push 3 of %s and 2 of %s", last, pk, pk2)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 200)
		push := addPush(t, s, pk, 1)
		applied := func(ids ...int64) {
			var all []store.Report
			for _, id := range ids {
				all = append(all, store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Applied})
			}
			batch(t, s, all...)
		}
		applied(ids[0])                                                                                            // half a percent
		applied(ids[0], ids[1])                                                                                    // 1
		applied(ids[2:100]...)                                                                                     // 50, at once
		record(t, s, store.Report{Device: ids[0], At: t0, Push: push.No, Rung: cota.Failed, Reverted: true})       // 49
		record(t, s, store.Report{Device: ids[0], At: t0, Push: push.No, Version: 1, Rung: cota.Applied, Code: 0}) // 50 again
		applied(ids[100:]...)                                                                                      // 100
		got, err := s.Progress(ctx, push.No)
		must(t, err)
		var percents []int
		for i, m := range got {
			percents = append(percents, m.Percent)
			if i > 0 && m.At.Before(got[i-1].At) {
				t.Errorf("%d percent at %v, before %d at %v", m.Percent, m.At, got[i-1].Percent, got[i-1].At)
			}
		}
		equal(t, "percents", percents, []int{1, 50, 100})

		record(t, s, store.Report{Device: ids[0], At: t0, Push: 99, Version: 1, Rung: cota.Applied}) // of no push
		none, err := s.Progress(ctx, 99)
		must(t, err)
		equal(t, "Progress of no push", none, nil)
	})
}

func TestCountsFollowDevices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 6)
		old := addPush(t, s, pk, 1)
		for _, id := range ids {
			record(t, s, store.Report{Device: id, At: t0, Push: old.No, Version: 1, Rung: cota.Sent})
		}
		push := addPush(t, s, pk, 2)
		rungs := []cota.Rung{cota.Pending, cota.Sent, cota.Received, cota.Fetched, cota.Failed, cota.Applied}
		for i, id := range ids {
			record(t, s, store.Report{Device: id, At: t0, Push: push.No, Version: 2, Rung: rungs[i]})
		}
		equal(t, "counts", counts(t, s, push.No),
			cota.Counts{Total: 6, Pending: 1, Sent: 1, Received: 1, Fetched: 1, Failed: 1, Applied: 1})

		// In any order, the counts follow; those of the push before are history.
		for i, n := range []int{2, 5, 0, 4, 3} {
			at := t0.Add(time.Duration(i) * time.Second)
			update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[n], at) })
			if got := counts(t, s, push.No); got.Total != int64(5-i) {
				t.Errorf("total after %d were removed = %d; want %d", i+1, got.Total, 5-i)
			}
			p, err := s.Product(ctx, pk)
			must(t, err)
			if p.Devices != int64(5-i) || !p.UpdatedAt.Equal(at) {
				t.Errorf("product has %d devices at %v; want %d at %v", p.Devices, p.UpdatedAt, 5-i, at)
			}
		}
		equal(t, "counts of the last device", counts(t, s, push.No), cota.Counts{Total: 1, Sent: 1})
		p, err := s.Push(ctx, old.No)
		must(t, err)
		equal(t, "counts of the push before", p.Counts, cota.Counts{Total: 6, Sent: 6})
		refused(t, "RemoveDevice again",
			s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[0], t0) }), cota.NotFound)

		// Those that come later join the push that the product converges to.
		update(t, s, func(tx *store.Tx) error {
			return tx.AddDevices(ctx, pk, []cota.Credentials{{Name: "late-1"}, {Name: "late-2"}}, t0)
		})
		equal(t, "counts with two more", counts(t, s, push.No), cota.Counts{Total: 3, Pending: 2, Sent: 1})
	})
}

func TestRemovingTheLastUndecidedCompletes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 3)
		push := addPush(t, s, pk, 1)
		record(t, s,
			store.Report{Device: ids[0], At: t0, Push: push.No, Version: 1, Rung: cota.Applied},
			store.Report{Device: ids[1], At: t0, Push: push.No, Version: 1, Rung: cota.Sent})
		at := t0.Add(time.Minute)
		remove := func(n int) cota.Push {
			update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[n], at) })
			p, err := s.Push(ctx, push.No)
			must(t, err)
			return p
		}
		if p := remove(1); p.State != cota.Running || p.EndedAt != nil {
			t.Errorf("push with a pending device = %s, ended %v; want running", p.State, p.EndedAt)
		}
		if p := remove(2); p.State != cota.Completed || p.EndedAt == nil || !p.EndedAt.Equal(at) {
			t.Errorf("push without undecided devices = %s, ended %v; want completed at %v", p.State, p.EndedAt, at)
		}
		counts(t, s, push.No)
	})
}

func TestDeviceThatCameAfterThePushWasOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 1)
		push := addPush(t, s, pk, 1)
		applied := func(id int64) {
			record(t, s, store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Applied})
		}
		applied(ids[0])
		update(t, s, func(tx *store.Tx) error {
			if _, err := tx.EndPush(ctx, pk, cota.Stopped, "enough", t0); err != nil {
				return err
			}
			p.Current, p.Push = 1, 0
			return tx.SetProduct(ctx, p)
		})
		update(t, s, func(tx *store.Tx) error {
			return tx.AddDevices(ctx, pk, []cota.Credentials{{Name: "late-1"}}, t0)
		})
		applied(device(t, s, pk, "late-1").ID) // it asked for the configuration
		equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 2, Applied: 2})
	})
}

// TestToldThoughTheDeviceIsGone sees that a push counts for the cool-down when
// the only device that it told is removed.
func TestToldThoughTheDeviceIsGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		id := addDevices(t, s, pk, 1)[0]
		push := addPush(t, s, pk, 1)
		record(t, s, store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: cota.Sent})
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, id, t0) })
		if p, err := s.LastTold(ctx, pk); err != nil || p == nil || p.No != push.No || p.Sent != 0 {
			t.Errorf("LastTold = %v, %v; want %d, that counts no device", p, err, push.No)
		}
	})
}
