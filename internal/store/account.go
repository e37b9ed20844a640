package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// AddAccount adds an account with the hash of its password. A taken name is
// reported by Taken.
func (tx *Tx) AddAccount(ctx context.Context, a cota.Account, password string) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO account (name, role, password, disabled, created_at) VALUES ($1, $2, $3, $4, $5)`,
		a.Name, a.Role.String(), password, a.Disabled, millis(a.CreatedAt))
	return err
}

// SetAccount changes the role of an account and whether it is disabled.
func (tx *Tx) SetAccount(ctx context.Context, a cota.Account) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE account SET role = $2, disabled = $3 WHERE name = $1`, a.Name, a.Role.String(), a.Disabled)
	return must(res, err, "no account %s", a.Name)
}

// SetPassword changes the hash of an account's password.
func (tx *Tx) SetPassword(ctx context.Context, name, password string) error {
	res, err := tx.db.ExecContext(ctx, `UPDATE account SET password = $2 WHERE name = $1`, name, password)
	return must(res, err, "no account %s", name)
}

// RemoveAccount removes an account with its sessions and tokens, and where it
// was trusted.
func (tx *Tx) RemoveAccount(ctx context.Context, name string) error {
	if err := tx.RemoveSessions(ctx, name); err != nil {
		return err
	}
	if err := tx.RemoveTrust(ctx, name); err != nil {
		return err
	}
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM token WHERE account = $1`, name); err != nil {
		return err
	}
	res, err := tx.db.ExecContext(ctx, `DELETE FROM account WHERE name = $1`, name)
	return must(res, err, "no account %s", name)
}

const accountColumns = `account.name, account.role, account.disabled, account.phone, account.totp_sealed <> '', account.created_at`

func scanAccount(row scanner) (a cota.Account, err error) {
	var role string
	var created int64
	if err = row.Scan(&a.Name, &role, &a.Disabled, &a.Phone, &a.TOTP, &created); err != nil {
		return a, err
	}
	a.CreatedAt = timeOf(created)
	a.Role, err = cota.ParseRole(role)
	return a, err
}

// Account is the account with this name.
func (q queries) Account(ctx context.Context, name string) (cota.Account, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM account WHERE name = $1`, name)
	return one(row, scanAccount, "no account %s", name)
}

// Password is the hash of an account's password.
func (q queries) Password(ctx context.Context, name string) (string, error) {
	row := q.db.QueryRowContext(ctx, `SELECT password FROM account WHERE name = $1`, name)
	return one(row, scanText, "no account %s", name)
}

// Accounts lists up to limit accounts after the given name, by name.
func (q queries) Accounts(ctx context.Context, after string, limit int) ([]cota.Account, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+accountColumns+` FROM account WHERE name > $1 ORDER BY name LIMIT $2`, after, limit)
	return collect(rows, err, scanAccount)
}

// AddToken adds a token under the hash of its secret and sets its id.
func (tx *Tx) AddToken(ctx context.Context, t *cota.Token, hash string) (err error) {
	if t.ID, err = tx.next(ctx, "token", 1); err != nil {
		return err
	}
	var expires time.Time
	if t.ExpiresAt != nil {
		expires = *t.ExpiresAt
	}
	_, err = tx.db.ExecContext(ctx, `
		INSERT INTO token (id, hash, name, account, role, scopes, networks, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, hash, t.Name, t.Account, t.Role.String(), joinScopes(t.Scopes), joinNetworks(t.Networks),
		millis(t.CreatedAt), millis(expires))
	return err
}

// RemoveToken removes a token.
func (tx *Tx) RemoveToken(ctx context.Context, id int64) error {
	res, err := tx.db.ExecContext(ctx, `DELETE FROM token WHERE id = $1`, id)
	return must(res, err, "no token %d", id)
}

const tokenColumns = `token.id, token.name, token.account, token.role, token.scopes, token.networks, token.created_at, token.expires_at`

func scanToken(row scanner) (t cota.Token, err error) {
	var role, scopes, networks string
	var created, expires int64
	if err = row.Scan(&t.ID, &t.Name, &t.Account, &role, &scopes, &networks, &created, &expires); err != nil {
		return t, err
	}
	t.Scopes = splitScopes(scopes)
	if t.Networks, err = splitNetworks(networks); err != nil {
		return t, err
	}
	t.CreatedAt, t.ExpiresAt = timeOf(created), timeRef(expires)
	t.Role, err = cota.ParseRole(role)
	return t, err
}

// Token is the token with this id.
func (q queries) Token(ctx context.Context, id int64) (cota.Token, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM token WHERE id = $1`, id)
	return one(row, scanToken, "no token %d", id)
}

// Tokens lists up to limit tokens of an account ("" for all) after the given
// id, by id.
func (q queries) Tokens(ctx context.Context, account string, after int64, limit int) ([]cota.Token, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+tokenColumns+` FROM token
		WHERE id > $1 AND ($2 = '' OR account = $2) ORDER BY id LIMIT $3`, after, account, limit)
	return collect(rows, err, scanToken)
}

// TokenByHash is the token with this hash, and its account's role, if neither
// has expired nor been disabled at now.
func (q queries) TokenByHash(ctx context.Context, hash string, now time.Time) (t cota.Token, role cota.Role, err error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+tokenColumns+`, account.role FROM token JOIN account ON account.name = token.account
		WHERE token.hash = $1 AND (token.expires_at = 0 OR token.expires_at > $2) AND NOT account.disabled`, hash, millis(now))
	var name string
	t, err = one(row, func(row scanner) (cota.Token, error) {
		return scanToken(also{row, &name})
	}, "no such token")
	if err != nil {
		return t, 0, err
	}
	role, err = cota.ParseRole(name)
	return t, role, err
}

// also scans one more column behind those that a scan function knows.
type also struct {
	scanner
	last any
}

func (a also) Scan(dest ...any) error { return a.scanner.Scan(append(dest, a.last)...) }

// CountAdmins is how many administrators are not disabled.
func (q queries) CountAdmins(ctx context.Context) (n int, err error) {
	err = q.db.QueryRowContext(ctx, `SELECT count(*) FROM account WHERE role = 'admin' AND NOT disabled`).Scan(&n)
	return n, err
}
