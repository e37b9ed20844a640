package simtest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// step is a step of the server's clock, made while the server is down. A
// bubble has one clock, which cannot step. But to a server that starts again
// it is the same whether its clock was set back by an hour or everything on
// record bears a time that is an hour later. So that is what a step does.
//
// What is not on record stays as it is, the expiry in a link above all: links
// live neither longer nor shorter for a step.
type step struct {
	at time.Time     // by the world's clock
	by time.Duration // forward
}

// stepSizes are what clocks are found to be wrong by: a correction, an hour of
// daylight saving, a day.
var stepSizes = []time.Duration{1500 * time.Millisecond, time.Minute, time.Hour, 24 * time.Hour}

// stepClock sets the clock of a server that is down.
func (w *world) stepClock(dir string) error {
	by := stepSizes[w.chaos.IntN(len(stepSizes))]
	if w.chaos.IntN(2) == 0 {
		by = -by
	}
	w.trace.add("CHAOS", "the clock steps by %s", by)
	if err := shiftTimes(dir, -by); err != nil {
		return fmt.Errorf("step the clock: %w", err)
	}
	w.model.step(by)
	return nil
}

// shiftTimes adds to every time in a database.
func shiftTimes(dir string, by time.Duration) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "cota.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx := context.Background()
	columns, err := timeColumns(ctx, db)
	if err != nil {
		return err
	}
	for table, names := range columns {
		for _, name := range names {
			// 0 is no time, and the heartbeat of a node on SQLite is at the end of time.
			query := fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[2]s + $1 WHERE %[2]s <> 0 AND %[2]s < $2`, table, name)
			if _, err := db.ExecContext(ctx, query, by.Milliseconds(), time.Now().AddDate(100, 0, 0).UnixMilli()); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeColumns are the columns that hold a time, by table: their names say so.
func timeColumns(ctx context.Context, db *sql.DB) (map[string][]string, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.type = 'BIGINT'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := make(map[string][]string)
	for rows.Next() {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			return nil, err
		}
		if name == "at" || strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "_until") {
			columns[table] = append(columns[table], name)
		}
	}
	return columns, rows.Err()
}

// step notes a step of the server's clock. What the server has said of times
// it will say otherwise from now on.
func (m *model) step(by time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, step{time.Now(), by})
	for _, p := range m.products {
		for _, x := range p.pushes {
			x.startedAt = x.startedAt.Add(-by)
		}
	}
}

// onRecord is what a moment of the world is by the clock by which the server
// keeps its records now. m.mu is held.
func (m *model) onRecord(at time.Time) time.Time {
	was := at
	for _, s := range m.steps {
		if s.at.After(was) {
			at = at.Add(-s.by)
		}
	}
	return at
}

// leapt reports whether the clock was set forward between two moments. m.mu is
// held.
func (m *model) leapt(from, to time.Time) bool {
	for _, s := range m.steps {
		if s.by > 0 && s.at.After(from) && s.at.Before(to) {
			return true
		}
	}
	return false
}
