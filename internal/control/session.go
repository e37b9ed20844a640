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

// How a session's use is put on record.
const (
	seenEvery  = time.Minute // at most
	seenWithin = time.Second // or not: who is signed in must not wait for long
)

// sessionsListed bounds a list of sessions. Who has more may end all of them.
const sessionsListed = 100

// tokenPrefix makes a token known at sight, to people and to scanners for
// leaked secrets.
const tokenPrefix = "cota_"

var errLogin = cota.Errorf(cota.Unauthenticated, "unknown account or wrong password")

// OpenSession signs an account in with its password and returns the secret of
// its session, which is always a new one. from says where it is signed in from,
// and by what browser. before is the secret of the session that the same
// browser came with, "" for none: it ends.
func (c *Control) OpenSession(ctx context.Context, name, password string, from cota.Session, before string) (secret string, a cota.Account, err error) {
	if a, err = c.checkLogin(ctx, name, password); err != nil {
		return "", a, err
	}
	by := Actor{Name: a.Name, Account: a.Name, Role: a.Role, Address: from.Address}
	secret, hash := newSecret("")
	err = c.change(ctx, by, "session.open", a.Name, func(tx *store.Tx) (string, error) {
		if before != "" {
			if err := tx.RemoveSession(ctx, hashSecret(before)); err != nil {
				return "", err
			}
		}
		from.CreatedAt = time.Now()
		from.ExpiresAt = from.CreatedAt.Add(SessionLife)
		return "", tx.AddSession(ctx, hash, a.Name, from)
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
	hash, now := hashSecret(secret), time.Now()
	a, seen, err := c.store.SessionAccount(ctx, hash, now, c.idleSince(now))
	if cota.CodeOf(err) == cota.NotFound {
		return Actor{}, cota.Errorf(cota.Unauthenticated, "the session has ended; sign in again")
	}
	if err != nil {
		return Actor{}, err
	}
	c.seeSession(ctx, hash, seen, now)
	return Actor{Name: a.Name, Account: a.Name, Role: a.Role, Address: address, Session: hash}, nil
}

// idleSince is when a session must have been used last to live at now.
func (c *Control) idleSince(now time.Time) time.Time {
	if c.sessionIdle == 0 {
		return time.Time{}
	}
	return now.Add(-c.sessionIdle)
}

// seeSession puts on record that a session is used. That it is not, because the
// database cannot be written, is no reason to refuse what may be no change.
func (c *Control) seeSession(ctx context.Context, hash string, seen, now time.Time) {
	every := seenEvery
	if c.sessionIdle != 0 {
		every = min(every, c.sessionIdle/4)
	}
	if now.Sub(seen) < every {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, seenWithin)
	defer cancel()
	err := c.store.Update(ctx, func(tx *store.Tx) error { return tx.SeeSession(ctx, hash, now) })
	if err != nil {
		c.log.Warn("the use of a session is not on record", "err", err)
	}
}

// Sessions are those of the actor's account, the newest first.
func (c *Control) Sessions(ctx context.Context, by Actor) ([]cota.Session, error) {
	now := time.Now()
	return c.store.Sessions(ctx, by.Account, by.Session, now, c.idleSince(now), sessionsListed)
}

// EndSession ends a session of the actor's account.
func (c *Control) EndSession(ctx context.Context, by Actor, id string) error {
	return c.change(ctx, by, "session.end", by.Account, func(tx *store.Tx) (string, error) {
		return id, tx.RemoveSessionOf(ctx, by.Account, id)
	})
}

// EndOtherSessions ends all sessions of the actor's account but the one that it
// acts by.
func (c *Control) EndOtherSessions(ctx context.Context, by Actor) error {
	return c.change(ctx, by, "session.end", by.Account, func(tx *store.Tx) (string, error) {
		n, err := tx.RemoveOtherSessions(ctx, by.Account, by.Session)
		return fmt.Sprintf("%d others", n), err
	})
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
