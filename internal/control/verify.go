package control

import (
	"context"
	"crypto/hmac"
	"fmt"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// Verified is what passing a challenge has brought.
type Verified struct {
	// Cookie is for the browser to keep, and Until how long the account is
	// trusted from it, there. Both are zero when a new phone was proven.
	Cookie string
	Until  time.Time
	Phone  string // the new phone, masked
}

// Verify passes a challenge with a code, whichever way it was come by, or by
// one method alone. A browser that knows no cookie yet is given one.
func (c *Control) Verify(ctx context.Context, by Actor, id string, method cota.Method, code string, cookie string) (Verified, error) {
	code = strings.ReplaceAll(code, " ", "")
	if !isCode(code) {
		return Verified{}, cota.Errorf(cota.Invalid, "a code has six digits")
	}
	v, err := c.Verification(ctx)
	if err != nil {
		return Verified{}, err
	}
	var out Verified
	var refusal error
	err = c.store.Update(ctx, func(tx *store.Tx) error {
		out, refusal = Verified{}, nil
		now := time.Now()
		ch, proofs, err := own(ctx, tx, by, id)
		if err != nil {
			return err
		}
		wrong, err := tx.Attempts(ctx, by.Account, store.CodeWrong, now.Add(-time.Hour))
		if err != nil {
			return err
		}
		if err := v.Policy.CheckTry(ch.Tries, wrong, now); err != nil {
			return err
		}
		passed := c.match(ch, &proofs, v.Policy, method, code, now)
		if passed == "" {
			refusal = missed(ch, v.Policy, method, now)
			return fail(ctx, tx, by, ch, now)
		}
		if err := tx.SetProofs(ctx, by.Account, proofs); err != nil { // a code is good once
			return err
		}
		if err := tx.RemoveChallenge(ctx, ch.ID); err != nil {
			return err
		}
		if ch.Phone != "" {
			out.Phone = cota.MaskPhone(ch.Phone)
			if err := setPhone(ctx, tx, by.Account, ch.Phone); err != nil {
				return err
			}
			return audit(ctx, tx, by, "account.phone", by.Account, out.Phone)
		}
		browser := by.Browser
		if out.Cookie = cookie; browser == "" {
			out.Cookie, browser = c.newBrowser()
		}
		out.Until = now.Add(v.Policy.Trust())
		network := v.Policy.Network(parseAddress(by.Address)).String()
		if err := tx.Trust(ctx, by.Account, browser, network, now); err != nil {
			return err
		}
		return audit(ctx, tx, by, "verification.pass", by.Account, fmt.Sprintf("%s, trusted from %s", passed, network))
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// match is the method by which a code is right, "" if it is wrong. It changes
// proofs so that the code is not right again. It takes the same time whatever
// is wrong with a code.
func (c *Control) match(ch store.Challenge, proofs *store.Proofs, policy cota.VerificationPolicy, only cota.Method, code string, now time.Time) (passed cota.Method) {
	sent := hmac.Equal([]byte(ch.CodeHash), []byte(c.codeHash(ch.ID, code)))
	recovered := hmac.Equal([]byte(proofs.RecoveryHash), []byte(c.codeHash(recoveryOf(ch.Account), code)))
	step := totpStep(proofs.TOTP, code, proofs.TOTPStep, now)
	for _, m := range []struct {
		method cota.Method
		right  bool
	}{
		{cota.MethodSMS, sent && now.Before(ch.SentAt.Add(policy.Code()))},
		{cota.MethodTOTP, step != 0 && ch.Phone == ""},
		{cota.MethodRecovery, recovered && now.Before(proofs.RecoveryUntil) && ch.Phone == ""},
	} {
		if m.right && (only == "" || only == m.method) {
			passed = m.method
			break
		}
	}
	switch passed {
	case cota.MethodTOTP:
		proofs.TOTPStep = step
	case cota.MethodRecovery:
		proofs.RecoveryHash, proofs.RecoveryUntil = "", time.Time{}
	}
	return passed
}

// missed is the refusal of a code that did not match.
func missed(ch store.Challenge, policy cota.VerificationPolicy, method cota.Method, now time.Time) error {
	byCode := method == "" || method == cota.MethodSMS
	if byCode && ch.CodeHash != "" && !now.Before(ch.SentAt.Add(policy.Code())) {
		return cota.Errorf(cota.CodeExpired, "the code has expired; have a new one sent")
	}
	left := policy.Tries - ch.Tries - 1
	wrong := cota.Errorf(cota.CodeWrong, "that is not the code; tries left: %d", left)
	if left == 0 {
		wrong.Msg = "that is not the code, and there are no tries left; have a new one sent"
	}
	wrong.TriesLeft = &left
	return wrong
}

// fail counts a wrong code.
func fail(ctx context.Context, tx *store.Tx, by Actor, ch store.Challenge, now time.Time) error {
	ch.Tries++
	if err := tx.PutChallenge(ctx, ch); err != nil {
		return err
	}
	if err := tx.AddAttempt(ctx, by.Account, store.CodeWrong, now); err != nil {
		return err
	}
	return audit(ctx, tx, by, "verification.fail", by.Account, fmt.Sprintf("try %d", ch.Tries))
}

func isCode(code string) bool {
	for _, r := range code {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(code) == 6
}
