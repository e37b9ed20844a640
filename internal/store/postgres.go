package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConnections bounds one node's connections.
const postgresConnections = 16

// openPostgres opens a pool. Writes and reads share it.
func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	config, err := postgresConfig(dsn)
	if err != nil {
		return err
	}
	config.DialFunc = s.wires.dial
	db, err := openPool(ctx, config)
	if err != nil {
		return err
	}
	s.write, s.read, s.db, s.engine = db, db, db, postgres
	return nil
}

// postgresConfig reads an address, which may say how long connecting may take.
func postgresConfig(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("open database: the postgres:// address cannot be read") // err may hold the password
	}
	config.DialFunc = dialPostgres
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	return config, nil
}

func openPool(ctx context.Context, config *pgx.ConnConfig) (*sql.DB, error) {
	db := stdlib.OpenDB(*config, stdlib.OptionResetSession(stays))
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

var postgres = engine{
	name:      "postgres",
	isolation: sql.LevelSerializable,
	node:      "COALESCE((SELECT node FROM presence WHERE presence.device = device.id), 0)",
	retry: func(err error) bool {
		code := postgresCode(err)
		return code == "40001" || code == "40P01" // serialization failure, deadlock
	},
	taken:   func(err error) bool { return postgresCode(err) == "23505" },
	trouble: postgresTrouble,
}

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
