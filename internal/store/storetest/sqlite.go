package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cotahq/cota/internal/store"
)

// sqliteTemplate is a SQLite file that has been migrated. To migrate takes
// longer than most tests, and is tested by itself (see Blank).
var sqliteTemplate struct {
	once    sync.Once
	content []byte
	err     error
}

// migratedSQLite makes a file from the template.
func migratedSQLite(t testing.TB) (path string) {
	t.Helper()
	s := &sqliteTemplate
	s.once.Do(func() { s.content, s.err = migrateSQLite(t) })
	if s.err != nil {
		t.Fatalf("migrate the template: %v", s.err)
	}
	path = blankSQLite(t)
	if err := os.WriteFile(path, s.content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func migrateSQLite(t testing.TB) ([]byte, error) {
	ctx, path := context.Background(), blankSQLite(t)
	s, err := store.Open(ctx, Options(t, path))
	if err != nil {
		return nil, err
	}
	if err := s.Close(ctx); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func blankSQLite(t testing.TB) (path string) {
	t.Helper()
	return filepath.Join(t.TempDir(), "cota.db")
}
