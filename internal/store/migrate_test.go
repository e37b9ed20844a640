package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		var nodes []int64
		for n := range 3 {
			s := storetest.OpenDSN(t, dsn)
			if n == 0 {
				addProduct(t, s, pk)
			}
			if _, err := s.Product(t.Context(), pk); err != nil {
				t.Errorf("product after %d restarts: %v", n, err)
			}
			must(t, s.Ping(t.Context()))
			nodes = append(nodes, s.Node())
			closeStore(t, s)
			if err := s.Ping(t.Context()); err == nil {
				t.Error("Ping after Close succeeded")
			}
		}
		if nodes[0] <= 0 || nodes[1] <= nodes[0] || nodes[2] <= nodes[1] {
			t.Errorf("nodes %v; want a new one each time", nodes)
		}
	})
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		closeStore(t, storetest.OpenDSN(t, dsn))
		db := raw(t, dsn)
		exec(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)`, true)
		if isSQLite(dsn) {
			must(t, db.Close()) // and write back the log
		}
		before := contents(t, dsn)
		s, err := store.Open(t.Context(), storetest.Options(t, dsn))
		if err == nil {
			closeStore(t, s)
			t.Fatal("Open of a newer schema succeeded; want an error")
		}
		if !strings.Contains(err.Error(), "has schema 9999 but this cota knows only") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open of a newer schema: %q; want one line that says so", err)
		}
		if after := contents(t, dsn); !bytes.Equal(before, after) {
			t.Error("Open of a newer schema wrote to the database")
		}
	})
}

// contents are what a database holds, as far as an Open might write it.
func contents(t *testing.T, dsn string) []byte {
	if isSQLite(dsn) {
		all, err := os.ReadFile(dsn)
		must(t, err)
		return all
	}
	var all string
	must(t, raw(t, dsn).QueryRow(`
		SELECT (SELECT string_agg(v::text, '|' ORDER BY id) FROM goose_db_version v) || '#' ||
			(SELECT COALESCE(string_agg(n::text, '|'), '') FROM node n) || '#' ||
			(SELECT string_agg(c::text, '|' ORDER BY name) FROM counter c) || '#' ||
			(SELECT string_agg(table_name, '|' ORDER BY table_name) FROM information_schema.tables)`).Scan(&all))
	return []byte(all)
}

func TestNodesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		dsn := storetest.Blank(t, storetest.PostgresEngine)
		var opened sync.WaitGroup
		stores := make([]*store.Store, 4)
		for i := range stores {
			opened.Go(func() {
				var err error
				if stores[i], err = store.Open(t.Context(), storetest.Options(t, dsn)); err != nil {
					t.Errorf("Open: %v", err)
				}
			})
		}
		opened.Wait()
		nodes := map[int64]bool{}
		for _, s := range stores {
			if s == nil {
				continue
			}
			nodes[s.Node()] = true
			if _, err := s.Instances(t.Context(), "", 1); err != nil {
				t.Error(err)
			}
			closeStore(t, s)
		}
		if len(nodes) != len(stores) {
			t.Errorf("%d nodes joined; want %d", len(nodes), len(stores))
		}
	}
}

func TestDatabaseThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "cota.db"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "text"), bytes.Repeat([]byte("no database "), 1000), 0o600))
	readOnly := filepath.Join(dir, "read-only")
	must(t, os.Mkdir(readOnly, 0o500))
	type refusal struct{ name, dsn, want string }
	cases := []refusal{
		{"no directory", filepath.Join(dir, "none", "cota.db"), "no such file or directory"},
		{"a directory", filepath.Join(dir, "cota.db"), "is a directory"},
		{"in a file", filepath.Join(dir, "text", "cota.db"), "not a directory"},
		{"no database", filepath.Join(dir, "text"), "not a database"},
		{"no server", "postgres://nobody:hidden@127.0.0.1:1/none", "open database"},
		{"no address", "postgres://nobody:hidden@[::1/none", "cannot be read"},
	}
	if os.Getuid() != 0 { // root may write anywhere
		cases = append(cases, refusal{"a directory that is read-only", filepath.Join(readOnly, "cota.db"), "permission denied"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := store.Open(t.Context(), storetest.Options(t, c.dsn))
			if err == nil {
				closeStore(t, s)
				t.Fatal("Open succeeded; want an error")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("Open: %q; want %q in it, and no password", err, c.want)
			}
		})
	}
}

func TestPathsAreTakenLiterally(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"100%41 #ü 测试", "a?mode=memory&b=c", "file:x"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := storetest.OpenDSN(t, filepath.Join(dir, name))
			update(t, s, func(tx *store.Tx) error { return tx.AddInstance(t.Context(), cota.Instance{ID: "here"}) })
			closeStore(t, s)
			entries, err := os.ReadDir(dir)
			must(t, err)
			if len(entries) != 1 || entries[0].Name() != name {
				t.Errorf("files %v; want only %q", entries, name)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			must(t, err)
			if info.Mode().Perm() != 0o600 || info.Size() == 0 {
				t.Errorf("file is %v of %d bytes; want one that only its owner may read", info.Mode(), info.Size())
			}
		})
	}
}
