package store_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestRegistrationSwitches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := addProduct(t, s, pk)
		for _, on := range [][2]bool{{false, false}, {true, false}, {true, true}, {false, true}} {
			p.DynamicRegistration, p.WithoutPreRegistration, p.UpdatedAt = on[0], on[1], p.UpdatedAt.Add(time.Second)
			update(t, s, func(tx *store.Tx) error { return tx.SetRegistration(ctx, p) })
			got, err := s.Product(ctx, pk)
			must(t, err)
			equal(t, "product", got, p)
			update(t, s, func(tx *store.Tx) error { return tx.SetProduct(ctx, p) }) // leaves them alone
			got, err = s.Product(ctx, pk)
			must(t, err)
			equal(t, "product after another change", got, p)
		}
		refused(t, "SetRegistration of no product", s.Update(ctx, func(tx *store.Tx) error {
			return tx.SetRegistration(ctx, cota.Product{Key: "none"})
		}), cota.NotFound)
	})
}

func TestActivation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		update(t, s, func(tx *store.Tx) error { return tx.AddDevices(ctx, pk, names(1), t0) })
		d := device(t, s, pk, "dev-000001")
		connect := func(since time.Time, connected bool) {
			t.Helper()
			must(t, s.Record(ctx, store.Report{Device: d.ID, At: since, Connected: connected, Disconnected: !connected, Since: since}))
			must(t, s.Flush(ctx))
		}
		is := func(when string, want bool) {
			t.Helper()
			if got := device(t, s, pk, d.Name).Activated; got != want {
				t.Errorf("%s: activated %t; want %t", when, got, want)
			}
		}
		secret := func(at time.Time) {
			t.Helper()
			update(t, s, func(tx *store.Tx) error { return tx.SetDeviceSecret(ctx, d.ID, pk, d.Name, "s", at) })
		}
		is("at first", false)
		connect(t0, true)
		is("connected", true)
		secret(t0.Add(2 * time.Millisecond))
		is("given a secret since", false)
		connect(t0, false)
		connect(t0.Add(time.Millisecond), true)
		is("a connection from before is put on record", false)
		connect(t0.Add(2*time.Millisecond), true)
		is("connected in the same millisecond", true)
		connect(t0.Add(2*time.Millisecond), false)
		is("disconnected", true)
	})
}

func TestDeviceTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		update(t, s, func(tx *store.Tx) error { return tx.AddDevices(ctx, pk, names(2), t0) })
		d := device(t, s, pk, "dev-000001")
		put := func(clientID, hash string) store.DeviceToken {
			t.Helper()
			token := store.DeviceToken{ClientID: clientID, Hash: hash, CreatedAt: t0}
			update(t, s, func(tx *store.Tx) error { return tx.PutDeviceToken(ctx, d.ID, token) })
			return token
		}
		use := func(token store.DeviceToken) error {
			return s.Update(ctx, func(tx *store.Tx) error { return tx.UseDeviceToken(ctx, d.ID, token, t0.Add(time.Second)) })
		}
		are := func(when string, want ...store.DeviceToken) {
			t.Helper()
			got, err := s.DeviceTokens(ctx, d.ID)
			must(t, err)
			equal(t, when, got, want)
		}
		are("at first")
		a, old := put("a 测", "h1"), put("b", "h2")
		must(t, use(old))
		b := put("b", "h3")
		are("two, one of them in the place of another", a, b)
		refused(t, "use of one that is replaced", use(old), cota.NotFound)
		must(t, use(b))
		b.UsedAt = t0.Add(time.Second)
		are("used", a, b)
		got, err := s.DeviceToken(ctx, d.ID, "a 测")
		must(t, err)
		equal(t, "DeviceToken", got, a)
		_, err = s.DeviceToken(ctx, d.ID+1, "b")
		refused(t, "token of another device", err, cota.NotFound)

		update(t, s, func(tx *store.Tx) error { return tx.SetDeviceSecret(ctx, d.ID+1, pk, "dev-000002", "s", t0) })
		are("after another device's reset", a, b)
		update(t, s, func(tx *store.Tx) error { return tx.SetDeviceSecret(ctx, d.ID, pk, d.Name, "s", t0) })
		are("after a reset")

		put("a", "h1")
		product, name, err := s.DeviceNames(ctx, d.ID)
		if product != pk || name != d.Name || err != nil {
			t.Errorf("DeviceNames = %s, %s, %v", product, name, err)
		}
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, d.ID, t0) })
		are("after the device is removed")
		_, _, err = s.DeviceNames(ctx, d.ID)
		refused(t, "DeviceNames of a device that is gone", err, cota.NotFound)
	})
}

func TestAddEvent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		want := []cota.Event{
			{At: t0, Kind: cota.EventRegistered, Detail: "second"}, {At: t0, Kind: cota.EventRegistered, Detail: "first"},
		}
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddEvent(ctx, 7, want[1]))
			return tx.AddEvent(ctx, 7, want[0])
		})
		rows, err := s.Events(ctx, 7, store.EventKey{}, 10)
		must(t, err)
		var got []cota.Event
		for _, row := range rows {
			got = append(got, row.Event)
		}
		equal(t, "timeline", got, want)
	})
}
