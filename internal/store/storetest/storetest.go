// Package storetest gives tests a store of their own, on every engine that
// this machine has.
package storetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/cotahq/cota/internal/store"
)

// The engines, by the names of the subtests that run on them.
const (
	SQLiteEngine   = "sqlite"
	PostgresEngine = "postgres"
)

// PostgreSQL is used when COTA_TEST_POSTGRES holds the postgres:// address of
// a superuser of a running server, and has to be when COTA_TEST_REQUIRE is
// "all".
const (
	envPostgres = "COTA_TEST_POSTGRES"
	envRequire  = "COTA_TEST_REQUIRE"
)

// Each runs fn as one subtest per engine, each with a new store that is closed
// at the subtest's end.
func Each(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachDatabase(t, func(t *testing.T, dsn string) { fn(t, OpenDSN(t, dsn)) })
}

// EachDatabase is Each for tests that open the database themselves.
func EachDatabase(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	for _, engine := range []string{SQLiteEngine, PostgresEngine} {
		t.Run(engine, func(t *testing.T) { fn(t, Database(t, engine)) })
	}
}

// SQLite is a new store in a file.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return OpenDSN(t, Database(t, SQLiteEngine))
}

// Postgres is a new store on PostgreSQL; t is skipped when there is none.
func Postgres(t testing.TB) *store.Store {
	t.Helper()
	return OpenDSN(t, Database(t, PostgresEngine))
}

// Database is the address of a new database that goes when t ends. OpenDSN
// opens it, several times if need be: one after the other as after a restart,
// or on PostgreSQL at once, as several nodes do.
func Database(t testing.TB, engine string) (dsn string) {
	t.Helper()
	switch engine {
	case SQLiteEngine:
		return migratedSQLite(t)
	case PostgresEngine:
		return postgresServer(t).database(t, true)
	}
	t.Fatalf("no engine %q", engine)
	return ""
}

// Blank is the address of a database that no cota has opened yet. Those of
// Database have been migrated.
func Blank(t testing.TB, engine string) (dsn string) {
	t.Helper()
	if engine == SQLiteEngine {
		return blankSQLite(t)
	}
	return postgresServer(t).database(t, false)
}

// OpenDSN opens a database and closes it when t ends, if t has not by then.
func OpenDSN(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), Options(t, dsn))
	if err != nil {
		t.Fatalf("open %s: %v", dsn, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("close %s: %v", dsn, err)
		}
	})
	return s
}

// Options open a database the way OpenDSN does: with the master key that all
// tests share, and a log that is shown when t fails.
func Options(t testing.TB, dsn string) store.Options {
	return store.Options{
		DSN: dsn,
		Key: []byte("0123456789abcdef0123456789abcdef"),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// postgresServer is the server of this process's tests.
func postgresServer(t testing.TB) *server {
	t.Helper()
	dsn := os.Getenv(envPostgres)
	if dsn == "" {
		if os.Getenv(envRequire) == "all" {
			t.Fatalf("%s=all, but %s names no PostgreSQL server", envRequire, envPostgres)
		}
		t.Skipf("%s names no PostgreSQL server", envPostgres)
	}
	postgres.once.Do(func() { postgres.err = postgres.start(t, dsn) })
	if postgres.err != nil {
		t.Fatalf("use the PostgreSQL server: %v", postgres.err)
	}
	return &postgres
}
