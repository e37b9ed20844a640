package store

import (
	"context"
	"fmt"
	"time"

	"github.com/cotahq/cota"
)

// AddVersion adds a version. A number that is taken is reported by Taken.
func (tx *Tx) AddVersion(ctx context.Context, product string, v cota.Version) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO version (product, number, config_id, content, sha256, size, note, author, created_at, needed_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`,
		product, v.Number, v.ConfigID, v.Content, v.SHA256, v.Size, v.Note, v.Author, millis(v.CreatedAt))
	return err
}

// KeepVersions keeps the given versions of a product (all, for none) at least
// until the given time, whatever the history's length: links to them may
// still be out.
func (tx *Tx) KeepVersions(ctx context.Context, product string, until time.Time, numbers ...int64) error {
	const set = `UPDATE version SET needed_until = $2 WHERE product = $1 AND needed_until < $2`
	if len(numbers) == 0 {
		_, err := tx.db.ExecContext(ctx, set, product, millis(until))
		return err
	}
	for _, n := range numbers {
		if _, err := tx.db.ExecContext(ctx, set+` AND number = $3`, product, millis(until), n); err != nil {
			return err
		}
	}
	return nil
}

// PruneVersions drops the versions below least that no link can need at now
// and that are not what the product's devices converge to.
func (tx *Tx) PruneVersions(ctx context.Context, product string, least int64, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `
		DELETE FROM version WHERE product = $1 AND number < $2 AND needed_until < $3
		AND number NOT IN (
			SELECT push.version FROM push JOIN product ON product.push = push.no WHERE product.key = $1)`,
		product, least, millis(now))
	return err
}

const (
	versionColumns = `number, config_id, content, sha256, size, note, author, created_at,
		EXISTS (SELECT 1 FROM push WHERE push.product = version.product AND push.version = version.number)`
	versionHead = `number, config_id, '', sha256, size, note, author, created_at,
		EXISTS (SELECT 1 FROM push WHERE push.product = version.product AND push.version = version.number)`
)

func scanVersion(row scanner) (v cota.Version, err error) {
	var created int64
	err = row.Scan(&v.Number, &v.ConfigID, &v.Content, &v.SHA256, &v.Size, &v.Note, &v.Author, &created, &v.Pushed)
	v.CreatedAt = timeOf(created)
	return v, err
}

// Version is a version of a product with its content. Content that is not what
// was saved is an error: devices would fetch it, refuse it and fetch it again.
func (q queries) Version(ctx context.Context, product string, number int64) (cota.Version, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+versionColumns+` FROM version WHERE product = $1 AND number = $2`, product, number)
	v, err := one(row, scanVersion, "no version %d of product %s", number, product)
	if err == nil && cota.Digest(v.Content) != v.SHA256 {
		err = fmt.Errorf("version %d of product %s is %w", number, product, errDamaged)
	}
	return v, err
}

// VersionHead is Version without the content.
func (q queries) VersionHead(ctx context.Context, product string, number int64) (cota.Version, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+versionHead+` FROM version WHERE product = $1 AND number = $2`, product, number)
	return one(row, scanVersion, "no version %d of product %s", number, product)
}

// Versions lists up to limit versions of a product below the given number
// (0: from the newest), newest first, without their contents.
func (q queries) Versions(ctx context.Context, product string, below int64, limit int) ([]cota.Version, error) {
	if below == 0 {
		below = newest
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+versionHead+` FROM version
		WHERE product = $1 AND number < $2 ORDER BY number DESC LIMIT $3`, product, below, limit)
	return collect(rows, err, scanVersion)
}

// VersionByConfigID is the version of a product that devices know by this
// name, without its content.
func (q queries) VersionByConfigID(ctx context.Context, product, configID string) (cota.Version, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+versionHead+` FROM version WHERE product = $1 AND config_id = $2`, product, configID)
	return one(row, scanVersion, "no such configuration of product %s", product)
}
