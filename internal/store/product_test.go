package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestInstances(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		// In the order of their bytes, which no locale has.
		want := []cota.Instance{
			{ID: "-a", Name: "测试 'é' %", Environment: "🏭", CreatedAt: t0},
			{ID: "0"}, // at the zero time
			{ID: "a-c", Name: "b", CreatedAt: t0.Add(time.Millisecond)},
			{ID: "ab", Name: "a", CreatedAt: t0},
		}
		for _, n := range []int{2, 0, 3, 1} {
			update(t, s, func(tx *store.Tx) error { return tx.AddInstance(ctx, want[n]) })
		}
		taken(t, s, "AddInstance again", func(tx *store.Tx) error { return tx.AddInstance(ctx, want[0]) })

		got, err := s.Instance(ctx, want[0].ID)
		must(t, err)
		equal(t, "Instance", got, want[0])
		_, err = s.Instance(ctx, "none")
		refused(t, "Instance(none)", err, cota.NotFound)

		checkPages(t, "Instances", want, func(after *cota.Instance, limit int) ([]cota.Instance, error) {
			if after == nil {
				return s.Instances(ctx, "", limit)
			}
			return s.Instances(ctx, after.ID, limit)
		})

		want[1].Name, want[1].Environment = "zero", "prod"
		update(t, s, func(tx *store.Tx) error { return tx.SetInstance(ctx, want[1]) })
		got, err = s.Instance(ctx, want[1].ID)
		must(t, err)
		equal(t, "Instance after SetInstance", got, want[1])
		refused(t, "SetInstance(none)",
			s.Update(ctx, func(tx *store.Tx) error { return tx.SetInstance(ctx, cota.Instance{ID: "none"}) }), cota.NotFound)

		addProduct(t, s, pk)
		refused(t, "RemoveInstance with a product",
			s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveInstance(ctx, cota.DefaultInstance) }), cota.NotFound)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveInstance(ctx, "ab") })
		_, err = s.Instance(ctx, "ab")
		refused(t, "Instance after RemoveInstance", err, cota.NotFound)
	})
}

func TestProducts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddInstance(ctx, cota.Instance{ID: "default"}))
			return tx.AddInstance(ctx, cota.Instance{ID: "other"})
		})
		want := []cota.Product{
			{Key: "a1A", Instance: "default", Name: "Ä 产品"},
			{Key: "a1B", Instance: "other", Name: "x", Enabled: true, Policy: cota.DefaultPolicy(), CreatedAt: t0, UpdatedAt: t0},
			{Key: "a1a", Instance: "default", Name: "x", CreatedAt: t0, UpdatedAt: t0},
			{Key: "a1b", Instance: "default", Name: "y", CreatedAt: t0, UpdatedAt: t0},
		}
		for _, n := range []int{3, 0, 2, 1} {
			update(t, s, func(tx *store.Tx) error { return tx.AddProduct(ctx, want[n], "secret of "+want[n].Key) })
		}
		taken(t, s, "AddProduct with a name of the same instance", func(tx *store.Tx) error {
			return tx.AddProduct(ctx, cota.Product{Key: "new", Instance: "default", Name: "x"}, "")
		})
		taken(t, s, "AddProduct with a key that is there", func(tx *store.Tx) error {
			return tx.AddProduct(ctx, cota.Product{Key: "a1A", Instance: "default", Name: "new"}, "")
		})
		if err := s.Update(ctx, func(tx *store.Tx) error {
			return tx.AddProduct(ctx, cota.Product{Key: "new", Instance: "none", Name: "new"}, "")
		}); err == nil || s.Taken(err) {
			t.Errorf("AddProduct in no instance: error %v; want one that is not Taken", err)
		}

		got, err := s.Product(ctx, "a1B")
		must(t, err)
		equal(t, "Product", got, want[1])
		secret, err := s.ProductSecret(ctx, "a1B")
		must(t, err)
		equal(t, "ProductSecret", secret, "secret of a1B")
		_, err = s.Product(ctx, "none")
		refused(t, "Product(none)", err, cota.NotFound)
		_, err = s.ProductSecret(ctx, "none")
		refused(t, "ProductSecret(none)", err, cota.NotFound)

		list := func(instance string) func(after *cota.Product, limit int) ([]cota.Product, error) {
			return func(after *cota.Product, limit int) ([]cota.Product, error) {
				if after == nil {
					return s.Products(ctx, store.ProductFilter{Instance: instance}, "", limit)
				}
				return s.Products(ctx, store.ProductFilter{Instance: instance}, after.Key, limit)
			}
		}
		checkPages(t, "Products of all instances", want, list(""))
		checkPages(t, "Products of default", []cota.Product{want[0], want[2], want[3]}, list("default"))
		checkPages(t, "Products of no instance", nil, list("none"))
		for search, n := range map[string]int{
			"": 4, "a1": 4, "A1B": 2, "1B": 0, "X": 2, "产": 1, "Ä": 1, "%": 0, "_": 0, `\`: 0,
		} {
			if got, err := s.Products(ctx, store.ProductFilter{Search: search}, "", 10); err != nil || len(got) != n {
				t.Errorf("Products with %q = %v, %v; want %d", search, got, err, n)
			}
		}

		set := want[1]
		set.Name, set.Enabled, set.Current, set.Push = "neu 新", false, 7, 1<<31
		set.UpdatedAt = t0.Add(time.Hour)
		set.Policy = cota.Policy{CooldownSeconds: 1, LinkSeconds: 2, History: 3, MaxBytes: 4}
		update(t, s, func(tx *store.Tx) error { return tx.SetProduct(ctx, set) })
		got, err = s.Product(ctx, set.Key)
		must(t, err)
		equal(t, "Product after SetProduct", got, set)
		refused(t, "SetProduct(none)",
			s.Update(ctx, func(tx *store.Tx) error { return tx.SetProduct(ctx, cota.Product{Key: "none"}) }), cota.NotFound)
		taken(t, s, "SetProduct to a name that is there", func(tx *store.Tx) error {
			p := want[3]
			p.Name = "x"
			return tx.SetProduct(ctx, p)
		})
	})
}

func TestRemoveProduct(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		addProduct(t, s, pk2)
		id := addDevices(t, s, pk, 1)[0]
		addPush(t, s, pk, 1)
		kept := addPush(t, s, pk2, 1)
		remove := func() error {
			return s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveProduct(ctx, pk) })
		}
		refused(t, "RemoveProduct with a device", remove(), cota.NotFound)
		if _, err := s.Version(ctx, pk, 1); err != nil {
			t.Errorf("Version after a refused RemoveProduct: %v", err)
		}
		update(t, s, func(tx *store.Tx) error { return tx.RemoveDevice(ctx, pk, id, t0) })
		must(t, remove())
		refused(t, "RemoveProduct again", remove(), cota.NotFound)
		_, err := s.Version(ctx, pk, 1)
		refused(t, "Version of a removed product", err, cota.NotFound)
		all, err := s.Pushes(ctx, store.PushFilter{}, 0, 10)
		must(t, err)
		if len(all) != 1 || all[0].No != kept.No {
			t.Errorf("Pushes after RemoveProduct = %v; want only %d", all, kept.No)
		}
	})
}

// checkPages reads a list in pages of every size and wants the same each time.
func checkPages[T any](t *testing.T, what string, want []T, list func(after *T, limit int) ([]T, error), opts ...cmp.Option) {
	t.Helper()
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []T
		var after *T
		for {
			page, err := list(after, limit)
			if err != nil {
				t.Fatalf("%s in pages of %d: %v", what, limit, err)
			}
			if len(page) > limit {
				t.Fatalf("%s in pages of %d: a page of %d", what, limit, len(page))
			}
			got = append(got, page...)
			if len(page) < limit {
				break
			}
			after = &got[len(got)-1]
		}
		equal(t, what, got, want, opts...)
	}
}
