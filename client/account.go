package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/cotahq/cota"
)

// AccountPatch changes what is not nil.
type AccountPatch struct {
	Role     *cota.Role `json:"role,omitempty"`
	Disabled *bool      `json:"disabled,omitempty"`
	Password *string    `json:"password,omitempty"`
}

// Accounts lists all accounts, by name.
func (c *Client) Accounts(ctx context.Context) iter.Seq2[cota.Account, error] {
	return list[cota.Account](ctx, c, "accounts", "accounts", nil)
}

// Account is the account with this name.
func (c *Client) Account(ctx context.Context, name string) (cota.Account, error) {
	return call[cota.Account](ctx, c, http.MethodGet, path("accounts", name), nil)
}

// AddAccount adds an account.
func (c *Client) AddAccount(ctx context.Context, name string, role cota.Role, password string) (cota.Account, error) {
	in := struct {
		Name     string    `json:"name"`
		Role     cota.Role `json:"role"`
		Password string    `json:"password"`
	}{name, role, password}
	return call[cota.Account](ctx, c, http.MethodPost, "accounts", in)
}

// SetAccount changes an account and ends its sessions.
func (c *Client) SetAccount(ctx context.Context, name string, patch AccountPatch) (cota.Account, error) {
	return call[cota.Account](ctx, c, http.MethodPatch, path("accounts", name), patch)
}

// RemoveAccount removes an account with its sessions and tokens.
func (c *Client) RemoveAccount(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, path("accounts", name), nil, nil)
}

// Tokens lists one's own tokens, by age; for an administrator, everybody's.
func (c *Client) Tokens(ctx context.Context) iter.Seq2[cota.Token, error] {
	return list[cota.Token](ctx, c, "tokens", "tokens", nil)
}

// AddToken makes a token with at most one's own role, and returns its secret,
// which is shown once. expires may be nil.
func (c *Client) AddToken(ctx context.Context, name string, role cota.Role, expires *time.Time) (cota.Token, string, error) {
	in := struct {
		Name      string     `json:"name"`
		Role      cota.Role  `json:"role"`
		ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	}{name, role, expires}
	var out struct {
		cota.Token
		Secret string `json:"token"`
	}
	err := c.do(ctx, http.MethodPost, "tokens", in, &out)
	return out.Token, out.Secret, err
}

// RemoveToken removes a token: one's own, or anybody's for an administrator.
func (c *Client) RemoveToken(ctx context.Context, id int64) error {
	return c.do(ctx, http.MethodDelete, path("tokens", strconv.FormatInt(id, 10)), nil, nil)
}

// Audit lists who changed what, newest first.
func (c *Client) Audit(ctx context.Context) iter.Seq2[cota.AuditEntry, error] {
	return list[cota.AuditEntry](ctx, c, "audit", "entries", nil)
}
