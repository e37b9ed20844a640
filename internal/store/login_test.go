package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestDeviceLogins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		addProduct(t, s, pk)
		ids := addDevices(t, s, pk, 200)
		update(t, s, func(tx *store.Tx) error { return tx.SetDevice(ctx, ids[6], true) })
		for _, together := range []int{0, 1, 2, 3, 63, 64, 65, 130} {
			var asked, got []string
			for i := range together {
				asked = append(asked, fmt.Sprintf("dev-%06d", 200-i))
			}
			must(t, s.DeviceLogins(ctx, pk, asked, func(l store.Login, secret string, err error) {
				must(t, err)
				one, itsSecret, err := s.DeviceLogin(ctx, pk, l.Name)
				must(t, err)
				equal(t, "login of "+l.Name, l, one)
				equal(t, "secret of "+l.Name, secret, itsSecret)
				got = append(got, l.Name)
			}))
			slices.Sort(asked)
			slices.Sort(got)
			equal(t, fmt.Sprintf("names found of %d", together), got, asked)
		}
	})
}

func TestDeviceLoginsOfSome(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		addDevices(t, s, pk, 3)
		var got []string
		found := func(l store.Login, _ string, err error) {
			must(t, err)
			got = append(got, l.Name)
		}
		must(t, s.DeviceLogins(t.Context(), pk, []string{"none", "dev-000002", "", "dev-000002"}, found))
		equal(t, "names found", got, []string{"dev-000002"})
		must(t, s.DeviceLogins(t.Context(), "none", []string{"dev-000002"}, found))
		equal(t, "names found after another product", got, []string{"dev-000002"})
	})
}
