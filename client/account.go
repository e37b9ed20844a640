package client

import (
	"context"
	"iter"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/cotahq/cota"
)

// AccountPatch changes what is not nil.
type AccountPatch struct {
	Role     *cota.Role `json:"role,omitempty"`
	Disabled *bool      `json:"disabled,omitempty"`
	Password *string    `json:"password,omitempty"`
	Phone    *string    `json:"phone,omitempty"` // where its verification codes go; "": nowhere
}

// Accounts lists all accounts, by name.
func (c *Client) Accounts(ctx context.Context) iter.Seq2[cota.Account, error] {
	return list[cota.Account](ctx, c, "accounts", "accounts", nil)
}

// Account is the account with this name.
func (c *Client) Account(ctx context.Context, name string) (cota.Account, error) {
	return call[cota.Account](ctx, c, http.MethodGet, path("accounts", name), nil)
}

// NewAccount is an account to be added.
type NewAccount struct {
	Name     string    `json:"name"`
	Role     cota.Role `json:"role"`
	Password string    `json:"password"`
	Phone    string    `json:"phone,omitempty"` // where its verification codes go; "": nowhere
}

// AddAccount adds an account.
func (c *Client) AddAccount(ctx context.Context, in NewAccount) (cota.Account, error) {
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

// NewToken is a token to be made.
type NewToken struct {
	Name      string         `json:"name"`
	Role      cota.Role      `json:"role"`               // at most one's own
	Scopes    []cota.Scope   `json:"scopes,omitzero"`    // nil: push, if the role may; empty: none
	Networks  []netip.Prefix `json:"networks,omitempty"` // where it may be used; none: anywhere
	ExpiresAt *time.Time     `json:"expiresAt,omitempty"`
}

// AddToken makes a token and returns its secret, which is shown once.
func (c *Client) AddToken(ctx context.Context, in NewToken) (cota.Token, string, error) {
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

// AuditFilter picks lines of the audit log. Its zero fields pick all.
type AuditFilter struct {
	Actor   string // an account, and its tokens
	Action  string // such as "push.start", or all that begins with "push"
	Product string // key of a product: what was done to it or to a device of it
}

// Audit lists who changed what, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[cota.AuditEntry, error] {
	return list[cota.AuditEntry](ctx, c, "audit", "entries", query{"actor": f.Actor, "action": f.Action, "product": f.Product})
}
