package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// AddSession adds a session under the hash of its secret.
func (tx *Tx) AddSession(ctx context.Context, hash, account, address string, now, expires time.Time) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO session (hash, account, address, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash, account, address, millis(now), millis(expires))
	return err
}

// RemoveSession ends a session. One that is not there is no error.
func (tx *Tx) RemoveSession(ctx context.Context, hash string) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE hash = $1`, hash)
	return err
}

// RemoveSessions ends all sessions of an account, with what they were asked.
func (tx *Tx) RemoveSessions(ctx context.Context, account string) error {
	if err := tx.RemoveChallenges(ctx, account); err != nil {
		return err
	}
	_, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE account = $1`, account)
	return err
}

// PruneSessions removes the sessions and tokens that have expired at now.
func (tx *Tx) PruneSessions(ctx context.Context, now time.Time) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE expires_at <= $1`, millis(now)); err != nil {
		return err
	}
	_, err := tx.db.ExecContext(ctx, `DELETE FROM token WHERE expires_at <> 0 AND expires_at <= $1`, millis(now))
	return err
}

// SessionAccount is the account that is signed in by the session with this
// hash at now, if it is not disabled.
func (q queries) SessionAccount(ctx context.Context, hash string, now time.Time) (cota.Account, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+accountColumns+`
		FROM session JOIN account ON account.name = session.account
		WHERE session.hash = $1 AND session.expires_at > $2 AND NOT account.disabled`, hash, millis(now))
	return one(row, scanAccount, "no such session")
}
