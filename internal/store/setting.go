package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cotahq/cota"
)

const verificationSetting = "verification"

// Verification is the second proof as it is set; the default if it never was.
func (q queries) Verification(ctx context.Context) (cota.Verification, error) {
	v := cota.DefaultVerification()
	var text string
	err := q.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = $1`, verificationSetting).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &v)
	}
	if err != nil {
		return v, fmt.Errorf("read the verification setting: %w", err)
	}
	return v, nil
}

// SetVerification changes the second proof.
func (tx *Tx) SetVerification(ctx context.Context, v cota.Verification) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `
		INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, verificationSetting, string(text))
	return err
}

// ServerKey is a key of the server by its name: the one that is there, or else
// secret, which is kept from then on.
func (tx *Tx) ServerKey(ctx context.Context, name string, secret []byte, now time.Time) ([]byte, error) {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO server_key (name, secret_sealed, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO NOTHING`, name, tx.seal.box(string(secret), ownerServerKey(name)), millis(now))
	if err != nil {
		return nil, err
	}
	var box string
	if err := tx.db.QueryRowContext(ctx, `SELECT secret_sealed FROM server_key WHERE name = $1`, name).Scan(&box); err != nil {
		return nil, err
	}
	kept, err := tx.seal.open(box, ownerServerKey(name))
	return []byte(kept), err
}
