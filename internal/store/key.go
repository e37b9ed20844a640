package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// AddSigningKey adds a key that signs download links from now on. Its id is
// made here.
func (tx *Tx) AddSigningKey(ctx context.Context, secret []byte, now time.Time) error {
	id, err := tx.next(ctx, "signing_key", 1)
	if err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `
		INSERT INTO signing_key (id, secret_sealed, created_at) VALUES ($1, $2, $3)`,
		id, tx.seal.box(string(secret), ownerKey(id)), millis(now))
	return err
}

// SigningKeys are the keys of download links, the newest first: it signs, and
// every one of the last 256 verifies.
func (q queries) SigningKeys(ctx context.Context) ([]cota.SigningKey, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT id, secret_sealed FROM signing_key ORDER BY id DESC LIMIT 256`)
	return collect(rows, err, func(row scanner) (k cota.SigningKey, err error) {
		var id int64
		var box string
		if err := row.Scan(&id, &box); err != nil {
			return k, err
		}
		secret, err := q.seal.open(box, ownerKey(id))
		return cota.SigningKey{ID: byte(id), Secret: []byte(secret)}, err
	})
}
