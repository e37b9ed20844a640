package store_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// TestFilesAreCheckedUpToASize damages a page of a table that nobody reads at a
// start.
func TestFilesAreCheckedUpToASize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		ballast int
		refused bool
		logged  string
	}{
		{"small", 0, true, ""},
		{"large", store.CheckSize, false, "too large to be checked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := storetest.Database(t, storetest.SQLiteEngine)
			db := raw(t, path)
			exec(t, db, `CREATE TABLE ballast AS SELECT zeroblob($1) AS b`, tt.ballast)
			var page, size int64
			must(t, db.QueryRow(`SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'audit'`).Scan(&page, &size))
			must(t, db.Close())
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), (page-1)*size)
			must(t, err)
			must(t, f.Close())

			var log bytes.Buffer
			o := storetest.Options(t, path)
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err := store.Open(t.Context(), o)
			if err == nil {
				closeStore(t, s)
			}
			if (err != nil) != tt.refused || err != nil && !strings.Contains(err.Error(), "damaged") {
				t.Errorf("Open of a %s damaged file = %v; want it refused: %t", tt.name, err, tt.refused)
			}
			if !strings.Contains(log.String(), tt.logged) {
				t.Errorf("the log says %q; want %q in it", log.String(), tt.logged)
			}
		})
	}
}
