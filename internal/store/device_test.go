package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestAddDevices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		total := 0
		for _, n := range []int{0, 1, 99, 100, 101, 1000} { // pages are of 100
			all := make([]cota.Credentials, n)
			for i := range all {
				all[i] = cota.Credentials{Name: fmt.Sprintf("n%d-%04d", n, i), Secret: fmt.Sprintf("s%d-%04d", n, i)}
			}
			update(t, s, func(tx *store.Tx) error { return tx.AddDevices(ctx, pk, all, t0) })
			total += n
			p, err := s.Product(ctx, pk)
			must(t, err)
			if p.Devices != int64(total) {
				t.Errorf("devices after %d more = %d; want %d", n, p.Devices, total)
			}
			for i := range all {
				if i%100 > 1 && i%100 < 98 {
					continue // the borders of pages will do
				}
				_, secret, err := s.DeviceLogin(ctx, pk, all[i].Name)
				if err != nil || secret != all[i].Secret {
					t.Errorf("secret of %s = %q, %v; want %q", all[i].Name, secret, err, all[i].Secret)
				}
			}
		}
		got := device(t, s, pk, "n1-0000")
		want := store.DeviceRow{ID: got.ID, Device: cota.Device{Name: "n1-0000", Product: pk, CreatedAt: t0}}
		equal(t, "a new device", got, want)

		// All or nothing.
		taken(t, s, "AddDevices with a name that is there", func(tx *store.Tx) error {
			return tx.AddDevices(ctx, pk, []cota.Credentials{{Name: "new-1"}, {Name: "n1-0000"}, {Name: "new-2"}}, t0)
		})
		_, err := s.Device(ctx, pk, "new-1")
		refused(t, "Device of a refused AddDevices", err, cota.NotFound)
		if p, err := s.Product(ctx, pk); err != nil || p.Devices != int64(total) {
			t.Errorf("devices after a refused AddDevices = %d, %v; want %d", p.Devices, err, total)
		}
		refused(t, "AddDevices of no product", s.Update(ctx, func(tx *store.Tx) error {
			return tx.AddDevices(ctx, "none", names(1), t0)
		}), cota.NotFound)
	})
}

func TestLastNumbered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		var all []cota.Credentials
		for _, name := range strings.Fields("dev-0001 dev-0042 dev-0099 dev-0abc dev-09:a dev-0_a9 dev-00x2 dev-1-23 " +
			"dev-00100 dev-100 dex-0999 dev_0999 dev. mac12 0017 0018 zz-0000 y-9999 y-99a9") {
			all = append(all, cota.Credentials{Name: name})
		}
		for i := range 350 { // pages of names that are no numbers
			all = append(all, cota.Credentials{Name: fmt.Sprintf("m-%03dx%03d", 999-i, i)})
		}
		all = append(all, cota.Credentials{Name: "m-0000017"})
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddDevices(ctx, pk2, []cota.Credentials{{Name: "dev-0777"}}, t0))
			return tx.AddDevices(ctx, pk, all, t0)
		})
		for _, c := range []struct {
			prefix string
			digits int
			want   int64
		}{
			{"dev-", 4, 99}, {"dev-", 5, 100}, {"dev-", 3, 100}, {"dev-", 6, 0}, {"dev-00", 2, 99}, {"dev-0", 3, 99},
			{"", 4, 18}, {"zz-", 4, 0}, {"y-", 4, 9999}, {"none", 4, 0}, {"dev-", 18, 0}, {"mac", 2, 12}, {"mac1", 1, 2}, {"m-", 7, 17}, {"m-", 6, 0},
		} {
			got, err := s.LastNumbered(ctx, pk, c.prefix, c.digits)
			if err != nil || got != c.want {
				t.Errorf("LastNumbered(%q, %d) = %d, %v; want %d", c.prefix, c.digits, got, err, c.want)
			}
		}
	})
}

func TestDeviceCommands(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2)
		_, err := s.Device(ctx, pk, "none")
		refused(t, "Device(none)", err, cota.NotFound)
		_, _, err = s.DeviceLogin(ctx, "none", "dev-000001")
		refused(t, "DeviceLogin of no product", err, cota.NotFound)

		update(t, s, func(tx *store.Tx) error { return tx.SetDevice(ctx, ids[0], true) })
		if d := device(t, s, pk, "dev-000001"); !d.Disabled {
			t.Error("device after SetDevice(disabled) is not")
		}
		if d := device(t, s, pk, "dev-000002"); d.Disabled {
			t.Error("SetDevice(disabled) of one device disabled another")
		}
		push := addPush(t, s, pk, 3)
		record(t, s, store.Report{Device: ids[0], At: t0, Push: push.No, Version: 3, Rung: cota.Failed, Code: -3, Detail: "grund"})
		want := store.Login{ID: ids[0], Product: pk, Name: "dev-000001", Disabled: true,
			Standing: cota.Standing{Push: push.No, Rung: cota.Failed, Code: -3, Offered: 3}}
		login, secret, err := s.DeviceLogin(ctx, pk, "dev-000001")
		must(t, err)
		equal(t, "DeviceLogin", login, want)
		equal(t, "secret", secret, "secret-000001")
		update(t, s, func(tx *store.Tx) error { return tx.SetDevice(ctx, ids[0], false) })
		if d := device(t, s, pk, "dev-000001"); d.Disabled {
			t.Error("device after SetDevice(enabled) is disabled")
		}
	})
}

func TestDevices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		// Sorted by their bytes: - . 0-9 : @ A-Z _ a-z
		order := strings.Fields("-dash .dot 0007 10:20 B-01 Bcd. a%b1 a-01 a.01 a001 a:01 a@01 aB01 a_01 ab01 ab02 b-01")
		order = slices.DeleteFunc(order, func(n string) bool { return strings.Contains(n, "%") })
		creds := func(names ...string) (all []cota.Credentials) {
			for _, n := range names {
				all = append(all, cota.Credentials{Name: n})
			}
			return all
		}
		shuffled := slices.Clone(order)
		slices.Reverse(shuffled)
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddDevices(ctx, pk2, creds("a-01", "zzzz"), t0))
			return tx.AddDevices(ctx, pk, creds(shuffled...), t0)
		})
		id := func(name string) int64 { return device(t, s, pk, name).ID }
		old := addPush(t, s, pk, 1)
		record(t, s,
			store.Report{Device: id("a001"), At: t0, Push: old.No, Version: 1, Rung: cota.Applied},
			store.Report{Device: id("a_01"), At: t0, Push: old.No, Version: 1, Rung: cota.Sent})
		push := addPush(t, s, pk, 2)
		record(t, s,
			store.Report{Device: id("a_01"), At: t0, Push: push.No, Version: 2, Rung: cota.Sent},
			store.Report{Device: id("ab01"), At: t0, Push: push.No, Version: 2, Rung: cota.Sent},
			store.Report{Device: id("b-01"), At: t0, Push: push.No, Version: 2, Rung: cota.Failed},
			store.Report{Device: id("B-01"), At: t0, Connected: true, Since: t0},
			store.Report{Device: id("ab02"), At: t0, Connected: true, Since: t0},
			store.Report{Device: id("ab01"), At: t0, Connected: true, Since: t0},
			store.Report{Device: id("ab01"), At: t0, Disconnected: true, Since: t0})
		yes, no := true, false
		pending, sent, failed, applied := cota.Pending, cota.Sent, cota.Failed, cota.Applied
		except := func(out ...string) []string {
			return slices.DeleteFunc(slices.Clone(order), func(n string) bool { return slices.Contains(out, n) })
		}
		for _, c := range []struct {
			name   string
			filter store.DeviceFilter
			want   []string
		}{
			{"all", store.DeviceFilter{}, order},
			{"a prefix", store.DeviceFilter{Prefix: "a"}, strings.Fields("a-01 a.01 a001 a:01 a@01 aB01 a_01 ab01 ab02")},
			{"a prefix that LIKE would misread", store.DeviceFilter{Prefix: "a_"}, []string{"a_01"}},
			{"a prefix of LIKE's", store.DeviceFilter{Prefix: "%"}, nil},
			{"a prefix in capitals", store.DeviceFilter{Prefix: "B"}, []string{"B-01", "Bcd."}},
			{"a whole name", store.DeviceFilter{Prefix: "ab02"}, []string{"ab02"}},
			{"online", store.DeviceFilter{Online: &yes}, []string{"B-01", "ab02"}},
			{"offline", store.DeviceFilter{Online: &no}, except("B-01", "ab02")},
			{"online with a prefix", store.DeviceFilter{Online: &yes, Prefix: "a"}, []string{"ab02"}},
			{"sent", store.DeviceFilter{Push: push.No, Rung: &sent}, []string{"a_01", "ab01"}},
			{"sent, in the push before", store.DeviceFilter{Push: old.No, Rung: &sent}, nil},
			{"applied, in the push before", store.DeviceFilter{Push: old.No, Rung: &applied}, []string{"a001"}},
			{"failed with a prefix", store.DeviceFilter{Push: push.No, Rung: &failed, Prefix: "a"}, nil},
			{"pending", store.DeviceFilter{Push: push.No, Rung: &pending}, except("a_01", "ab01", "b-01")},
			{"everything at once", store.DeviceFilter{Push: push.No, Rung: &pending, Online: &yes, Prefix: "ab"}, []string{"ab02"}},
		} {
			checkPages(t, c.name, c.want, func(after *string, limit int) ([]string, error) {
				from := ""
				if after != nil {
					from = *after
				}
				rows, err := s.Devices(ctx, pk, c.filter, from, limit)
				var got []string
				for _, d := range rows {
					if d.Product != pk {
						t.Errorf("%s: a device of product %s", c.name, d.Product)
					}
					got = append(got, d.Name)
				}
				return got, err
			})
		}
		rows, err := s.Devices(ctx, pk, store.DeviceFilter{Prefix: "a_01"}, "", 1)
		must(t, err)
		equal(t, "a row of Devices", rows[0], device(t, s, pk, "a_01"))
	})
}

func TestStandings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 1001)
		push := addPush(t, s, pk, 4)
		record(t, s, store.Report{Device: ids[500], At: t0, Push: push.No, Version: 4, Rung: cota.Failed, Code: 429})
		for _, n := range []int{0, 1, 5, 6, 50, 51, 500, 501, 1000, 1001} {
			got, err := s.Standings(ctx, ids[:n])
			must(t, err)
			if len(got) != n {
				t.Errorf("Standings of %d = %d; want as many", n, len(got))
			}
			for _, id := range ids[:n] {
				want := cota.Standing{}
				if id == ids[500] {
					want = cota.Standing{Push: push.No, Rung: cota.Failed, Code: 429, Offered: 4}
				}
				if standing, ok := got[id]; !ok || standing != want {
					t.Errorf("Standings of %d: device %d stands at %v, %t; want %v", n, id, standing, ok, want)
				}
			}
		}
		got, err := s.Standings(ctx, []int64{ids[500], -1, 0, 1 << 30})
		if err != nil || len(got) != 1 {
			t.Errorf("Standings of one that is there = %v, %v; want one", got, err)
		}
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 3)
		var want []store.EventRow // newest first
		for i := range 7 {
			e := cota.Event{
				At: t0.Add(time.Duration(i/3) * time.Millisecond), Kind: cota.EventAsked, Push: int64(i), Code: -i,
				Detail: fmt.Sprintf("因 %d", i),
			}
			for n := range i % 3 {
				e.Properties = append(e.Properties, cota.Property{Name: "site", Value: fmt.Sprintf(`<"%d">`, n)})
			}
			record(t, s,
				store.Report{Device: ids[0], At: e.At, Kind: e.Kind, Push: e.Push, Code: e.Code, Detail: e.Detail, Properties: e.Properties},
				store.Report{Device: ids[1], At: e.At, Kind: cota.EventAsked})
			want = slices.Insert(want, 0, store.EventRow{Event: e})
		}
		checkPages(t, "Events", want, func(before *store.EventRow, limit int) ([]store.EventRow, error) {
			var key store.EventKey
			if before != nil {
				key = before.Key
			}
			return s.Events(ctx, ids[0], key, limit)
		}, cmpopts.IgnoreFields(store.EventRow{}, "Key"))

		count := func(id int64) int {
			all, err := s.Events(ctx, id, store.EventKey{}, 100)
			must(t, err)
			return len(all)
		}
		prune := func(before time.Time) (pages int) {
			for from := int64(1); from != 0; pages++ {
				update(t, s, func(tx *store.Tx) (err error) {
					from, err = tx.PruneEvents(ctx, from, 2, before)
					return err
				})
			}
			return pages
		}
		if n := prune(t0); n != 3 || count(ids[0]) != 7 {
			t.Errorf("PruneEvents before all = %d pages, %d events left; want 3 pages, 7 events", n, count(ids[0]))
		}
		prune(t0.Add(time.Millisecond))
		if count(ids[0]) != 4 || count(ids[1]) != 4 {
			t.Errorf("events left = %d and %d; want 4 each", count(ids[0]), count(ids[1]))
		}
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[0], t0) })
		if count(ids[0]) != 0 || count(ids[1]) != 4 {
			t.Errorf("events after RemoveDevice = %d, and %d of another; want 0 and 4", count(ids[0]), count(ids[1]))
		}
	})
}

// kinds are the lines of a device's timeline, oldest first.
func kinds(t testing.TB, s *store.Store, id int64) (all []cota.EventKind) {
	t.Helper()
	rows, err := s.Events(t.Context(), id, store.EventKey{}, 1000)
	must(t, err)
	for _, e := range slices.Backward(rows) {
		all = append(all, e.Kind)
	}
	return all
}
