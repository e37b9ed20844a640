package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestShrink(t *testing.T) {
	t.Parallel()
	s := storetest.SQLite(t)
	addProduct(t, s, pk)
	addDevices(t, s, pk, 5_000)
	var readers sync.WaitGroup
	for range 8 { // together, so that all connections are used
		readers.Go(func() {
			names := make([]string, 5_000)
			for i := range names {
				names[i] = fmt.Sprintf("dev-%06d", i+1)
			}
			if err := s.DeviceLogins(t.Context(), pk, names, func(store.Login, string, error) {}); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	before, err := s.Cached(t.Context())
	must(t, err)
	must(t, s.Shrink(t.Context()))
	after, err := s.Cached(t.Context())
	must(t, err)
	if before < 1<<20 || after > before/10 {
		t.Errorf("SQLite keeps %d bytes, and %d after Shrink; want next to nothing", before, after)
	}
	device(t, s, pk, "dev-000001")
}

// Shrink waits for the connections that are in use, and they for nothing else.
func TestShrinkWhileInUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		addProduct(t, s, pk)
		addDevices(t, s, pk, 100)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					if _, err := s.Device(t.Context(), pk, "dev-000001"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 4 {
			all.Go(func() {
				if err := s.Shrink(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}
