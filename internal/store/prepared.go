package store

import (
	"context"
	"database/sql"
	"sync"
)

// preparedReads are the readers of SQLite with their statements kept, of which
// there are few texts: to parse one takes longer than to run it, and signing in
// or looking up a device is one statement. What PostgreSQL is asked, pgx keeps
// prepared by itself.
type preparedReads struct {
	*sql.DB
	byText sync.Map // of *sql.Stmt, which close with the DB
}

// stmt is the prepared statement; nil if the text cannot be prepared, so that
// whoever runs it as it is gets the reason.
func (p *preparedReads) stmt(ctx context.Context, query string) *sql.Stmt {
	if kept, ok := p.byText.Load(query); ok {
		return kept.(*sql.Stmt)
	}
	stmt, err := p.DB.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	kept, there := p.byText.LoadOrStore(query, stmt)
	if there {
		stmt.Close() // another was faster
	}
	return kept.(*sql.Stmt)
}

func (p *preparedReads) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := p.stmt(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext does not look whether ctx ends meanwhile: a single row is
// found by an index in microseconds, and to watch for that takes as long.
func (p *preparedReads) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := p.stmt(ctx, query); stmt != nil {
		return stmt.QueryRowContext(context.WithoutCancel(ctx), args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}
