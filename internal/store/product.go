package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cotahq/cota"
)

// AddProduct adds a product with its ProductSecret. A taken name is reported
// by Taken.
func (tx *Tx) AddProduct(ctx context.Context, p cota.Product, secret string) error {
	policy, err := json.Marshal(p.Policy)
	if err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `
		INSERT INTO product (key, instance, name, secret_sealed, enabled, policy, current, push, devices, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $7)`,
		p.Key, p.Instance, p.Name, tx.seal.box(secret, ownerProduct(p.Key)), p.Enabled, string(policy), millis(p.CreatedAt))
	return err
}

// SetProduct writes the name, switch, policy, current version, push and time
// of update of a product.
func (tx *Tx) SetProduct(ctx context.Context, p cota.Product) error {
	policy, err := json.Marshal(p.Policy)
	if err != nil {
		return err
	}
	res, err := tx.db.ExecContext(ctx, `
		UPDATE product SET name = $2, enabled = $3, policy = $4, current = $5, push = $6, updated_at = $7 WHERE key = $1`,
		p.Key, p.Name, p.Enabled, string(policy), p.Current, p.Push, millis(p.UpdatedAt))
	return must(res, err, "no product %s", p.Key)
}

// RemoveProduct removes a product that has no devices, with its versions,
// pushes and CA.
func (tx *Tx) RemoveProduct(ctx context.Context, key string) error {
	for _, sql := range []string{
		`DELETE FROM version WHERE product = $1`,
		`DELETE FROM push_progress WHERE push IN (SELECT no FROM push WHERE product = $1)`,
		`DELETE FROM product_ca WHERE product = $1`,
		`DELETE FROM revoked WHERE product = $1`,
		`DELETE FROM push WHERE product = $1`,
	} {
		if _, err := tx.db.ExecContext(ctx, sql, key); err != nil {
			return err
		}
	}
	res, err := tx.db.ExecContext(ctx, `DELETE FROM product WHERE key = $1 AND devices = 0`, key)
	return must(res, err, "no product %s without devices", key)
}

const productColumns = `key, instance, name, enabled, policy, current, push, devices, created_at, updated_at,
	dynamic_registration, without_pre_registration`

func scanProduct(row scanner) (p cota.Product, err error) {
	var policy string
	var created, updated int64
	if err = row.Scan(&p.Key, &p.Instance, &p.Name, &p.Enabled, &policy, &p.Current, &p.Push, &p.Devices, &created, &updated,
		&p.DynamicRegistration, &p.WithoutPreRegistration); err != nil {
		return p, err
	}
	p.CreatedAt, p.UpdatedAt = timeOf(created), timeOf(updated)
	if err := json.Unmarshal([]byte(policy), &p.Policy); err != nil {
		return p, fmt.Errorf("read the policy of product %s: %w", p.Key, err)
	}
	return p, nil
}

// Product is the product with this key.
func (q queries) Product(ctx context.Context, key string) (cota.Product, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+productColumns+` FROM product WHERE key = $1`, key)
	return one(row, scanProduct, "no product %s", key)
}

// ProductSecret is the secret that a product's devices may register with.
func (q queries) ProductSecret(ctx context.Context, key string) (string, error) {
	row := q.db.QueryRowContext(ctx, `SELECT secret_sealed FROM product WHERE key = $1`, key)
	box, err := one(row, scanText, "no product %s", key)
	if err != nil {
		return "", err
	}
	return q.seal.open(box, ownerProduct(key))
}

// ProductFilter picks products. Its zero fields pick all.
type ProductFilter struct {
	Instance string
	// Search is a part of the name, in any case, or the beginning of the key.
	Search string
}

// Products lists up to limit products after the given key, by key.
func (q queries) Products(ctx context.Context, f ProductFilter, after string, limit int) ([]cota.Product, error) {
	part := likely(f.Search)
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+productColumns+` FROM product
		WHERE key > $1 AND ($2 = '' OR instance = $2)
			AND ($3 = '' OR lower(name) LIKE lower($4) ESCAPE '\' OR lower(key) LIKE lower($5) ESCAPE '\')
		ORDER BY key LIMIT $6`, after, f.Instance, f.Search, "%"+part+"%", part+"%", limit)
	return collect(rows, err, scanProduct)
}

// likely is s as LIKE takes it literally.
func likely(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// countDevices moves the count of registered devices, and with it the size of
// the push that they converge to. A push of which the last device that had
// not reached an end is taken away is completed.
func (tx *Tx) countDevices(ctx context.Context, product string, n int, now time.Time) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE product SET devices = devices + $2, updated_at = $3 WHERE key = $1`, product, n, millis(now))
	if err := must(res, err, "no product %s", product); err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `
		UPDATE push SET total = total + $2,
			state = CASE WHEN state = 'running' AND $2 < 0 AND applied + failed >= total + $2 THEN 'completed' ELSE state END,
			ended_at = CASE WHEN state = 'running' AND $2 < 0 AND applied + failed >= total + $2 THEN $3 ELSE ended_at END
		WHERE no = (SELECT push FROM product WHERE key = $1)`, product, n, millis(now))
	return err
}

func scanText(row scanner) (s string, err error) { err = row.Scan(&s); return s, err }

func scanInt(row scanner) (n int64, err error) { err = row.Scan(&n); return n, err }
