package store

import (
	"context"
	"time"
)

// Challenge is a second proof that a session was asked for.
type Challenge struct {
	ID        string
	Session   string // its hash
	Account   string
	Phone     string    // the new number that is to be proven; "": the account itself is
	CodeHash  string    // of the last code that was sent; "": none was
	SentAt    time.Time // when; zero: never
	Tries     int64     // wrong codes since
	CreatedAt time.Time
}

const challengeColumns = `id, session, account, phone_sealed, code_hash, sent_at, tries, created_at`

func (q queries) scanChallenge(row scanner) (c Challenge, err error) {
	var sent, created int64
	if err = row.Scan(&c.ID, &c.Session, &c.Account, &c.Phone, &c.CodeHash, &sent, &c.Tries, &created); err != nil {
		return c, err
	}
	c.SentAt, c.CreatedAt = timeOf(sent), timeOf(created)
	c.Phone, err = q.seal.openAny(c.Phone, ownerChallenge(c.ID))
	return c, err
}

// Challenge is the challenge with this id.
func (q queries) Challenge(ctx context.Context, id string) (Challenge, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+challengeColumns+` FROM challenge WHERE id = $1`, id)
	return one(row, q.scanChallenge, "no such challenge")
}

// OpenChallenge is the newest challenge of a session that asks for a proof of
// the account itself and was made after then.
func (q queries) OpenChallenge(ctx context.Context, session string, then time.Time) (Challenge, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+challengeColumns+` FROM challenge
		WHERE session = $1 AND created_at > $2 AND phone_sealed = '' ORDER BY created_at DESC LIMIT 1`, session, millis(then))
	return one(row, q.scanChallenge, "no open challenge")
}

// PutChallenge adds a challenge, or changes its code and tries.
func (tx *Tx) PutChallenge(ctx context.Context, c Challenge) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO challenge (`+challengeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, sent_at = excluded.sent_at, tries = excluded.tries`,
		c.ID, c.Session, c.Account, tx.seal.boxAny(c.Phone, ownerChallenge(c.ID)), c.CodeHash, millis(c.SentAt), c.Tries, millis(c.CreatedAt))
	return err
}

// RemoveChallenge removes a challenge. One that is not there is no error.
func (tx *Tx) RemoveChallenge(ctx context.Context, id string) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM challenge WHERE id = $1`, id)
	return err
}

// RemoveChallenges removes those of an account.
func (tx *Tx) RemoveChallenges(ctx context.Context, account string) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM challenge WHERE account = $1`, account)
	return err
}

// Attempt is what is counted by the hour, for an account.
type Attempt string

// What there is.
const (
	CodeSent  Attempt = "sent"
	CodeWrong Attempt = "wrong"
)

// AddAttempt counts one.
func (tx *Tx) AddAttempt(ctx context.Context, account string, kind Attempt, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `INSERT INTO attempt (account, kind, at) VALUES ($1, $2, $3)`, account, string(kind), millis(now))
	return err
}

// Attempts are those of an account after then, oldest first.
func (q queries) Attempts(ctx context.Context, account string, kind Attempt, then time.Time) ([]time.Time, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT at FROM attempt WHERE account = $1 AND kind = $2 AND at > $3 ORDER BY at`, account, string(kind), millis(then))
	return collect(rows, err, func(row scanner) (time.Time, error) {
		var at int64
		err := row.Scan(&at)
		return timeOf(at), err
	})
}

// PruneChallenges removes the challenges and attempts up to then.
func (tx *Tx) PruneChallenges(ctx context.Context, then time.Time) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM challenge WHERE created_at <= $1`, millis(then)); err != nil {
		return err
	}
	_, err := tx.db.ExecContext(ctx, `DELETE FROM attempt WHERE at <= $1`, millis(then))
	return err
}
