package api_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
)

func TestAuthenticator(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b, ctx := s.signedIn(home, "admin"), t.Context()
		b.prove()
		now := func(secret string) string {
			t.Helper()
			c, err := totp.GenerateCode(secret, time.Now())
			s.must(err)
			return c
		}
		s.code("confirming none", b.ConfirmTOTP(ctx, "000000"), cota.NotFound)
		s.code("removing none", b.RemoveTOTP(ctx), cota.NotFound)
		secret, link, err := b.AddTOTP(ctx)
		s.must(err)
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") != secret || u.Query().Get("issuer") != "cota" {
			t.Errorf("url %q; want one for an authenticator", link)
		}
		err = b.ConfirmTOTP(ctx, wrong(now(secret)))
		s.code("a wrong code", err, cota.CodeWrong)
		if e, ok := errors.AsType[*cota.Error](err); ok && e.TriesLeft != nil {
			t.Errorf("triesLeft = %d; want none, for these tries are not counted", *e.TriesLeft)
		}
		if ch := s.signedIn("203.0.113.1:1", "admin").asked(); len(ch.Methods) != 1 {
			t.Errorf("methods %v before it is confirmed; want sms only", ch.Methods)
		}
		s.must(b.ConfirmTOTP(ctx, now(secret)))
		_, _, err = b.AddTOTP(ctx)
		s.code("a second authenticator", err, cota.Exists)
		me, err := b.Me(ctx)
		if err != nil || !me.Account.TOTP {
			t.Errorf("Me = %+v, %v; want an authenticator", me, err)
		}

		sent := s.codes()
		other := s.signedIn("203.0.113.2:1", "admin")
		ch := other.asked()
		equal(t, "methods", ch.Methods, []cota.Method{cota.MethodSMS, cota.MethodTOTP})
		if s.codes() != sent {
			t.Error("a code was sent though there is an authenticator")
		}
		_, err = other.Verify(ctx, ch.ID, now(secret))
		s.code("the code that confirmed it", err, cota.CodeWrong)
		time.Sleep(30 * time.Second)
		used := now(secret)
		_, err = other.Verify(ctx, ch.ID, used)
		s.must(err)
		s.must(other.push())

		third := s.signedIn("203.0.113.3:1", "admin")
		ch = third.asked()
		_, err = third.Verify(ctx, ch.ID, used)
		s.code("a code that was used", err, cota.CodeWrong)
		_, err = third.Resend(ctx, ch.ID)
		s.must(err)
		_, err = third.Verify(ctx, ch.ID, s.logged())
		s.must(err)
		s.must(third.RemoveTOTP(ctx))

		for _, file := range []string{secret, used} {
			if strings.Contains(s.log.String(), file) {
				t.Errorf("the log holds %s", file)
			}
		}
		proofs, err := s.store.Proofs(ctx, "admin")
		if err != nil || proofs.TOTP != "" || proofs.NewTOTP != "" {
			t.Errorf("proofs %+v, %v; want no authenticator", proofs, err)
		}
	})
}

func TestAuthenticatorsOfOthersClocks(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b := s.signedIn(home, "admin")
		b.prove()
		secret, _, err := b.AddTOTP(t.Context())
		s.must(err)
		for _, off := range []time.Duration{-61 * time.Second, 61 * time.Second} {
			code, err := totp.GenerateCode(secret, time.Now().Add(off))
			s.must(err)
			s.code("a clock that is off by "+off.String(), b.ConfirmTOTP(t.Context(), code), cota.CodeWrong)
		}
		code, err := totp.GenerateCode(secret, time.Now().Add(-30*time.Second))
		s.must(err)
		s.must(b.ConfirmTOTP(t.Context(), code))
	})
}

func TestPhone(t *testing.T) {
	p := new(phones)
	bubble(t, func(o *control.Options, _ *api.Options) { o.Sender = p }, func(t *testing.T, s *site) {
		ctx := t.Context()
		b := s.signedIn(home, "admin")
		ch := b.asked()
		equal(t, "the challenge of an account without a phone", ch, cota.Challenge{ID: ch.ID, Methods: []cota.Method{}, Sender: "webhook"})
		err := b.push()
		if !strings.Contains(err.Error(), "cota account recover admin") {
			t.Errorf("push: %v; want the way out", err)
		}
		_, err = b.Resend(ctx, ch.ID)
		s.code("a code to no phone", err, cota.Invalid)

		// On the server's own machine there is a way.
		_, _, err = s.control.Recover(ctx, "nobody")
		s.code("Recover of nobody", err, cota.NotFound)
		code, until, err := s.control.Recover(ctx, "admin")
		s.must(err)
		if want := time.Now().Add(5 * time.Minute); !until.Equal(want) {
			t.Errorf("Recover until %v; want %v", until, want)
		}
		time.Sleep(time.Until(until))
		_, err = b.Verify(ctx, ch.ID, code)
		s.code("a recovery code that has expired", err, cota.CodeWrong)
		code, _, err = s.control.Recover(ctx, "admin")
		s.must(err)
		_, err = b.Verify(ctx, ch.ID, code)
		s.must(err)
		other := s.signedIn("203.0.113.1:1", "admin")
		_, err = other.Verify(ctx, other.asked().ID, code)
		s.code("a recovery code that was used", err, cota.CodeWrong)

		_, err = b.SetPhone(ctx, "138 0000 0000")
		s.code("a phone that is none", err, cota.Invalid)
		put, err := b.SetPhone(ctx, "+8613800000000")
		s.must(err)
		if put.Phone != "138****0000" || p.last.Phone != "+8613800000000" || p.last.Account != "admin" {
			t.Errorf("SetPhone = %+v, sent %+v; want a code to the new phone", put, p.last)
		}
		if ch := other.asked(); len(ch.Methods) > 0 {
			t.Errorf("methods %v before the phone is proven; want none", ch.Methods)
		}
		_, err = other.Verify(ctx, put.ID, p.last.Code)
		s.code("the new phone's code in another session", err, cota.NotFound)
		_, err = b.Verify(ctx, put.ID, wrong(p.last.Code))
		s.code("a wrong code", err, cota.CodeWrong)
		v, err := b.Verify(ctx, put.ID, p.last.Code)
		s.must(err)
		equal(t, "Verify of a phone", v, client.Verified{Phone: "138****0000"})
		me, err := b.Me(ctx)
		if err != nil || me.Account.Phone != "138****0000" {
			t.Errorf("Me = %+v, %v; want the phone, masked", me, err)
		}

		ch = other.asked()
		if ch.Phone != "138****0000" || p.sent != 2 {
			t.Errorf("challenge %+v, %d sent; want a code to the phone", ch, p.sent)
		}
		_, err = other.Verify(ctx, ch.ID, p.last.Code)
		s.must(err)
		s.must(other.push())
		put, err = other.SetPhone(ctx, "")
		if err != nil || put != nil {
			t.Errorf("SetPhone to none = %+v, %v; want nothing to prove", put, err)
		}
		if me, err := b.Me(ctx); err != nil || me.Account.Phone != "" {
			t.Errorf("Me = %+v, %v; want no phone", me, err)
		}
		for _, secret := range []string{p.last.Code, "13800000000", code} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log holds %s", secret)
			}
		}
	})
}

func TestAdministratorsVouchForPhones(t *testing.T) {
	p := new(phones)
	bubble(t, func(o *control.Options, _ *api.Options) { o.Sender = p }, func(t *testing.T, s *site) {
		ctx := t.Context()
		_, secret, err := s.control.AddToken(ctx, admin, cota.Token{Name: "all", Role: cota.Admin})
		s.must(err)
		_, weak, err := s.control.AddToken(ctx, admin, cota.Token{Name: "weak", Role: cota.Admin, Scopes: []cota.Scope{}})
		s.must(err)
		as := func(token string) *client.Client { return client.New("http://site", token).Through(s.from(home)) }
		bob := client.NewAccount{Name: "bob", Role: cota.Publisher, Password: password, Phone: "13900001111"}
		_, err = as(weak).AddAccount(ctx, bob)
		s.code("a phone by a token that may not push", err, cota.Forbidden)
		a, err := as(secret).AddAccount(ctx, bob)
		if err != nil || a.Phone != "139****1111" {
			t.Errorf("AddAccount = %+v, %v; want the phone, masked", a, err)
		}
		b := s.signedIn(home, "bob")
		_, err = b.Verify(ctx, b.asked().ID, p.last.Code)
		s.must(err)
		s.must(b.push())
		a, err = as(secret).SetAccount(ctx, "bob", client.AccountPatch{Phone: ptr("13900002222")})
		if err != nil || a.Phone != "139****2222" {
			t.Errorf("SetAccount = %+v, %v; want the new phone, masked", a, err)
		}
		b.signIn("bob")
		if b.asked(); p.last.Phone != "13900002222" {
			t.Errorf("the code went to %s; want the new phone, and no trust left", p.last.Phone)
		}
	})
}

func TestCodesThatCannotBeSent(t *testing.T) {
	p := &phones{down: errors.New("no route to host, key hunter2")}
	bubble(t, func(o *control.Options, _ *api.Options) { o.Sender = p }, func(t *testing.T, s *site) {
		s.must(s.store.Flush(t.Context()))
		_, err := s.control.SetAccount(t.Context(), admin, "admin", control.AccountPatch{Phone: ptr("13900001111")})
		s.must(err)
		b := s.signedIn(home, "admin")
		err = b.push()
		s.code("push", err, cota.VerificationRequired)
		if !strings.Contains(err.Error(), "could not be sent") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("push: %v; want that the code could not be sent, and not why", err)
		}
		if !strings.Contains(s.log.String(), `level=ERROR msg="verification code not sent" account=admin sender=webhook err="no route to host`) {
			t.Errorf("log = %s; want why", s.log)
		}
		ch := b.asked()
		time.Sleep(time.Minute)
		_, err = b.Resend(t.Context(), ch.ID)
		s.code("another code", err, cota.Unavailable)
		time.Sleep(time.Minute)
		p.down = nil
		_, err = b.Resend(t.Context(), ch.ID)
		s.must(err)
		_, err = b.Verify(t.Context(), ch.ID, p.last.Code)
		s.must(err)
	})
}

func TestTokensNeedNoCodeButAScope(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		ctx := t.Context()
		b := s.signedIn(home, "admin")
		b.prove()
		make := func(c *client.Client, what string, in client.NewToken, want cota.Code) string {
			t.Helper()
			in.Name = what
			_, secret, err := c.AddToken(ctx, in)
			s.code(what, err, want)
			return secret
		}
		as := func(addr, token string) *client.Client { return client.New("http://site", token).Through(s.from(addr)) }
		none := []cota.Scope{}
		publisher := make(b.Client, "publisher", client.NewToken{Role: cota.Publisher}, "")
		weak := make(b.Client, "weak", client.NewToken{Role: cota.Admin, Scopes: none}, "")
		make(b.Client, "an editor that pushes", client.NewToken{Role: cota.Editor, Scopes: []cota.Scope{cota.ScopePush}}, cota.Invalid)
		make(b.Client, "an unknown scope", client.NewToken{Role: cota.Admin, Scopes: []cota.Scope{"all"}}, cota.Invalid)

		_, err := as("203.0.113.1:1", publisher).StartPush(ctx, s.product, 0)
		s.must(err)
		s.save(`{"n": 2}`)
		_, err = as(home, weak).StartPush(ctx, s.product, 0)
		s.code("a push without the scope", err, cota.Forbidden)
		off := false
		_, err = as(home, weak).SetVerification(ctx, client.VerificationPatch{Enabled: &off})
		s.code("verification off without the scope", err, cota.Forbidden)
		make(as(home, weak), "more than its maker", client.NewToken{Role: cota.Admin, Scopes: []cota.Scope{cota.ScopePush}}, cota.Forbidden)
		child := make(as(home, weak), "no more than its maker", client.NewToken{Role: cota.Admin}, "")
		_, err = as(home, child).StartPush(ctx, s.product, 0)
		s.code("a push by its child", err, cota.Forbidden)

		networks, err := parse("198.51.100.0/24", "2001:db8::/48")
		s.must(err)
		tied := make(b.Client, "tied", client.NewToken{Role: cota.Admin, Networks: networks}, "")
		for addr, want := range map[string]cota.Code{
			home: "", "[::ffff:198.51.100.1]:1": "", "[2001:db8::1]:1": "", "198.51.101.1:1": cota.Forbidden, "[2001:db8:1::1]:1": cota.Forbidden, "127.0.0.1:1": cota.Forbidden,
		} {
			_, err := as(addr, tied).Me(ctx)
			s.code("the tied token at "+addr, err, want)
		}
		wider, err := parse("198.51.0.0/16")
		s.must(err)
		make(as(home, tied), "wider than its maker", client.NewToken{Role: cota.Admin, Networks: wider}, cota.Forbidden)
		heir := make(as(home, tied), "heir", client.NewToken{Role: cota.Admin}, "")
		_, err = as("203.0.113.1:1", heir).Me(ctx)
		s.code("the tied token's child elsewhere", err, cota.Forbidden)

		_, _, err = as(home, publisher).AddTOTP(ctx)
		s.code("an authenticator by a token", err, cota.Invalid)
		_, err = as(home, publisher).Verify(ctx, "X", "000000")
		s.code("a challenge by a token", err, cota.NotFound)
	})
}
