package control

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/sms"
	"github.com/cotahq/cota/internal/store"
)

// How an account proves who it is can be changed by its own trusted session
// only, or by an administrator who vouches for a phone.

func (c *Control) mayProve(ctx context.Context, by Actor, what string) error {
	if by.Session == "" {
		return cota.Errorf(cota.Invalid, "%s can be set in a session only", what)
	}
	return c.prove(ctx, by, what)
}

// mayVouch refuses an actor that may not set another account's phone. One who
// could push from that account needs what a push needs.
func (c *Control) mayVouch(ctx context.Context, by Actor, phone string) error {
	if phone != "" {
		if err := cota.CheckPhone(phone); err != nil {
			return err
		}
	}
	return c.mayStart(ctx, by)
}

// SetPhone sends a code to a new phone of the actor's account: it is set when
// the challenge is passed. With "" the phone is taken away, and there is no
// challenge.
func (c *Control) SetPhone(ctx context.Context, by Actor, phone string) (*cota.Challenge, error) {
	if phone != "" {
		if err := cota.CheckPhone(phone); err != nil {
			return nil, err
		}
	}
	if err := c.mayProve(ctx, by, "a phone"); err != nil {
		return nil, err
	}
	if phone == "" {
		return nil, c.change(ctx, by, "account.phone", by.Account, func(tx *store.Tx) (string, error) {
			return "none", setPhone(ctx, tx, by.Account, "")
		})
	}
	v, err := c.Verification(ctx)
	if err != nil {
		return nil, err
	}
	var ch store.Challenge
	var m *sms.Message
	err = c.store.Update(ctx, func(tx *store.Tx) (err error) {
		if ch, err = c.open(ctx, tx, by, phone, "a new phone"); err != nil {
			return err
		}
		m, err = c.newCode(ctx, tx, by, &ch, phone, v.Policy)
		return err
	})
	if err != nil {
		return nil, err
	}
	put := c.shown(ch, store.Proofs{}, v.Policy)
	return &put, c.send(ctx, by, m)
}

func setPhone(ctx context.Context, tx *store.Tx, account, phone string) error {
	p, err := tx.Proofs(ctx, account)
	if err != nil {
		return err
	}
	p.Phone = phone
	return tx.SetProofs(ctx, account, p)
}

// totpPeriod is the life of an authenticator's code in seconds. One before and
// one after the present are taken as well: clocks differ (RFC 6238, 5.2).
const totpPeriod = 30

// totpStep is the number of the code's time step, if it is an authenticator's
// code around now and newer than the last that was taken; 0 otherwise.
func totpStep(secret, code string, last int64, now time.Time) (step int64) {
	for s := now.Unix()/totpPeriod - 1; s <= now.Unix()/totpPeriod+1; s++ {
		want, err := hotp.GenerateCode(secret, uint64(s))
		if err == nil && secret != "" && s > last && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step = s
		}
	}
	return step
}

// AddTOTP makes a secret for an authenticator of the actor's account, and the
// otpauth URL that holds it. It counts once ConfirmTOTP has seen a code.
func (c *Control) AddTOTP(ctx context.Context, by Actor) (secret, url string, err error) {
	if err := c.mayProve(ctx, by, "an authenticator"); err != nil {
		return "", "", err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "cota", AccountName: by.Account, Period: totpPeriod, Digits: otp.DigitsSix})
	if err != nil {
		return "", "", fmt.Errorf("make an authenticator's secret: %w", err)
	}
	err = c.changeProofs(ctx, by, "totp.add", func(p *store.Proofs) error {
		if p.TOTP != "" {
			return cota.Errorf(cota.Exists, "account %s has an authenticator already; remove it first", by.Account)
		}
		p.NewTOTP = key.Secret()
		return nil
	})
	return key.Secret(), key.URL(), err
}

// ConfirmTOTP puts a new authenticator to use, given a code of it.
func (c *Control) ConfirmTOTP(ctx context.Context, by Actor, code string) error {
	if err := c.mayProve(ctx, by, "an authenticator"); err != nil {
		return err
	}
	return c.changeProofs(ctx, by, "totp.confirm", func(p *store.Proofs) error {
		if p.NewTOTP == "" {
			return cota.Errorf(cota.NotFound, "there is no authenticator to confirm; add one first")
		}
		step := totpStep(p.NewTOTP, code, 0, time.Now())
		if step == 0 {
			return cota.Errorf(cota.CodeWrong, "that is not the authenticator's code; mind the clock of its device")
		}
		p.TOTP, p.TOTPStep, p.NewTOTP = p.NewTOTP, step, ""
		return nil
	})
}

// RemoveTOTP takes away the authenticator of the actor's account.
func (c *Control) RemoveTOTP(ctx context.Context, by Actor) error {
	if err := c.mayProve(ctx, by, "an authenticator"); err != nil {
		return err
	}
	return c.changeProofs(ctx, by, "totp.remove", func(p *store.Proofs) error {
		if p.TOTP == "" {
			return cota.Errorf(cota.NotFound, "account %s has no authenticator", by.Account)
		}
		p.TOTP, p.TOTPStep = "", 0
		return nil
	})
}

func (c *Control) changeProofs(ctx context.Context, by Actor, action string, change func(*store.Proofs) error) error {
	return c.change(ctx, by, action, by.Account, func(tx *store.Tx) (string, error) {
		p, err := tx.Proofs(ctx, by.Account)
		if err == nil {
			err = change(&p)
		}
		if err != nil {
			return "", err
		}
		return "", tx.SetProofs(ctx, by.Account, p)
	})
}

// recoveryOf is the challenge that a recovery code belongs to: any of its
// account.
func recoveryOf(account string) string { return "recovery of " + account }

// Recover makes a code that passes one challenge of an account, whichever: the
// way back for somebody with neither phone nor authenticator. It is for the
// server's own machine; no route leads here.
func (c *Control) Recover(ctx context.Context, account string) (code string, until time.Time, err error) {
	v, err := c.Verification(ctx)
	if err != nil {
		return "", until, err
	}
	code, until = sixDigits(), time.Now().Add(v.Policy.Code())
	err = c.change(ctx, System, "account.recover", account, func(tx *store.Tx) (string, error) {
		p, err := tx.Proofs(ctx, account)
		if err != nil {
			return "", err
		}
		p.RecoveryHash, p.RecoveryUntil = c.codeHash(recoveryOf(account), code), until
		return "", tx.SetProofs(ctx, account, p)
	})
	return code, until, err
}
