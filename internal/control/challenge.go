package control

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/sms"
	"github.com/cotahq/cota/internal/store"
)

// challengeLife is how long a challenge may be passed, with as many codes as
// may be sent in that time. Attempts are counted over the same hour.
const challengeLife = time.Hour

var errNoChallenge = cota.Errorf(cota.NotFound, "there is no such challenge; ask again for what needed it")

// challenge puts a challenge to an actor's session, or the one that is open
// already, and returns the refusal that names it. A code is sent unless one is
// on its way, or the account has an authenticator, which costs nothing: then
// only Resend sends one.
func (c *Control) challenge(ctx context.Context, by Actor, policy cota.VerificationPolicy, what string) error {
	var ch store.Challenge
	var proofs store.Proofs
	var m *sms.Message
	var unsent error
	err := c.store.Update(ctx, func(tx *store.Tx) (err error) {
		m, unsent = nil, nil
		now := time.Now()
		if proofs, err = tx.Proofs(ctx, by.Account); err != nil {
			return err
		}
		ch, err = tx.OpenChallenge(ctx, by.Session, now.Add(-challengeLife))
		if cota.CodeOf(err) == cota.NotFound {
			ch, err = c.open(ctx, tx, by, "", what)
		}
		if err != nil {
			return err
		}
		alive := ch.CodeHash != "" && now.Before(ch.SentAt.Add(policy.Code())) && ch.Tries < policy.Tries
		if alive || proofs.TOTP != "" || !c.sends(proofs.Phone) {
			return nil
		}
		m, err = c.newCode(ctx, tx, by, &ch, proofs.Phone, policy)
		if cota.CodeOf(err) == cota.RateLimited {
			unsent, err = err, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.send(ctx, by, m); err != nil {
		unsent = err
	}
	return c.required(by, ch, proofs, policy, what, unsent)
}

// required is the refusal that names a challenge.
func (c *Control) required(by Actor, ch store.Challenge, proofs store.Proofs, policy cota.VerificationPolicy, what string, unsent error) error {
	put := c.shown(ch, proofs, policy)
	err := cota.Errorf(cota.VerificationRequired, "from here %s needs a second proof: ", what)
	err.Challenge = &put
	switch {
	case unsent != nil:
		err.Msg += unsent.Error()
	case len(put.Methods) == 0:
		err.Msg += fmt.Sprintf("but account %[1]s has neither phone nor authenticator. Have an administrator set its phone, or run "+
			"cota account recover %[1]s on the server's own machine and enter the code that it prints", by.Account)
	case proofs.TOTP != "":
		err.Msg += "a code of your authenticator"
	case put.Sender == sms.KindLog:
		err.Msg += "the code is in the server's log"
	default:
		err.Msg += "the code was sent to " + put.Phone
	}
	return err
}

// shown is a challenge as its session sees it.
func (c *Control) shown(ch store.Challenge, proofs store.Proofs, policy cota.VerificationPolicy) cota.Challenge {
	out := cota.Challenge{ID: ch.ID, Methods: []cota.Method{}, Sender: c.sender.Kind()}
	phone := proofs.Phone
	if ch.Phone != "" {
		phone = ch.Phone
	}
	if c.sends(phone) {
		out.Methods = append(out.Methods, cota.MethodSMS)
		out.Phone = cota.MaskPhone(phone)
	}
	if proofs.TOTP != "" && ch.Phone == "" {
		out.Methods = append(out.Methods, cota.MethodTOTP)
	}
	if at := ch.SentAt.Add(policy.Resend()); !ch.SentAt.IsZero() && time.Now().Before(at) {
		out.ResendAt = &at
	}
	return out
}

// sends reports whether a code can be sent for an account with this phone.
func (c *Control) sends(phone string) bool { return phone != "" || c.sender.Kind() == sms.KindLog }

// open adds a challenge of the actor's session, for the account itself or for
// a new phone.
func (c *Control) open(ctx context.Context, tx *store.Tx, by Actor, phone, what string) (store.Challenge, error) {
	ch := store.Challenge{ID: rand.Text(), Session: by.Session, Account: by.Account, Phone: phone, CreatedAt: time.Now()}
	if err := tx.PutChallenge(ctx, ch); err != nil {
		return ch, err
	}
	return ch, audit(ctx, tx, by, "verification.ask", by.Account, what)
}

// newCode gives a challenge a new code, which is to be sent after the commit.
func (c *Control) newCode(ctx context.Context, tx *store.Tx, by Actor, ch *store.Challenge, phone string, policy cota.VerificationPolicy) (*sms.Message, error) {
	now := time.Now()
	sent, err := tx.Attempts(ctx, ch.Account, store.CodeSent, now.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	if err := policy.CheckSend(ch.SentAt, sent, now); err != nil {
		return nil, err
	}
	code := sixDigits()
	ch.CodeHash, ch.SentAt, ch.Tries = c.codeHash(ch.ID, code), now, 0
	if err := tx.PutChallenge(ctx, *ch); err != nil {
		return nil, err
	}
	if err := tx.AddAttempt(ctx, ch.Account, store.CodeSent, now); err != nil {
		return nil, err
	}
	m := &sms.Message{Account: ch.Account, Phone: phone, Code: code, Until: now.Add(policy.Code())}
	return m, audit(ctx, tx, by, "verification.send", ch.Account, c.sender.Kind()+" "+cota.MaskPhone(phone))
}

// send sends a code, unless m is nil. Why it could not be sent is for the log.
func (c *Control) send(ctx context.Context, by Actor, m *sms.Message) error {
	if m == nil {
		return nil
	}
	err := c.sender.Send(ctx, *m)
	if err == nil {
		return nil
	}
	c.log.Error("verification code not sent", "account", m.Account, "sender", c.sender.Kind(), "err", err)
	if err := c.change(ctx, by, "verification.unsent", m.Account, func(*store.Tx) (string, error) { return c.sender.Kind(), nil }); err != nil {
		return err
	}
	return cota.Errorf(cota.Unavailable, "the code could not be sent; have another one sent, or see the server's log")
}

// Resend sends a new code for a challenge, in place of the last one.
func (c *Control) Resend(ctx context.Context, by Actor, id string) (cota.Challenge, error) {
	var ch store.Challenge
	var proofs store.Proofs
	var m *sms.Message
	v, err := c.Verification(ctx)
	if err != nil {
		return cota.Challenge{}, err
	}
	err = c.store.Update(ctx, func(tx *store.Tx) (err error) {
		if ch, proofs, err = own(ctx, tx, by, id); err != nil {
			return err
		}
		phone := proofs.Phone
		if ch.Phone != "" {
			phone = ch.Phone
		}
		if !c.sends(phone) {
			return cota.Errorf(cota.Invalid, "account %s has no phone to send a code to", by.Account)
		}
		m, err = c.newCode(ctx, tx, by, &ch, phone, v.Policy)
		return err
	})
	if err != nil {
		return cota.Challenge{}, err
	}
	return c.shown(ch, proofs, v.Policy), c.send(ctx, by, m)
}

// own is a challenge that was put to the actor's session, and the account's
// proofs. Of anybody else's it says no more than that there is none.
func own(ctx context.Context, tx *store.Tx, by Actor, id string) (ch store.Challenge, p store.Proofs, err error) {
	if by.Session == "" {
		return ch, p, errNoChallenge // tokens are put none
	}
	ch, err = tx.Challenge(ctx, id)
	if cota.CodeOf(err) == cota.NotFound {
		err = errNoChallenge
	}
	if err != nil {
		return ch, p, err
	}
	if ch.Session != by.Session || ch.Account != by.Account || !time.Now().Before(ch.CreatedAt.Add(challengeLife)) {
		return ch, p, errNoChallenge
	}
	p, err = tx.Proofs(ctx, by.Account)
	return ch, p, err
}

// sixDigits draws a code, uniformly.
func sixDigits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%06d", n)
}
