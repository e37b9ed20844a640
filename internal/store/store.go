// Package store keeps cota's state in SQLite or PostgreSQL.
//
// One SQL text serves both engines. It keeps to ten rules:
//
//  1. Placeholders are $1..$n; the engine writes those of long lists.
//  2. Columns are TEXT, BIGINT and BOOLEAN; INTEGER only as a row key.
//  3. Times are Unix milliseconds set by Go, never now().
//  4. Ids are made in Go.
//  5. ON CONFLICT .. DO UPDATE and RETURNING are used freely; RETURNING shows
//     only the new row. Where that it was matters it is read before, and the
//     write is conditional on it.
//  6. Lists go by keyset, never by OFFSET, along an index that has the order.
//  7. Long lists of values go in pages of a few sizes, so that statements
//     stay few and prepared.
//  8. JSON is opaque text.
//  9. No FOR UPDATE: a claim is a conditional UPDATE .. RETURNING.
//  10. Writes happen inside Update: BEGIN IMMEDIATE on SQLite, which has one
//     writer, and SERIALIZABLE on PostgreSQL, retried when it says so.
//
// What devices report is not written one by one but by the recorder, which
// groups what has come in while it wrote the last group (see Record).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotahq/cota"
)

// Options say where the state is kept. DSN, Key and Log are required.
type Options struct {
	// DSN is a postgres:// URL, or the path of a SQLite file, which is made
	// when it is not there.
	DSN string
	// Key seals secrets at rest; 32 bytes.
	Key []byte
	// OldKeys open what was sealed before Key was there (see Reseal).
	OldKeys [][]byte
	Log     *slog.Logger
	// Guest opens the database beside a server that may be running on it, for
	// a short command: it does not join as a node, which on SQLite would take
	// the place of the one that runs, and neither hears notes nor is heard.
	Guest bool
}

// Store is an open database. Its methods may be called by many goroutines.
type Store struct {
	queries // on the readers

	write    *sql.DB // one connection on SQLite
	read     *sql.DB
	log      *slog.Logger
	started  int64 // when it joined, in milliseconds
	recorder recorder
	wires    wires // unused on SQLite
	notes    notes
	stop     context.CancelFunc // ends the store's own goroutines
	seq      atomic.Int64       // order of events within a millisecond
	again    chan struct{}      // holds one while an Update is tried again

	shrinking sync.Mutex // held by the Shrink that goes on
}

// queries are the reads, shared by Store (outside) and Tx (inside a
// transaction).
type queries struct {
	db     querier
	engine engine
	seal   sealer
	node   int64
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is a transaction that may write. It ends when the function given to
// Update returns.
type Tx struct {
	queries
	notes []Note
	seq   func() int64 // order of events within a millisecond
}

// engine is what differs between SQLite and PostgreSQL.
type engine struct {
	name      string
	bare      bool               // long lists use ? for $n: the time SQLite takes for named ones is quadratic
	isolation sql.IsolationLevel // of Update
	node      string             // the node to which a device is connected, of the table device
	retry     func(error) bool   // the transaction lost a race and may be tried again
	taken     func(error) bool   // a unique index already holds the key
	trouble   func(error) string // what keeps the database from its work; "" if that is not it
}

// Open opens the database, brings its schema up to date and joins it as a
// node. A database that is newer than this binary is refused untouched.
func Open(ctx context.Context, o Options) (*Store, error) {
	seal, err := newSealer(append([][]byte{o.Key}, o.OldKeys...)...)
	if err != nil {
		return nil, err
	}
	s := &Store{log: o.Log, again: make(chan struct{}, 1)}
	s.seal = seal
	if strings.HasPrefix(o.DSN, "postgres://") || strings.HasPrefix(o.DSN, "postgresql://") {
		err = s.openPostgres(ctx, o.DSN)
	} else {
		err = s.openSQLite(ctx, o.DSN)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, o); err != nil {
		s.closeDB()
		return nil, err
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, o Options) error {
	if err := migrate(ctx, s.write, s.engine.name); err != nil {
		return err
	}
	if !o.Guest {
		if err := s.join(ctx); err != nil {
			return fmt.Errorf("join the database: %w", err)
		}
	}
	if err := s.recorder.prepare(ctx, s); err != nil {
		return fmt.Errorf("prepare the recorder: %w", err)
	}
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.recorder.start(own, s)
	if s.engine.name == postgres.name && !o.Guest {
		return s.notes.start(own, s, o.DSN)
	}
	return nil
}

// Close writes what is still to be recorded, as far as ctx allows, and closes
// the database.
func (s *Store) Close(ctx context.Context) error {
	// A database that does not answer must not hold up the end.
	defer context.AfterFunc(ctx, func() { s.wires.silence() })()
	err := s.Flush(ctx)
	s.stop()
	<-s.recorder.ended
	s.notes.wait()
	return errors.Join(err, s.leave(ctx), s.closeDB())
}

func (s *Store) closeDB() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.write.PingContext(ctx) }

// Update runs fn in a transaction that is as if alone, and commits when fn
// returns nil. fn may run more than once, so it must only set what it sets
// anew each time. Notes that fn leaves are delivered after the commit.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	const tries = 25 // seconds of bad luck
	for try := 1; ; try++ {
		tx, err := s.try(ctx, fn)
		if err == nil {
			s.notes.deliver(tx.notes)
			return nil
		}
		if try == tries || !s.engine.retry(err) {
			return err
		}
		if try == 1 { // who lost goes on alone in this process, or many would lose again
			select {
			case <-ctx.Done():
				return ctx.Err()
			case s.again <- struct{}{}:
				defer func() { <-s.again }()
			}
		}
		sleep(ctx, rand.N(time.Duration(min(try*try, 200))*time.Millisecond))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, fn func(*Tx) error) (*Tx, error) {
	db, err := s.write.BeginTx(ctx, &sql.TxOptions{Isolation: s.engine.isolation})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer db.Rollback() // after a commit this does nothing
	tx := &Tx{queries: queries{db: db, engine: s.engine, seal: s.seal, node: s.node}, seq: s.nextSeq}
	if err := fn(tx); err != nil {
		return nil, err
	}
	if err := s.notes.announce(ctx, db, tx.notes); err != nil {
		return nil, err
	}
	if err := db.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return tx, nil
}

func (s *Store) nextSeq() int64 { return s.seq.Add(1) }

// Taken reports whether err says that a unique key is in use.
func (s *Store) Taken(err error) bool { return s.engine.taken(err) }

// scanner is what *sql.Row and *sql.Rows have in common.
type scanner interface{ Scan(dest ...any) error }

// collect scans all rows and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// one scans a single row; no row is a cota.NotFound that names what.
func one[T any](row *sql.Row, scan func(scanner) (T, error), what string, args ...any) (T, error) {
	t, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return t, cota.Errorf(cota.NotFound, what, args...)
	}
	return t, err
}

// must turns "no row changed" into a cota.NotFound that names what.
func must(res sql.Result, err error, what string, args ...any) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return cota.Errorf(cota.NotFound, what, args...)
	}
	return err
}

// newest is where lists that go from the newest down begin.
const newest = math.MaxInt64

// millis and its inverses: 0 stands for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func timeRef(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := timeOf(ms)
	return &t
}

// values writes rows of arguments, from the given one on, as the body of a
// VALUES list: ($1, $2), ($3, $4). PostgreSQL cannot guess the types there, so
// it is told them: (CAST($1 AS BIGINT), ..).
func (e engine) values(first, rows int, types ...string) string {
	var b strings.Builder
	for n := range rows * len(types) {
		switch {
		case n == 0:
			b.WriteByte('(')
		case n%len(types) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if e.bare {
			b.WriteString(e.placeholder(first + n))
			continue
		}
		b.WriteString("CAST(")
		b.WriteString(e.placeholder(first + n))
		b.WriteString(" AS ")
		b.WriteString(types[n%len(types)])
		b.WriteByte(')')
	}
	b.WriteByte(')')
	return b.String()
}

// placeholders writes a list of n arguments, from the given one on.
func (e engine) placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(e.placeholder(first + i))
	}
	return b.String()
}

func (e engine) placeholder(n int) string {
	if e.bare {
		return "?"
	}
	return "$" + strconv.Itoa(n)
}
