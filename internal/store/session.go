package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// sessionID is how much of a session's hash is its id: enough to tell the
// sessions of an account apart, and of no use to sign in with.
const sessionID = 16

// AddSession adds a session of an account under the hash of its secret, which
// also makes its id.
func (tx *Tx) AddSession(ctx context.Context, hash, account string, s cota.Session) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO session (hash, account, address, browser, created_at, seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $5, $6)`,
		hash, account, s.Address, storable(s.Browser), millis(s.CreatedAt), millis(s.ExpiresAt))
	return err
}

// SeeSession remembers that a session was used at now.
func (tx *Tx) SeeSession(ctx context.Context, hash string, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `UPDATE session SET seen_at = $2 WHERE hash = $1 AND seen_at < $2`, hash, millis(now))
	return err
}

// RemoveSession ends a session. One that is not there is no error.
func (tx *Tx) RemoveSession(ctx context.Context, hash string) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE hash = $1`, hash)
	return err
}

// RemoveSessionOf ends the session of an account that has this id.
func (tx *Tx) RemoveSessionOf(ctx context.Context, account, id string) error {
	res, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE account = $1 AND substr(hash, 1, $2) = $3`, account, sessionID, id)
	return must(res, err, "no session %s of yours", id)
}

// RemoveOtherSessions ends the sessions of an account but for the one with this
// hash, and returns how many there were.
func (tx *Tx) RemoveOtherSessions(ctx context.Context, account, hash string) (n int64, err error) {
	res, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE account = $1 AND hash <> $2`, account, hash)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// RemoveSessions ends all sessions of an account, with what they were asked.
func (tx *Tx) RemoveSessions(ctx context.Context, account string) error {
	if err := tx.RemoveChallenges(ctx, account); err != nil {
		return err
	}
	_, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE account = $1`, account)
	return err
}

// PruneSessions removes the sessions and tokens that have expired at now, and
// the sessions that were not used since idle; the zero time: however long.
func (tx *Tx) PruneSessions(ctx context.Context, now, idle time.Time) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM session WHERE NOT `+sessionLives, millis(now), millis(idle)); err != nil {
		return err
	}
	_, err := tx.db.ExecContext(ctx, `DELETE FROM token WHERE expires_at <> 0 AND expires_at <= $1`, millis(now))
	return err
}

// sessionLives wants the time as $1, and since when a session must have been
// used as $2. The cota before this one did not say when it was.
const sessionLives = `(session.expires_at > $1 AND (session.seen_at > $2 OR session.created_at > $2))`

// SessionAccount is the account that is signed in by the session with this hash
// at now, if it is not disabled and the session was used since idle; and when
// it was.
func (q queries) SessionAccount(ctx context.Context, hash string, now, idle time.Time) (a cota.Account, seen time.Time, err error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+accountColumns+`, session.seen_at
		FROM session JOIN account ON account.name = session.account
		WHERE `+sessionLives+` AND session.hash = $3 AND NOT account.disabled`, millis(now), millis(idle), hash)
	var seenAt int64
	a, err = one(row, func(row scanner) (cota.Account, error) { return scanAccount(also{row, &seenAt}) }, "no such session")
	return a, timeOf(seenAt), err
}

// Sessions lists up to limit sessions of an account that live at now and were
// used since idle, the newest first. That with the hash current is marked.
func (q queries) Sessions(ctx context.Context, account, current string, now, idle time.Time, limit int) ([]cota.Session, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT substr(hash, 1, $3), address, browser, created_at, seen_at, expires_at, hash = $4 FROM session
		WHERE `+sessionLives+` AND account = $5 ORDER BY created_at DESC, hash LIMIT $6`,
		millis(now), millis(idle), sessionID, current, account, limit)
	return collect(rows, err, func(row scanner) (s cota.Session, err error) {
		var created, seen, expires int64
		err = row.Scan(&s.ID, &s.Address, &s.Browser, &created, &seen, &expires, &s.Current)
		s.CreatedAt, s.SeenAt, s.ExpiresAt = timeOf(created), timeOf(max(created, seen)), timeOf(expires)
		return s, err
	})
}
