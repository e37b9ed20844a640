package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// RecordQueue is how many reports may wait.
const RecordQueue = recordQueue

// CheckSize is the size of a SQLite file up to which it is checked at each start.
const CheckSize = checkSize

// Beat is one heartbeat, without the wait for it.
func (s *Store) Beat(ctx context.Context) error {
	return s.beat(ctx)
}

// Cached is how many bytes of the database SQLite keeps in memory.
func (s *Store) Cached(ctx context.Context) (all int, err error) {
	for _, db := range []*sql.DB{s.write, s.read} {
		for range db.Stats().OpenConnections {
			c, err := db.Conn(ctx)
			if err != nil {
				return 0, err
			}
			defer c.Close() // with all of them in hand, each is another
			err = c.Raw(func(driver any) error {
				current, _, err := driver.(sqlite.DBStatus).Status(sqlite.DBStatusCacheUsed, false)
				all += current
				return err
			})
			if err != nil {
				return 0, err
			}
		}
	}
	return all, nil
}

// Explained are the queries of s that tell how the engine goes about each.
func (s *Store) Explained(tell func(plan string)) queries {
	q := s.queries
	q.db = explainer{s.read, s.engine, tell}
	return q
}

type explainer struct {
	*sql.DB
	engine engine
	tell   func(plan string)
}

func (e explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.tell(e.engine.explain(ctx, e.DB, query, args))
	return e.DB.QueryContext(ctx, query, args...)
}

func (e explainer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	e.tell(e.engine.explain(ctx, e.DB, query, args))
	return e.DB.QueryRowContext(ctx, query, args...)
}

func (e engine) explain(ctx context.Context, db *sql.DB, query string, args []any) string {
	explain := "EXPLAIN QUERY PLAN "
	if e.name == postgres.name {
		explain = "EXPLAIN "
	}
	rows, err := db.QueryContext(ctx, explain+query, args...)
	if err != nil {
		return "error: " + err.Error()
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var ignored any
		var line string
		if e.name == postgres.name {
			err = rows.Scan(&line)
		} else {
			err = rows.Scan(&ignored, &ignored, &ignored, &line)
		}
		if err != nil {
			return "error: " + err.Error()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// RecorderPlans are how the engine goes about the recorder's statements, by
// the page's size and the statement's text.
func (s *Store) RecorderPlans(ctx context.Context) map[string]string {
	plans := make(map[string]string)
	example := map[string]any{"BIGINT": int64(1), "TEXT": "", "BOOLEAN": true}
	for p := range s.recorder.prepared {
		for _, rows := range pageSizes {
			var args []any
			for _, t := range append(slices.Clone(p.shared), slices.Repeat(p.each, rows)...) {
				args = append(args, example[t])
			}
			plans[fmt.Sprintf("%d rows of %s", rows, p.text)] = s.engine.explain(ctx, s.write, p.on(s.engine, rows), args)
		}
	}
	return plans
}

// SealedColumns are the tables and columns that Reseal goes through.
func SealedColumns() (all [][2]string) {
	for _, c := range sealedColumns {
		all = append(all, [2]string{c.table, c.column})
	}
	return all
}
