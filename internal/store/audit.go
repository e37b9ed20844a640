package store

import (
	"context"

	"github.com/cotahq/cota"
)

// Audit adds a line to the audit log and sets its id.
func (tx *Tx) Audit(ctx context.Context, a *cota.AuditEntry) (err error) {
	if a.ID, err = tx.next(ctx, "audit", 1); err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `
		INSERT INTO audit (id, at, actor, address, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.ID, millis(a.At), a.Actor, a.Address, a.Action, a.Target, a.Detail)
	return err
}

func scanAudit(row scanner) (a cota.AuditEntry, err error) {
	var at int64
	err = row.Scan(&a.ID, &at, &a.Actor, &a.Address, &a.Action, &a.Target, &a.Detail)
	a.At = timeOf(at)
	return a, err
}

// AuditFilter picks lines of the audit log. Its zero fields pick all.
type AuditFilter struct {
	Actor   string // an account, and its tokens
	Action  string // or the beginning of it, up to a dot: "push" for "push.start"
	Product string // what was done to it or to a device of it
}

// AuditLog lists up to limit lines below the given id (0: from the newest),
// newest first.
func (q queries) AuditLog(ctx context.Context, f AuditFilter, below int64, limit int) ([]cota.AuditEntry, error) {
	if below == 0 {
		below = newest
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT id, at, actor, address, action, target, detail FROM audit
		WHERE id < $1 AND ($2 = '' OR actor = $2 OR actor LIKE $3 ESCAPE '\')
			AND ($4 = '' OR action = $4 OR action LIKE $5 ESCAPE '\')
			AND ($6 = '' OR target = $6 OR target LIKE $7 ESCAPE '\')
		ORDER BY id DESC LIMIT $8`,
		below, f.Actor, likely(f.Actor)+"/%", f.Action, likely(f.Action)+".%", f.Product, likely(f.Product)+"/%", limit)
	return collect(rows, err, scanAudit)
}
