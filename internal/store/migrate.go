package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// migrations, once released, never change. One text serves both engines; only
// where it cannot, a pair .sqlite.sql and .postgres.sql takes its place.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. It refuses a database that a newer
// cota has migrated, before it changes anything.
func migrate(ctx context.Context, db *sql.DB, engine string) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if engine == postgres.name {
		done, err := turn(ctx, db)
		if err != nil {
			return fmt.Errorf("wait to migrate the database: %w", err)
		}
		defer done()
	}
	p, err := provider(db, dir, engine)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	is, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if is > known {
		return fmt.Errorf("the database has schema %d but this cota knows only %d; run the newer cota", is, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

func provider(db *sql.DB, dir fs.FS, engine string) (*goose.Provider, error) {
	if engine != postgres.name {
		return goose.NewProvider(goose.DialectSQLite3, db, dir, except(dir, postgres.name))
	}
	return goose.NewProvider(goose.DialectPostgres, db, dir, except(dir, sqliteEngine.name))
}

// turn waits until no other node migrates the database, and returns what lets
// the next one. (goose has locks of its own, but asks for them only every five
// seconds, and not at all before it makes its table.)
func turn(ctx context.Context, db *sql.DB) (done func(), err error) {
	const lock = 0x636f7461
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, lock); err != nil {
		conn.Close()
		return nil, err
	}
	return func() {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, lock)
		if err != nil { // the lock goes with its connection
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		conn.Close()
	}, nil
}

// except leaves out the migrations that are for another engine only.
func except(dir fs.FS, engine string) goose.ProviderOption {
	names, err := fs.Glob(dir, "*."+engine+".sql")
	if err != nil {
		panic(err) // the pattern is ours
	}
	return goose.WithExcludeNames(names)
}
