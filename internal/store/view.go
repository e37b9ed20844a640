package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// View is a database that is only read, whether a server runs on it or not: it
// is neither migrated nor joined, and nothing is written.
type View struct {
	queries
	pool   *sql.DB
	sealed bool // there are keys to open secrets with
}

// OpenView opens a database to be read. It must be there. Key may be nil: then
// what is sealed stays closed.
func OpenView(ctx context.Context, o Options) (*View, error) {
	v := &View{sealed: o.Key != nil}
	var err error
	if v.sealed {
		if v.seal, err = newSealer(append([][]byte{o.Key}, o.OldKeys...)...); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(o.DSN, "postgres://") || strings.HasPrefix(o.DSN, "postgresql://") {
		v.pool, err = viewPostgres(ctx, o.DSN)
		v.engine = postgres
	} else {
		v.pool, err = viewSQLite(ctx, o.DSN)
		v.engine = sqliteEngine
	}
	if err != nil {
		return nil, err
	}
	v.db = v.pool
	return v, nil
}

func viewPostgres(ctx context.Context, dsn string) (*sql.DB, error) {
	config, err := postgresConfig(dsn)
	if err != nil {
		return nil, err
	}
	return openPool(ctx, config)
}

func viewSQLite(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil { // the driver's own message does not say why
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := sql.Open("sqlite", sqliteDSN(path)+"?mode=ro&_pragma=busy_timeout(10000)&_pragma=cache_size(-16000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

// Close closes the database.
func (v *View) Close() error { return v.pool.Close() }

// atOnce runs fn on the database as it is at one moment, whatever is written
// meanwhile.
func (v *View) atOnce(ctx context.Context, fn func(queries) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if v.engine.name == postgres.name {
		o.Isolation = sql.LevelRepeatableRead
	}
	tx, err := v.pool.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // there is nothing to commit
	q := v.queries
	q.db = tx
	return fn(q)
}

// ErrNoSchema says that a database is not one of cota's.
var ErrNoSchema = errors.New("it is no database of cota")

// Schema is the version of the database's schema, to compare with KnownSchema.
func (v *View) Schema(ctx context.Context) (version int64, err error) {
	err = v.pool.QueryRowContext(ctx, `SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	if err != nil && (postgresCode(err) == "42P01" || strings.Contains(err.Error(), "no such table")) {
		return 0, ErrNoSchema
	}
	return version, err
}

// KnownSchema is the version of the schema that this binary migrates to.
func KnownSchema() int64 {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		panic("store: no migrations") // they are embedded
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(slices.Max(files), "migrations/"), "_")
	known, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(err) // the names are ours
	}
	return known
}

// Snapshot writes a SQLite database as it is at one moment to the file to,
// which must be empty. Servers go on writing meanwhile. What is free in the
// database, and may hold what was removed, is left out.
func (v *View) Snapshot(ctx context.Context, to string) error {
	if _, err := v.pool.ExecContext(ctx, `VACUUM INTO $1`, to); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// EndSessions ends all sessions, and forgets what they were asked, in a SQLite
// database that nobody uses: one that was restored would bring back those that
// were ended since.
func EndSessions(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", sqliteDSN(path)+"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after a commit this does nothing
	for _, table := range []string{"session", "challenge"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return tx.Commit()
}

// KeyName is what tells the master key that seals from others, and does not
// help to find it; "" if there is none.
func (v *View) KeyName() string { return v.seal.name }

// Newest is the newest time at which anything in the database is said to have
// happened, and what that was; the zero time if nothing has.
func (v *View) Newest(ctx context.Context) (at time.Time, what string, err error) {
	var newest int64
	err = v.pool.QueryRowContext(ctx, `
		SELECT at, what FROM (
			SELECT max(at) AS at, 'a change (audit log)' AS what FROM audit
			UNION ALL SELECT max(created_at), 'a version' FROM version
			UNION ALL SELECT max(started_at), 'a push' FROM push
			UNION ALL SELECT max(ended_at), 'the end of a push' FROM push
			UNION ALL SELECT max(state_at), 'the state of a device' FROM device
			UNION ALL SELECT max(seen_at), 'a connection of a device' FROM presence
			UNION ALL SELECT max(started_at), 'the start of a server' FROM node
		) AS newest WHERE at IS NOT NULL ORDER BY at DESC LIMIT 1`).Scan(&newest, &what)
	if errors.Is(err, sql.ErrNoRows) {
		return at, "", nil
	}
	return timeOf(newest), what, err
}
