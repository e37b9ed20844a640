package store_test

import (
	"sync"
	"testing"

	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// PostgreSQL may be restarted at any time. Who asks when it is back is
// answered, though all connections that are kept are dead.
func TestConnectionsThatPostgresHasLeft(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.PostgresEngine)
	s := storetest.OpenDSN(t, dsn)
	addProduct(t, s, pk)
	db := raw(t, dsn)
	for range 3 {
		var together sync.WaitGroup // so that several connections are kept
		for range 8 {
			together.Go(func() {
				if _, err := s.Devices(t.Context(), pk, store.DeviceFilter{}, "", 1); err != nil {
					t.Error(err)
				}
			})
		}
		together.Wait()
		exec(t, db, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		for range 8 {
			if _, err := s.Product(t.Context(), pk); err != nil {
				t.Errorf("the first to ask was told %v", err)
			}
		}
	}
}
