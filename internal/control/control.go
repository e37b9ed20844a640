// Package control is the control plane: it carries out what operators and
// devices ask, within the rules.
//
// Each command is one transaction with its line in the audit log. Queries do
// not pass through here; they go straight to the store.
package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Options are what a Control is made of. Store, FilesURL and Log are required.
type Options struct {
	Store *store.Store
	// FilesURL is where devices find the file door, such as
	// http://files.example.com, without a slash at its end.
	FilesURL string
	Log      *slog.Logger

	// SessionIdle is for how long a session may not be used before it ends; 0:
	// for as long as it lasts.
	SessionIdle time.Duration

	Verification VerificationMode
	// TrustLoopback lets sessions from this machine do without a verification.
	TrustLoopback bool
	// Sender sends verification codes; nil: to Log.
	Sender Sender
}

// Control carries out commands. Its methods may be called by many goroutines.
type Control struct {
	store   *store.Store
	signer  *cota.Signer
	iotKey  []byte // signs what devices sign in with that have pre-authenticated
	linkURL string
	log     *slog.Logger
	hashing chan struct{} // bounds the memory that password hashing takes

	sessionIdle time.Duration
	verifier

	mu      sync.Mutex
	lines   map[string]*line // guarded by mu
	changes int              // how often any product has changed; guarded by mu
}

// Actor is on whose behalf a command runs. One with neither Session nor Token
// is the server itself.
type Actor struct {
	Name    string // the account, with a token's name behind a slash
	Account string
	Role    cota.Role
	Address string // where the command came from; "" for the server itself

	Session string      // hash of the session it acts by, "" unless it does
	Browser string      // hash of the id of the session's browser, "" if it has none
	Token   *cota.Token // the token it acts by, nil unless it does
}

// System acts when nobody asked.
var System = Actor{Name: "system", Role: cota.Admin}

// New makes the control plane of a store. A store that is new gets its
// signing key and the default instance.
func New(ctx context.Context, o Options) (*Control, error) {
	c := &Control{
		store:   o.Store,
		linkURL: strings.TrimSuffix(o.FilesURL, "/") + "/c/",
		log:     o.Log,
		hashing: make(chan struct{}, hashers),

		sessionIdle: o.SessionIdle,

		lines: make(map[string]*line),
	}
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare the database: %w", err)
	}
	if err := c.prepareVerifier(ctx, o); err != nil {
		return nil, fmt.Errorf("prepare verification: %w", err)
	}
	if err := c.prepareIotKey(ctx); err != nil {
		return nil, fmt.Errorf("prepare pre-authentication: %w", err)
	}
	keys, err := o.Store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	if c.signer, err = cota.NewSigner(keys...); err != nil {
		return nil, err
	}
	o.Store.Listen(c.forget)
	return c, nil
}

func (c *Control) prepare(ctx context.Context) error {
	return c.store.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.SigningKeys(ctx)
		if err != nil || len(keys) > 0 {
			return err
		}
		secret := make([]byte, 32)
		rand.Read(secret)
		now := time.Now()
		if err := tx.AddSigningKey(ctx, secret, now); err != nil {
			return err
		}
		return tx.AddInstance(ctx, cota.Instance{
			ID: cota.DefaultInstance, Name: "Default", Environment: "production", CreatedAt: now,
		})
	})
}

// change runs a command and its line in the audit log in one transaction.
func (c *Control) change(ctx context.Context, by Actor, action, target string, fn func(tx *store.Tx) (detail string, err error)) error {
	return c.store.Update(ctx, func(tx *store.Tx) error {
		detail, err := fn(tx)
		if err != nil {
			return err
		}
		return audit(ctx, tx, by, action, target, detail)
	})
}

func audit(ctx context.Context, tx *store.Tx, by Actor, action, target, detail string) error {
	return tx.Audit(ctx, &cota.AuditEntry{
		At: time.Now(), Actor: by.Name, Address: by.Address, Action: action, Target: target, Detail: detail,
	})
}

// taken turns the violation of a unique key into a refusal.
func (c *Control) taken(err error, code cota.Code, format string, args ...any) error {
	if err != nil && c.store.Taken(err) {
		return cota.Errorf(code, format, args...)
	}
	return err
}
