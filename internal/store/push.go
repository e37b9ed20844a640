package store

import (
	"context"
	"errors"
	"time"

	"github.com/cotahq/cota"
)

// AddPush starts a push: one row, however many devices. The push's number is
// made here; its total is the number of registered devices, all pending. A
// version that was pushed before, or a push that runs beside it, is reported
// by Taken.
func (tx *Tx) AddPush(ctx context.Context, p *cota.Push) error {
	no, err := tx.next(ctx, "push", 1)
	if err != nil {
		return err
	}
	p.No, p.State = no, cota.Running
	row := tx.db.QueryRowContext(ctx, `
		INSERT INTO push (no, product, version, state, total, sent, received, fetched, applied, failed,
			started_by, started_at, ended_at, reason)
		SELECT CAST($1 AS BIGINT), key, CAST($3 AS BIGINT), CAST($4 AS TEXT), devices, 0, 0, 0, 0, 0,
			CAST($5 AS TEXT), CAST($6 AS BIGINT), 0, ''
		FROM product WHERE key = $2
		RETURNING total`,
		no, p.Product, p.Version, string(p.State), p.StartedBy, millis(p.StartedAt))
	p.Total, err = one(row, scanInt, "no product %s", p.Product)
	p.Pending = p.Total
	return err
}

// EndPush ends the running push of a product, if there is one, and says
// whether there was.
func (tx *Tx) EndPush(ctx context.Context, product string, state cota.PushState, reason string, at time.Time) (bool, error) {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE push SET state = $2, reason = $3, ended_at = $4 WHERE product = $1 AND state = 'running'`,
		product, string(state), reason, millis(at))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

const pushColumns = `no, product, (SELECT name FROM product WHERE key = push.product), version, state, total, sent, received, fetched, applied, failed,
	started_by, started_at, ended_at, reason`

func scanPush(row scanner) (p cota.Push, err error) {
	var started, ended int64
	err = row.Scan(&p.No, &p.Product, &p.ProductName, &p.Version, &p.State, &p.Total, &p.Sent, &p.Received, &p.Fetched, &p.Applied, &p.Failed,
		&p.StartedBy, &started, &ended, &p.Reason)
	p.StartedAt, p.EndedAt = timeOf(started), timeRef(ended)
	p.Pending = p.Total - p.Sent - p.Received - p.Fetched - p.Applied - p.Failed
	return p, err
}

// Push is the push with this number.
func (q queries) Push(ctx context.Context, no int64) (cota.Push, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+pushColumns+` FROM push WHERE no = $1`, no)
	return one(row, scanPush, "no push %d", no)
}

// PushFilter picks pushes. Its zero fields pick all.
type PushFilter struct {
	Product string
	State   cota.PushState
}

// Pushes lists up to limit pushes below the given number (0: from the newest),
// newest first.
func (q queries) Pushes(ctx context.Context, f PushFilter, below int64, limit int) ([]cota.Push, error) {
	if below == 0 {
		below = newest
	}
	if f.Product == "" {
		rows, err := q.db.QueryContext(ctx, `
			SELECT `+pushColumns+` FROM push WHERE no < $1 AND ($2 = '' OR state = $2) ORDER BY no DESC LIMIT $3`,
			below, string(f.State), limit)
		return collect(rows, err, scanPush)
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+pushColumns+` FROM push
		WHERE product = $1 AND no < $2 AND ($3 = '' OR state = $3) ORDER BY no DESC LIMIT $4`,
		f.Product, below, string(f.State), limit)
	return collect(rows, err, scanPush)
}

// LastPushes are the newest pushes of the products whose keys are within first
// and last, by product.
func (q queries) LastPushes(ctx context.Context, first, last string) (map[string]cota.Push, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+pushColumns+` FROM push
		WHERE no IN (SELECT max(no) FROM push WHERE product >= $1 AND product <= $2 GROUP BY product)`, first, last)
	all, err := collect(rows, err, scanPush)
	of := make(map[string]cota.Push, len(all))
	for _, p := range all {
		of[p.Product] = p
	}
	return of, err
}

// Progress is when ever more devices of a push had applied it, by percent. Of
// percents that were passed at once only the highest is there.
func (q queries) Progress(ctx context.Context, push int64) ([]cota.Milestone, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT percent, at FROM push_progress WHERE push = $1 ORDER BY percent`, push)
	return collect(rows, err, func(row scanner) (m cota.Milestone, err error) {
		var at int64
		err = row.Scan(&m.Percent, &at)
		m.At = timeOf(at)
		return m, err
	})
}

// LastPush is the newest push of a product; nil if there was none.
func (q queries) LastPush(ctx context.Context, product string) (*cota.Push, error) {
	return q.newestPush(ctx, `SELECT `+pushColumns+` FROM push WHERE product = $1 ORDER BY no DESC LIMIT 1`, product)
}

// LastTold is the newest push of a product that told any device anything, also
// one that was removed since; nil if there was none. The cool-down counts from
// its start.
func (q queries) LastTold(ctx context.Context, product string) (*cota.Push, error) {
	return q.newestPush(ctx, `
		SELECT `+pushColumns+` FROM push
		WHERE product = $1 AND told ORDER BY no DESC LIMIT 1`, product)
}

func (q queries) newestPush(ctx context.Context, sql, product string) (*cota.Push, error) {
	p, err := one(q.db.QueryRowContext(ctx, sql, product), scanPush, "no push of product %s", product)
	if e, ok := errors.AsType[*cota.Error](err); ok && e.Code == cota.NotFound {
		return nil, nil
	}
	return &p, err
}

// Recount counts where the registered devices of a product stand in push,
// from the devices themselves. It equals the push's own counts as long as the
// product's devices converge to it.
func (q queries) Recount(ctx context.Context, product string, push int64) (c cota.Counts, err error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT CASE WHEN push = $2 THEN state ELSE 0 END, count(*) FROM device WHERE product = $1 GROUP BY 1`, product, push)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var rung cota.Rung
		var n int64
		if err := rows.Scan((*int)(&rung), &n); err != nil {
			return c, err
		}
		c.Total += n
		if at := rungCount(&c, rung); at != nil {
			*at = n
		}
	}
	return c, rows.Err()
}

// rungCount is the count of c that belongs to rung.
func rungCount(c *cota.Counts, rung cota.Rung) *int64 {
	switch rung {
	case cota.Pending:
		return &c.Pending
	case cota.Sent:
		return &c.Sent
	case cota.Received:
		return &c.Received
	case cota.Fetched:
		return &c.Fetched
	case cota.Applied:
		return &c.Applied
	case cota.Failed:
		return &c.Failed
	}
	return nil
}

// PushOfVersion is the number of the push that delivered a version; 0 if none
// did.
func (q queries) PushOfVersion(ctx context.Context, product string, version int64) (no int64, err error) {
	err = q.db.QueryRowContext(ctx, `
		SELECT COALESCE(max(no), 0) FROM push WHERE product = $1 AND version = $2`, product, version).Scan(&no)
	return no, err
}
