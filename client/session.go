package client

import (
	"context"
	"net/http"

	"github.com/cotahq/cota"
)

// Me is who a client acts for.
type Me struct {
	Account cota.Account `json:"account"`
	Role    cota.Role    `json:"role"`    // what it may do: the lesser of the account's and the token's
	Token   string       `json:"token"`   // the token's name; "" for a session
	Trusted bool         `json:"trusted"` // no second proof is needed now
}

// SignIn signs in with an account's name and password. A client made without
// a token acts for this account from then on, until SignOut.
func (c *Client) SignIn(ctx context.Context, name, password string) (cota.Account, error) {
	in := struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}{name, password}
	var out struct {
		Account cota.Account `json:"account"`
	}
	err := c.do(ctx, http.MethodPost, "session", in, &out)
	return out.Account, err
}

// SignOut ends the session that SignIn began.
func (c *Client) SignOut(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "session", nil, nil)
}

// Me is who this client acts for.
func (c *Client) Me(ctx context.Context) (Me, error) {
	return call[Me](ctx, c, http.MethodGet, "me", nil)
}

// Sessions lists the sessions of the account that this client acts for, the
// newest first.
func (c *Client) Sessions(ctx context.Context) ([]cota.Session, error) {
	out, err := call[struct {
		Sessions []cota.Session `json:"sessions"`
	}](ctx, c, http.MethodGet, "me/sessions", nil)
	return out.Sessions, err
}

// EndSession ends one of them.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, path("me", "sessions", id), nil, nil)
}

// EndOtherSessions ends all of them but the one that this client acts by.
func (c *Client) EndOtherSessions(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "me/sessions", nil, nil)
}

// ChangePassword changes the password of the account that this client acts
// for. All the account's sessions end, this client's too; tokens stay.
func (c *Client) ChangePassword(ctx context.Context, old, new string) error {
	in := struct {
		Old string `json:"old"`
		New string `json:"new"`
	}{old, new}
	return c.do(ctx, http.MethodPatch, "me/password", in, nil)
}

// Server is what a server says of itself.
type Server struct {
	Version  string `json:"version"`
	MQTTPort int    `json:"mqttPort"` // where devices connect
	FilesURL string `json:"filesUrl"` // where they download configurations
}

// Server shows where devices find the server.
func (c *Client) Server(ctx context.Context) (Server, error) {
	return call[Server](ctx, c, http.MethodGet, "server", nil)
}
