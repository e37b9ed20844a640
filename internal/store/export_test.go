package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// RecordQueue is how many reports may wait.
const RecordQueue = recordQueue

// Beat is one heartbeat, without the wait for it.
func (s *Store) Beat(ctx context.Context) error {
	return s.beat(ctx)
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
	for p := range s.recorder.prepared {
		for _, rows := range s.engine.pages {
			var args []any
			for i := range rows * len(p.types) {
				args = append(args, map[string]any{"BIGINT": int64(i), "TEXT": "", "BOOLEAN": true}[p.types[i%len(p.types)]])
			}
			text := p.with + s.engine.values(rows, p.types...) + p.do
			plans[fmt.Sprintf("%d rows of %s", rows, p.do)] = s.engine.explain(ctx, s.write, text, args)
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
