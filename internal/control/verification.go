package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/sms"
	"github.com/cotahq/cota/internal/store"
)

// VerificationMode says whether this server asks for a second proof, whatever
// is set in the database.
type VerificationMode string

// The modes there are. The zero mode is VerifyAsSet.
const (
	VerifyAsSet  VerificationMode = ""
	VerifyAlways VerificationMode = "on"
	VerifyNever  VerificationMode = "off"
)

// Sender sends verification codes.
type Sender interface {
	Kind() string // one of sms's
	Send(ctx context.Context, m sms.Message) error
}

// verifier is what Control needs to ask for a second proof.
type verifier struct {
	key           []byte // makes browsers' cookies, and hashes codes
	mode          VerificationMode
	trustLoopback bool
	sender        Sender
}

func (c *Control) prepareVerifier(ctx context.Context, o Options) error {
	c.mode, c.trustLoopback, c.sender = o.Verification, o.TrustLoopback, o.Sender
	if c.sender == nil {
		c.sender = sms.NewLog(o.Log)
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	return c.store.Update(ctx, func(tx *store.Tx) (err error) {
		c.key, err = tx.ServerKey(ctx, "verification", secret, time.Now())
		return err
	})
}

// VerificationState is the second proof as it is set, and what this server
// makes of it.
type VerificationState struct {
	cota.Verification
	Mode   VerificationMode
	Sender string // how codes are sent
}

// Verification is how the second proof is set.
func (c *Control) Verification(ctx context.Context) (VerificationState, error) {
	v, err := c.store.Verification(ctx)
	return VerificationState{Verification: v, Mode: c.mode, Sender: c.sender.Kind()}, err
}

// asks reports whether this server asks for a second proof.
func (v VerificationState) asks() bool {
	return v.Mode == VerifyAlways || v.Mode == VerifyAsSet && v.Enabled
}

// SetVerification turns the second proof on or off and changes its policy,
// each unless nil. All but turning it on needs a second proof itself, or the
// scope push: it is as good as a push.
func (c *Control) SetVerification(ctx context.Context, by Actor, enabled *bool, patch *cota.VerificationPatch) error {
	if patch != nil || enabled != nil && !*enabled {
		if err := c.mayStart(ctx, by); err != nil {
			return err
		}
	}
	return c.change(ctx, by, "verification.set", "", func(tx *store.Tx) (string, error) {
		v, err := tx.Verification(ctx)
		if err != nil {
			return "", err
		}
		if enabled != nil {
			v.Enabled = *enabled
		}
		if patch != nil {
			v.Policy = v.Policy.With(*patch)
			if err := v.Policy.Check(); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("enabled %t, policy %+v", v.Enabled, v.Policy), tx.SetVerification(ctx, v)
	})
}

// Trusted reports whether an actor needs no second proof: a session from where
// its browser passed one not long ago, whoever acts by a token, and the server
// itself.
func (c *Control) Trusted(ctx context.Context, by Actor) (bool, error) {
	if by.Session == "" {
		return true, nil
	}
	v, err := c.Verification(ctx)
	if err != nil {
		return false, err
	}
	return c.trusted(ctx, by, v)
}

func (c *Control) trusted(ctx context.Context, by Actor, v VerificationState) (bool, error) {
	address := parseAddress(by.Address)
	switch {
	case !v.asks(), c.trustLoopback && address.IsLoopback():
		return true, nil
	case by.Browser == "":
		return false, nil
	}
	then, err := c.store.ProvenAt(ctx, by.Account, by.Browser, v.Policy.Network(address).String())
	return v.Policy.Trusts(then, time.Now()), err
}

// mayStart refuses an actor that may not start a push, its role aside: a token
// without the scope, and a session that is not trusted.
func (c *Control) mayStart(ctx context.Context, by Actor) error {
	if by.Token != nil && !by.Token.Has(cota.ScopePush) {
		return cota.Errorf(cota.Forbidden, "this needs a token with the scope push; %s has none", by.Name)
	}
	return c.prove(ctx, by, "a push")
}

// prove refuses a session that is not trusted, and puts a challenge to it.
// What is asked for is named by what, for the audit log.
func (c *Control) prove(ctx context.Context, by Actor, what string) error {
	if by.Session == "" {
		return nil
	}
	v, err := c.Verification(ctx)
	if err != nil {
		return err
	}
	trusted, err := c.trusted(ctx, by, v)
	if err != nil || trusted {
		return err
	}
	return c.challenge(ctx, by, v.Policy, what)
}

func (c *Control) pruneVerifications(ctx context.Context, now time.Time) error {
	return c.store.Update(ctx, func(tx *store.Tx) error {
		v, err := tx.Verification(ctx)
		if err != nil {
			return err
		}
		if err := tx.PruneTrust(ctx, now.Add(-v.Policy.Trust())); err != nil {
			return err
		}
		return tx.PruneChallenges(ctx, now.Add(-challengeLife))
	})
}

// parseAddress is the zero Addr for an address that is not known.
func parseAddress(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
