package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of raw
	_ "modernc.org/sqlite"             // the driver of raw

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// t0 is when most tests begin. The store keeps milliseconds.
var t0 = time.Date(2031, 5, 6, 7, 8, 9, 123e6, time.UTC)

const (
	pk  = "a1Productxx"
	pk2 = "a1Productyy"
)

// must ends the test on an error of a step that only prepares.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	must(t, s.Update(t.Context(), fn))
}

// refused checks that err has the code.
func refused(t testing.TB, what string, err error, want cota.Code) {
	t.Helper()
	if got := cota.CodeOf(err); got != want {
		t.Errorf("%s: error %v, code %q; want code %q", what, err, got, want)
	}
}

// taken checks that a command is refused because its key is in use.
func taken(t testing.TB, s *store.Store, what string, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); !s.Taken(err) {
		t.Errorf("%s: error %v; want one that is Taken", what, err)
	}
}

func equal[T any](t testing.TB, what string, got, want T, opts ...cmp.Option) {
	t.Helper()
	opts = append(opts, cmpopts.EquateEmpty())
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// addProduct adds the default instance and a product, as in production.
func addProduct(t testing.TB, s *store.Store, key string) cota.Product {
	t.Helper()
	p := cota.Product{
		Key: key, Instance: cota.DefaultInstance, Name: "product " + key, Enabled: true,
		Policy: cota.DefaultPolicy(), CreatedAt: t0, UpdatedAt: t0,
	}
	update(t, s, func(tx *store.Tx) error {
		if _, err := tx.Instance(t.Context(), p.Instance); cota.CodeOf(err) == cota.NotFound {
			must(t, tx.AddInstance(t.Context(), cota.Instance{ID: p.Instance, Name: "Default", CreatedAt: t0}))
		}
		return tx.AddProduct(t.Context(), p, "secret of "+key)
	})
	return p
}

func names(n int) []cota.Credentials {
	all := make([]cota.Credentials, n)
	for i := range all {
		all[i] = cota.Credentials{Name: fmt.Sprintf("dev-%06d", i+1), Secret: fmt.Sprintf("secret-%06d", i+1)}
	}
	return all
}

// addDevices adds n devices and returns their ids, in the order of their names.
func addDevices(t testing.TB, s *store.Store, product string, n int) []int64 {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { return tx.AddDevices(t.Context(), product, names(n), t0) })
	ids := make([]int64, 0, n)
	for after := ""; ; {
		page, err := s.Devices(t.Context(), product, store.DeviceFilter{}, after, 1000)
		must(t, err)
		for _, d := range page {
			ids = append(ids, d.ID)
			after = d.Name
		}
		if len(page) < 1000 {
			return ids
		}
	}
}

// addPush saves a version and starts a push of it, ending the one that runs.
func addPush(t testing.TB, s *store.Store, product string, version int64) cota.Push {
	t.Helper()
	p := cota.Push{Product: product, ProductName: "product " + product, Version: version, StartedBy: "admin", StartedAt: t0}
	update(t, s, func(tx *store.Tx) error {
		ctx := t.Context()
		if _, err := tx.VersionHead(ctx, product, version); cota.CodeOf(err) == cota.NotFound {
			must(t, tx.AddVersion(ctx, product, someVersion(version)))
		}
		if _, err := tx.EndPush(ctx, product, cota.Superseded, "", t0); err != nil {
			return err
		}
		if err := tx.AddPush(ctx, &p); err != nil {
			return err
		}
		product, err := tx.Product(ctx, product)
		if err != nil {
			return err
		}
		product.Current, product.Push, product.UpdatedAt = version, p.No, t0
		return tx.SetProduct(ctx, product)
	})
	return p
}

func someVersion(n int64) cota.Version {
	content := fmt.Sprintf(`{"n": %d}`, n)
	return cota.Version{
		Number: n, ConfigID: fmt.Sprintf("config%026d", n), Content: content, SHA256: cota.Digest(content),
		Size: int64(len(content)), Author: "admin", CreatedAt: t0,
	}
}

// record records reports and waits until they are committed.
func record(t testing.TB, s *store.Store, all ...store.Report) {
	t.Helper()
	for _, r := range all {
		must(t, s.Record(t.Context(), r))
	}
	must(t, s.Flush(t.Context()))
}

func device(t testing.TB, s *store.Store, product, name string) store.DeviceRow {
	t.Helper()
	d, err := s.Device(t.Context(), product, name)
	must(t, err)
	return d
}

// counts are the counts of a push; they are checked against the devices.
func counts(t testing.TB, s *store.Store, no int64) cota.Counts {
	t.Helper()
	p, err := s.Push(t.Context(), no)
	must(t, err)
	again, err := s.Recount(t.Context(), p.Product, no)
	must(t, err)
	equal(t, fmt.Sprintf("Recount of push %d, against its counts", no), again, p.Counts)
	return p.Counts
}

// raw is a connection of its own, behind the store's back.
func raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if isSQLite(dsn) {
		driver, dsn = "sqlite", "file:"+url.PathEscape(dsn)+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func isSQLite(dsn string) bool { return !strings.HasPrefix(dsn, "postgres") }

func exec(t testing.TB, db *sql.DB, sql string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// wait waits for a value, as long as the test may run.
func wait[T any](t testing.TB, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(time.Minute):
		t.Fatalf("%s did not happen in a minute", what)
	}
	return v
}

func closeStore(t testing.TB, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must(t, s.Close(ctx))
}

// batch records reports in one commit, by keeping the recorder busy until all
// are queued. (Beyond what one commit holds there are several.)
func batch(t testing.TB, s *store.Store, all ...store.Report) {
	t.Helper()
	busy, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	must(t, s.Record(t.Context(), store.Report{Done: func(error) { close(busy); <-release }}))
	wait(t, "a quiet recorder", busy)
	for _, r := range all {
		must(t, s.Record(t.Context(), r))
	}
	must(t, s.Record(t.Context(), store.Report{Done: func(err error) { done <- err }}))
	close(release)
	must(t, wait(t, "the commit", done))
}
