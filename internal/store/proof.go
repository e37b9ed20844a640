package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// Proofs are how an account proves who it is, beside its password. The zero
// value has no way to.
type Proofs struct {
	Phone    string // "": none
	TOTP     string // the authenticator's secret; "": none
	TOTPStep int64  // of the last code that was taken
	NewTOTP  string // one that is not confirmed yet; "": none

	RecoveryHash  string // of the code that was made on the server's own machine; "": none
	RecoveryUntil time.Time
}

// Proofs are those of an account.
func (q queries) Proofs(ctx context.Context, account string) (p Proofs, err error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT phone_sealed, totp_sealed, totp_step, totp_new_sealed, recovery_hash, recovery_until
		FROM account WHERE name = $1`, account)
	return one(row, func(row scanner) (p Proofs, err error) {
		var until int64
		if err = row.Scan(&p.Phone, &p.TOTP, &p.TOTPStep, &p.NewTOTP, &p.RecoveryHash, &until); err != nil {
			return p, err
		}
		p.RecoveryUntil = timeOf(until)
		for _, s := range []struct {
			box   *string
			owner string
		}{{&p.Phone, ownerPhone(account)}, {&p.TOTP, ownerTOTP(account)}, {&p.NewTOTP, ownerTOTP(account)}} {
			if *s.box, err = q.seal.openAny(*s.box, s.owner); err != nil {
				return p, err
			}
		}
		return p, nil
	}, "no account %s", account)
}

// SetProofs changes how an account proves who it is.
func (tx *Tx) SetProofs(ctx context.Context, account string, p Proofs) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE account SET phone = $2, phone_sealed = $3, totp_sealed = $4, totp_step = $5, totp_new_sealed = $6,
			recovery_hash = $7, recovery_until = $8
		WHERE name = $1`, account, cota.MaskPhone(p.Phone), tx.seal.boxAny(p.Phone, ownerPhone(account)),
		tx.seal.boxAny(p.TOTP, ownerTOTP(account)), p.TOTPStep, tx.seal.boxAny(p.NewTOTP, ownerTOTP(account)),
		p.RecoveryHash, millis(p.RecoveryUntil))
	return must(res, err, "no account %s", account)
}

// Trust records that a browser passed a verification for an account.
func (tx *Tx) Trust(ctx context.Context, account, browser, network string, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO trust (account, browser, network, proven_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, browser, network) DO UPDATE SET proven_at = excluded.proven_at`,
		account, browser, network, millis(now))
	return err
}

// ProvenAt is when a browser last passed a verification for an account from a
// network; the zero time if it never did.
func (q queries) ProvenAt(ctx context.Context, account, browser, network string) (time.Time, error) {
	var at int64
	err := q.db.QueryRowContext(ctx, `
		SELECT COALESCE(MAX(proven_at), 0) FROM trust WHERE account = $1 AND browser = $2 AND network = $3`,
		account, browser, network).Scan(&at)
	return timeOf(at), err
}

// RemoveTrust forgets where an account passed verifications.
func (tx *Tx) RemoveTrust(ctx context.Context, account string) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM trust WHERE account = $1`, account)
	return err
}

// PruneTrust forgets the verifications that were passed up to then.
func (tx *Tx) PruneTrust(ctx context.Context, then time.Time) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM trust WHERE proven_at <= $1`, millis(then))
	return err
}
