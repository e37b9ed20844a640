package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// pageSizes are how many rows one statement of the recorder writes.
var pageSizes = []int{250, 50, 10, 1}

// pageSQL is a statement that writes a page of rows. Where its text says ROWS
// the rows stand, of these types each. What all rows of a page share are the
// arguments $1, $2 and so on, of which the last must come before ROWS: most of
// what a fleet reports is alike, and to hand over a value takes longer than to
// write it.
type pageSQL struct {
	shared []string
	each   []string
	text   string
}

// args has room for the arguments of a page of rows, and the shared ones.
func (p *pageSQL) args(rows int, shared ...any) []any {
	return append(make([]any, 0, len(p.shared)+rows*len(p.each)), shared...)
}

// orRollback has SQLite roll back the transaction when a statement fails, as
// the recorder does anyway. So it need not be able to roll back the statement
// alone, for which it would copy each page that one changes.
var orRollback = strings.NewReplacer("UPDATE device", "UPDATE OR ROLLBACK device", "INSERT INTO", "INSERT OR ROLLBACK INTO")

// on is the text for an engine and a number of rows.
func (p *pageSQL) on(e engine, rows int) string {
	text := p.text
	if e.name == sqliteEngine.name {
		text = orRollback.Replace(text)
	}
	for i, t := range p.shared {
		n := "$" + strconv.Itoa(i+1)
		if e.bare { // $n would be counted in the order of the text, ?n is not
			text = strings.ReplaceAll(text, n, "?"+n[1:])
		} else {
			text = strings.ReplaceAll(text, n, "CAST("+n+" AS "+t+")")
		}
	}
	return strings.Replace(text, "ROWS", e.values(len(p.shared)+1, rows, p.each...), 1)
}

// prepare prepares the statement for each size of page: to parse one takes
// longer than to run it.
func (p *pageSQL) prepare(ctx context.Context, s *Store) (map[int]*sql.Stmt, error) {
	bySize := make(map[int]*sql.Stmt)
	for _, rows := range pageSizes {
		stmt, err := s.write.PrepareContext(ctx, p.on(s.engine, rows))
		if err != nil {
			return nil, err
		}
		bySize[rows] = stmt
	}
	return bySize, nil
}

func (w *recordTx) stmt(ctx context.Context, p *pageSQL, rows int) *sql.Stmt {
	return w.db.StmtContext(ctx, w.prepared[p][rows])
}

// pages calls fn with rows that are alike by what they share, in pages and in
// their order.
func pages[T any, K comparable](rows []T, share func(*T) K, fn func(K, []T) error) error {
	for _, group := range alike(rows, share) {
		for _, size := range pageSizes {
			for len(group.rows) >= size {
				if err := fn(group.shared, group.rows[:size]); err != nil {
					return err
				}
				group.rows = group.rows[size:]
			}
		}
	}
	return nil
}

// together is for rows that share nothing: they are one group.
func together[T any](*T) (nothing struct{}) { return nothing }

// group is rows that are alike.
type group[T any, K comparable] struct {
	shared K
	rows   []T
}

// alike puts rows that share the same into groups, each in the order of rows.
func alike[T any, K comparable](rows []T, share func(*T) K) []*group[T, K] {
	var all []*group[T, K]
	var g *group[T, K]
	of := make(map[K]*group[T, K])
	for i := range rows {
		key := share(&rows[i])
		if g == nil || g.shared != key {
			g = of[key]
		}
		if g == nil {
			g = &group[T, K]{shared: key}
			of[key], all = g, append(all, g)
		}
		g.rows = append(g.rows, rows[i])
	}
	return all
}
