package store_test

import (
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestAnotherNodeMovesTheDevice has another node move a device after the
// recorder has seen where it stands, and before it writes.
func TestAnotherNodeMovesTheDevice(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t, storetest.PostgresEngine)
	s := storetest.OpenDSN(t, dsn)
	ctx := t.Context()
	addProduct(t, s, pk)
	ids := addDevices(t, s, pk, 2)
	push := addPush(t, s, pk, 1)
	at := func(id int64, rung cota.Rung) store.Report {
		return store.Report{Device: id, At: t0, Push: push.No, Version: 1, Rung: rung}
	}
	record(t, s, at(ids[0], cota.Sent), at(ids[1], cota.Sent))

	other := raw(t, dsn)
	tx, err := other.BeginTx(ctx, nil)
	must(t, err)
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `UPDATE device SET state = $1 WHERE id = $2`, int(cota.Received), ids[0])
	must(t, err)
	_, err = tx.ExecContext(ctx, `UPDATE push SET sent = sent - 1, received = received + 1 WHERE no = $1`, push.No)
	must(t, err)

	done := make(chan error, 1)
	r := at(ids[0], cota.Applied)
	r.Done = func(err error) { done <- err }
	must(t, s.Record(ctx, r))
	for waiting := 0; waiting == 0; {
		must(t, other.QueryRowContext(ctx, `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE device SET push%'`).Scan(&waiting))
	}
	must(t, tx.Commit())
	must(t, wait(t, "the commit", done))
	equal(t, "counts", counts(t, s, push.No), cota.Counts{Total: 2, Sent: 1, Applied: 1})
}
