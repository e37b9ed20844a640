package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/cotahq/cota"
)

// maxFaults bounds how many faults of a kind are told one by one.
const maxFaults = 10

// Faults are what a check found, in words: the first few, and how many there
// are.
type Faults struct {
	First []string
	Count int
}

func (f *Faults) add(format string, args ...any) {
	if f.Count++; len(f.First) < maxFaults {
		f.First = append(f.First, fmt.Sprintf(format, args...))
	}
}

// Damage is what is wrong with the files of a SQLite database, and with rows
// that refer to others. PostgreSQL has tools of its own for that.
func (v *View) Damage(ctx context.Context) (f Faults, err error) {
	if v.engine.name != sqliteEngine.name {
		return f, nil
	}
	rows, err := v.pool.QueryContext(ctx, `PRAGMA integrity_check(100)`)
	found, err := collect(rows, err, scanText)
	if damaged(err) {
		f.add("%v", err)
		return f, nil
	}
	if err != nil {
		return f, err
	}
	for _, line := range found {
		for fault := range strings.Lines(line) {
			if fault = strings.TrimSpace(fault); fault != "ok" && fault != "" {
				f.add("%s", fault)
			}
		}
	}
	if f.Count > 0 {
		return f, nil // what refers to what cannot be told
	}
	rows, err = v.pool.QueryContext(ctx, `SELECT "table", parent FROM pragma_foreign_key_check`)
	if err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var table, parent string
		if err := rows.Scan(&table, &parent); err != nil {
			return f, err
		}
		f.add("a row of %s refers to one of %s that is not there", table, parent)
	}
	return f, rows.Err()
}

// Miscounts are the counts that differ from a recount, at one moment.
func (v *View) Miscounts(ctx context.Context) (f Faults, err error) {
	err = v.atOnce(ctx, func(q queries) error {
		for _, check := range []func(context.Context, *Faults) error{q.miscountedDevices, q.miscountedPushes, q.impossiblePushes, q.usedIDs} {
			if err := check(ctx, &f); err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

func (q queries) miscountedDevices(ctx context.Context, f *Faults) error {
	return q.each(ctx, `
		SELECT COALESCE(product.key, counted.product), COALESCE(product.devices, 0), COALESCE(counted.n, 0)
		FROM product FULL JOIN (SELECT product, count(*) AS n FROM device GROUP BY product) AS counted ON counted.product = product.key
		WHERE COALESCE(product.devices, 0) <> COALESCE(counted.n, 0) ORDER BY 1`,
		func(rows *sql.Rows) error {
			var key string
			var says, is int64
			err := rows.Scan(&key, &says, &is)
			f.add("product %s counts %d devices; there are %d", key, says, is)
			return err
		})
}

// miscountedPushes compares the pushes that products converge to with where
// their devices stand. The counts of the others are history.
func (q queries) miscountedPushes(ctx context.Context, f *Faults) error {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+pushColumns+` FROM push WHERE no IN (SELECT push FROM product) ORDER BY no`)
	pushes, err := collect(rows, err, scanPush)
	if err != nil {
		return err
	}
	for _, p := range pushes {
		is, err := q.Recount(ctx, p.Product, p.No)
		if err != nil {
			return err
		}
		if p.Total != is.Total {
			f.add("push %d of product %s counts %d devices; there are %d", p.No, p.Product, p.Total, is.Total)
		}
		for rung := cota.Sent; rungCount(&is, rung) != nil; rung++ {
			if says, is := *rungCount(&p.Counts, rung), *rungCount(&is, rung); says != is {
				f.add("push %d of product %s counts %d devices as %s; there are %d", p.No, p.Product, says, rung, is)
			}
		}
	}
	return q.each(ctx, `SELECT key, push FROM product WHERE push <> 0 AND push NOT IN (SELECT no FROM push)`, func(rows *sql.Rows) error {
		var key string
		var no int64
		err := rows.Scan(&key, &no)
		f.add("product %s converges to push %d, which is not there", key, no)
		return err
	})
}

func (q queries) impossiblePushes(ctx context.Context, f *Faults) error {
	return q.each(ctx, `
		SELECT no, product, state = 'running' AND no NOT IN (SELECT push FROM product) AS alone FROM push
		WHERE sent < 0 OR received < 0 OR fetched < 0 OR applied < 0 OR failed < 0
			OR sent + received + fetched + applied + failed > total
			OR state = 'running' AND no NOT IN (SELECT push FROM product) ORDER BY no`,
		func(rows *sql.Rows) error {
			var no int64
			var product string
			var alone bool
			err := rows.Scan(&no, &product, &alone)
			if alone {
				f.add("push %d runs, but its product %s does not converge to it", no, product)
			} else {
				f.add("push %d of product %s has counts that cannot be", no, product)
			}
			return err
		})
}

// numbered are the columns whose numbers a counter gives out.
var numbered = []struct{ counter, table, column string }{
	{"device", "device", "id"}, {"push", "push", "no"}, {"audit", "audit", "id"},
	{"token", "token", "id"}, {"signing_key", "signing_key", "id"}, {"node", "node", "id"},
}

// usedIDs finds counters that would give out a number that is in use.
func (q queries) usedIDs(ctx context.Context, f *Faults) error {
	for _, n := range numbered {
		var used, next int64
		err := q.db.QueryRowContext(ctx, `
			SELECT (SELECT COALESCE(max(`+n.column+`), 0) FROM `+n.table+`),
				COALESCE((SELECT value FROM counter WHERE name = $1), 0)`, n.counter).Scan(&used, &next)
		if err != nil {
			return err
		}
		if used > next {
			f.add("the counter of %s stands at %d, but number %d is in use", n.counter, next, used)
		}
	}
	return nil
}

// BadVersions are the configurations that are not what their digest, which
// devices check, says.
func (v *View) BadVersions(ctx context.Context) (f Faults, err error) {
	err = v.each(ctx, `SELECT product, number, content, sha256, size FROM version ORDER BY product, number`, func(rows *sql.Rows) error {
		var product, content, digest string
		var number, size int64
		if err := rows.Scan(&product, &number, &content, &digest, &size); err != nil {
			return err
		}
		if cota.Digest(content) != digest || int64(len(content)) != size {
			f.add("version %d of product %s is not what its SHA-256 and size say", number, product)
		}
		return nil
	})
	return f, err
}

// Closed are the secrets that the keys of this view do not open. old is how
// many of the others were sealed with one of the older keys.
func (v *View) Closed(ctx context.Context) (f Faults, opened, old int, err error) {
	for _, c := range sealedColumns {
		err := v.each(ctx, `
			SELECT `+c.column+`, `+strings.Join(c.of, ", ")+` FROM `+c.table+` WHERE `+c.column+` <> ''`, func(rows *sql.Rows) error {
			var box string
			of := make([]string, len(c.of))
			dest := []any{&box}
			for i := range of {
				dest = append(dest, &of[i])
			}
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			switch _, key, err := v.seal.openBy(box, c.owner(of)); {
			case err != nil:
				f.add("%v", err)
			case key > 0:
				old++
				fallthrough
			default:
				opened++
			}
			return nil
		})
		if err != nil {
			return f, opened, old, err
		}
	}
	return f, opened, old, nil
}

// each calls fn for every row, and ends with the first error.
func (q queries) each(ctx context.Context, query string, fn func(*sql.Rows) error) error {
	rows, err := q.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
