package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// readers bounds the connections that read beside the one that writes.
const readers = 4

// checkpointAt is how many pages (of 4 KB) gather in the log before what is in
// it is written to the database as well. The reports of a fleet change most of
// its pages with every commit, so it pays to write each once for several
// commits; and a log of that size is read in some 50 ms after a crash.
const checkpointAt = 10_000

// openSQLite opens the file with one writer and a few readers. The log is
// written ahead (WAL) and flushed at every commit, so that what was committed
// survives the loss of power.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	// The driver's own message for a file that cannot be made does not say why.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	f.Close()

	open := func(connections int, extra string) (*sql.DB, error) {
		dsn := sqliteDSN(path) +
			"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
			"&_pragma=foreign_keys(1)" + extra
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		if err := db.PingContext(ctx); err != nil {
			db.Close()
			if why := sqliteTrouble(err); why != "" {
				err = fmt.Errorf("%s (%w)", why, err)
			}
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
		return db, nil
	}
	if s.write, err = open(1, fmt.Sprintf("&_txlock=immediate&_pragma=cache_size(-16000)&_pragma=wal_autocheckpoint(%d)", checkpointAt)); err != nil {
		return err
	}
	// A reader forgets what it has read when something was committed: a larger
	// cache would hold no more that is of use.
	if s.read, err = open(readers, "&_pragma=query_only(1)&_pragma=cache_size(-2000)"); err != nil {
		s.write.Close()
		return err
	}
	s.db, s.engine = &preparedReads{DB: s.read}, sqliteEngine
	if err := s.check(ctx); err != nil {
		s.closeDB()
		return err
	}
	return nil
}

// shrinkWithin bounds how long Shrink keeps others from the connections that it
// has while it waits for more.
const shrinkWithin = time.Second

// Shrink gives the memory back that is kept for reports to come, and by SQLite
// for pages which it has read. What is read next it reads from the system's
// memory, or from disk. It is for a store at rest, and fails if that is in use
// for longer than a second.
func (s *Store) Shrink(ctx context.Context) error {
	s.recorder.shrink()
	if s.engine.name != sqliteEngine.name || !s.shrinking.TryLock() {
		return nil
	}
	defer s.shrinking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, shrinkWithin)
	defer cancel()
	for _, db := range []*sql.DB{s.write, s.read} {
		if err := shrink(ctx, db); err != nil {
			return fmt.Errorf("shrink: %w", err)
		}
	}
	return nil
}

// shrink does so with each connection that is open. Only while it has them all
// is it given another one each time.
func shrink(ctx context.Context, db *sql.DB) error {
	for range db.Stats().OpenConnections {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
			return err
		}
	}
	return nil
}

// sqliteDSN is a path as the driver takes it, before a question mark and
// parameters.
func sqliteDSN(path string) string {
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String()
}

var sqliteEngine = engine{
	name:    "sqlite",
	bare:    true,
	node:    "0", // there is no other node from which a device could come
	retry:   func(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY },
	trouble: sqliteTrouble,
	taken: func(err error) bool {
		code := sqliteCode(err)
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	},
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// damaged reports whether err says that the file of a SQLite database is not
// what SQLite wrote.
func damaged(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}
