package store_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestTopology(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 5)
		attach := func(device, gateway int) {
			t.Helper()
			update(t, s, func(tx *store.Tx) error { return tx.Attach(ctx, ids[device], ids[gateway], t0) })
		}
		behind := func(what string, gateway int, want ...int) {
			t.Helper()
			rows, err := s.Subdevices(ctx, ids[gateway], 0, 10)
			must(t, err)
			names, err := s.SubdeviceNames(ctx, ids[gateway], 10)
			must(t, err)
			n, err := s.CountSubdevices(ctx, ids[gateway])
			must(t, err)
			if len(rows) != len(want) || len(names) != len(want) || n != len(want) {
				t.Fatalf("%s: %d rows, %d names, count %d; want %d", what, len(rows), len(names), n, len(want))
			}
			for i, d := range want {
				is, err := s.GatewayOf(ctx, ids[d])
				must(t, err)
				if rows[i].ID != ids[d] || names[i] != (store.DeviceName{Product: pk, Name: rows[i].Name}) || is != ids[gateway] {
					t.Errorf("%s: %+v, %+v, gateway %d; want device %d", what, rows[i], names[i], is, ids[d])
				}
			}
		}
		behind("nothing", 0)
		for _, d := range []int{3, 1, 2} {
			attach(d, 0)
		}
		attach(1, 0) // again
		behind("three", 0, 1, 2, 3)
		page, err := s.Subdevices(ctx, ids[0], ids[1], 1)
		must(t, err)
		if len(page) != 1 || page[0].ID != ids[2] {
			t.Errorf("a page after the first = %+v; want the second", page)
		}
		attach(2, 4) // one gateway for each
		behind("the first", 0, 1, 3)
		behind("the second", 4, 2)
		equal(t, "gateway", device(t, s, pk, "dev-000003").Gateway, &cota.Gateway{Product: pk, Name: "dev-000005"})

		update(t, s, func(tx *store.Tx) error { return tx.Detach(ctx, ids[3]) })
		behind("the first less one", 0, 1)
		equal(t, "gateway of none", device(t, s, pk, "dev-000004").Gateway, nil)
		is, err := s.GatewayOf(ctx, ids[3])
		must(t, err)
		equal(t, "GatewayOf of none", is, 0)

		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[1], t0) })
		behind("the first less all", 0)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, ids[4], t0) })
		equal(t, "gateway that was removed", device(t, s, pk, "dev-000003").Gateway, nil)
	})
}

func TestConnectionsThroughAGateway(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 2)
		update(t, s, func(tx *store.Tx) error { return tx.Attach(t.Context(), ids[1], ids[0], t0) })
		at := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Second) }
		for _, tt := range []struct {
			name              string
			report            store.Report
			online, connected bool
		}{
			{"through it", store.Report{Connected: true, Since: at(1), Through: ids[0]}, true, true},
			{"by itself", store.Report{Connected: true, Since: at(2)}, true, false},
			{"the end of the one before", store.Report{Disconnected: true, Since: at(1)}, true, false},
			{"through it again", store.Report{Connected: true, Since: at(3), Through: ids[0]}, true, true},
			{"its end", store.Report{Disconnected: true, Since: at(3)}, false, false},
		} {
			tt.report.Device, tt.report.At = ids[1], at(9)
			record(t, s, tt.report)
			d := device(t, s, pk, "dev-000002")
			want := cota.Gateway{Product: pk, Name: "dev-000001", Connected: tt.connected}
			if d.Online != tt.online || d.Gateway == nil || *d.Gateway != want || (d.Through != 0) != tt.connected {
				t.Errorf("%s: online %t through %d, gateway %+v; want online %t, %+v", tt.name, d.Online, d.Through, d.Gateway, tt.online, want)
			}
		}
	})
}
