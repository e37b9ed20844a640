package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// SessionLife is how long a session lasts.
const SessionLife = 12 * time.Hour

// tokenPrefix makes a token known at sight, to people and to scanners for
// leaked secrets.
const tokenPrefix = "cota_"

var errLogin = cota.Errorf(cota.Unauthenticated, "unknown account or wrong password")

// OpenSession signs an account in with its password and returns the secret of
// its session, which is always a new one. before is the secret of the session
// that the same browser came with, "" for none: it ends.
func (c *Control) OpenSession(ctx context.Context, name, password, address, before string) (secret string, a cota.Account, err error) {
	if a, err = c.checkLogin(ctx, name, password); err != nil {
		return "", a, err
	}
	by := Actor{Name: a.Name, Account: a.Name, Role: a.Role, Address: address}
	secret, hash := newSecret("")
	err = c.change(ctx, by, "session.open", a.Name, func(tx *store.Tx) (string, error) {
		if before != "" {
			if err := tx.RemoveSession(ctx, hashSecret(before)); err != nil {
				return "", err
			}
		}
		now := time.Now()
		return "", tx.AddSession(ctx, hash, a.Name, address, now, now.Add(SessionLife))
	})
	return secret, a, err
}

// checkLogin is the account of this name and password. It does not say which
// of them is wrong, nor does the time it takes.
func (c *Control) checkLogin(ctx context.Context, name, password string) (a cota.Account, err error) {
	if len(password) > cota.PasswordMax {
		return a, errLogin
	}
	hash, err := c.store.Password(ctx, name)
	if cota.CodeOf(err) == cota.NotFound {
		_, err = c.hashPassword(ctx, password)
		if err == nil {
			err = errLogin
		}
		return a, err
	}
	if err != nil {
		return a, err
	}
	ok, err := c.checkPassword(ctx, password, hash)
	if err != nil {
		return a, err
	}
	if a, err = c.store.Account(ctx, name); err != nil {
		return a, err
	}
	if !ok || a.Disabled {
		return a, errLogin
	}
	return a, nil
}

// CloseSession signs out.
func (c *Control) CloseSession(ctx context.Context, by Actor, secret string) error {
	return c.change(ctx, by, "session.close", by.Account, func(tx *store.Tx) (string, error) {
		return "", tx.RemoveSession(ctx, hashSecret(secret))
	})
}

// Session is who acts by a session.
func (c *Control) Session(ctx context.Context, secret, address string) (Actor, error) {
	a, err := c.store.SessionAccount(ctx, hashSecret(secret), time.Now())
	if cota.CodeOf(err) == cota.NotFound {
		return Actor{}, cota.Errorf(cota.Unauthenticated, "the session has ended; sign in again")
	}
	return Actor{Name: a.Name, Account: a.Name, Role: a.Role, Address: address, Session: hashSecret(secret)}, err
}

// AddToken makes a token for the actor's account with at most its role, and
// returns its secret. Of want it takes the name, the role, the scopes (nil:
// push, if the role and the actor may), the networks and the end.
func (c *Control) AddToken(ctx context.Context, by Actor, want cota.Token) (t cota.Token, secret string, err error) {
	t, err = cota.NewToken(want, by.Role, by.Token)
	if err != nil {
		return t, "", err
	}
	t.Account, t.CreatedAt = by.Account, time.Now()
	if t.ExpiresAt != nil && !t.ExpiresAt.After(t.CreatedAt) {
		return t, "", cota.Errorf(cota.Invalid, "the token would have expired already")
	}
	if err := c.prove(ctx, by, "a new token"); err != nil {
		return t, "", err
	}
	secret, hash := newSecret(tokenPrefix)
	err = c.change(ctx, by, "token.add", t.Name, func(tx *store.Tx) (string, error) {
		detail := t.Role.String()
		if len(t.Scopes) > 0 {
			detail += fmt.Sprintf(", scopes %s", t.Scopes)
		}
		if len(t.Networks) > 0 {
			detail += fmt.Sprintf(", networks %s", t.Networks)
		}
		return detail, tx.AddToken(ctx, &t, hash)
	})
	return t, secret, err
}

// RemoveToken removes a token: one's own, or anybody's for an administrator.
func (c *Control) RemoveToken(ctx context.Context, by Actor, id int64) error {
	t, err := c.store.Token(ctx, id)
	if err != nil {
		return err
	}
	if t.Account != by.Account && by.Role < cota.Admin {
		return cota.Errorf(cota.NotFound, "no token %d", id)
	}
	return c.change(ctx, by, "token.remove", t.Name, func(tx *store.Tx) (string, error) {
		return "", tx.RemoveToken(ctx, id)
	})
}

// Token is who acts by a token: its account with the lesser of both roles. It
// is refused outside the networks that it is limited to.
func (c *Control) Token(ctx context.Context, secret, address string) (Actor, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return Actor{}, errToken
	}
	t, role, err := c.store.TokenByHash(ctx, hashSecret(secret), time.Now())
	if cota.CodeOf(err) == cota.NotFound {
		return Actor{}, errToken
	}
	if err == nil {
		err = t.CheckAddress(parseAddress(address))
	}
	if err != nil {
		return Actor{}, err
	}
	return Actor{Name: t.Account + "/" + t.Name, Account: t.Account, Role: min(role, t.Role), Address: address, Token: &t}, nil
}

var errToken = cota.Errorf(cota.Unauthenticated, "the token is not valid; it may have expired or been removed")
