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

// AuditLog lists up to limit lines below the given id (0: from the newest),
// newest first.
func (q queries) AuditLog(ctx context.Context, below int64, limit int) ([]cota.AuditEntry, error) {
	if below == 0 {
		below = newest
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT id, at, actor, address, action, target, detail FROM audit
		WHERE id < $1 ORDER BY id DESC LIMIT $2`, below, limit)
	return collect(rows, err, scanAudit)
}
