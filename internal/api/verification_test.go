package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/control"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

const home = "198.51.100.7:40000"

func TestPushNeedsASecondProof(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b := s.signedIn(home, "admin")
		ch := b.asked()
		equal(t, "the challenge", ch, cota.Challenge{
			ID: ch.ID, Methods: []cota.Method{cota.MethodSMS}, Sender: "log", ResendAt: ptr(time.Now().UTC().Add(time.Minute)),
		})
		right := s.logged()
		_, err := b.Verify(t.Context(), ch.ID, wrong(right))
		s.code("a wrong code", err, cota.CodeWrong)
		_, err = b.Verify(t.Context(), ch.ID, "12345")
		s.code("five digits", err, cota.Invalid)
		s.code("a push after a wrong code", b.push(), cota.VerificationRequired)
		v, err := b.Verify(t.Context(), ch.ID, right)
		s.must(err)
		equal(t, "Verify", v, client.Verified{TrustedUntil: ptr(time.Now().UTC().Add(30 * 24 * time.Hour))})
		c := b.kept["cota_browser"]
		if c == nil || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge < 30*24*3600 {
			t.Errorf("cookie %v; want cota_browser, HttpOnly and Lax", c)
		}
		s.must(b.push())
		_, err = b.Verify(t.Context(), ch.ID, right)
		s.code("the same challenge again", err, cota.NotFound)

		var lines []string
		for e, err := range b.Audit(t.Context(), client.AuditFilter{}) {
			s.must(err)
			if strings.HasPrefix(e.Action, "verification.") {
				lines = append(lines, e.Actor+" "+e.Address+" "+e.Action+" "+e.Target+": "+e.Detail)
			}
			if strings.Contains(e.Detail, right) {
				t.Errorf("audit line %+v holds the code", e)
			}
		}
		slices.Reverse(lines)
		equal(t, "the audit log", lines, []string{
			"admin 198.51.100.7 verification.ask admin: a push",
			"admin 198.51.100.7 verification.send admin: log ",
			"admin 198.51.100.7 verification.fail admin: try 1",
			"admin 198.51.100.7 verification.pass admin: sms, trusted from 198.51.100.0/24",
		})
		for line := range strings.Lines(s.log.String()) {
			for what, text := range map[string]string{"the code": right, "a challenge": ch.ID, "the browser": c.Value} {
				if strings.Contains(line, text) && !strings.Contains(line, `msg="verification code"`) {
					t.Errorf("the log holds %s: %s", what, line)
				}
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

// What would let a push through is refused like one, and all else is not.
func TestWhatNeedsASecondProof(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b, ctx := s.signedIn(home, "admin"), t.Context()
		_, err := b.AddDevices(ctx, s.product, "dev-1")
		s.must(err)
		off, on, n := false, true, int64(7)
		for what, do := range map[string]func() error{
			"push": b.push,
			"token": func() error {
				_, _, err := b.AddToken(ctx, client.NewToken{Name: "t", Role: cota.Viewer})
				return err
			},
			"policy": func() error {
				_, err := b.SetConfig(ctx, s.product, client.ConfigPatch{Enabled: &on, Policy: &cota.PolicyPatch{History: &n}})
				return err
			},
			"dynamic registration": func() error {
				_, err := b.SetRegistration(ctx, s.product, client.Registration{Dynamic: &on})
				return err
			},
			"registration without pre-registration": func() error {
				_, err := b.SetRegistration(ctx, s.product, client.Registration{WithoutPre: &on})
				return err
			},
			"device secret": func() error { _, err := b.ResetDeviceSecret(ctx, s.product, "dev-1"); return err },
			"verification off": func() error {
				_, err := b.SetVerification(ctx, client.VerificationPatch{Enabled: &off})
				return err
			},
			"verification policy": func() error {
				_, err := b.SetVerification(ctx, client.VerificationPatch{Policy: &cota.VerificationPatch{Tries: &n}})
				return err
			},
			"own phone":     func() error { _, err := b.SetPhone(ctx, "13800000000"); return err },
			"authenticator": func() error { _, _, err := b.AddTOTP(ctx); return err },
			"phone of a new account": func() error {
				_, err := b.AddAccount(ctx, client.NewAccount{Name: "eve", Role: cota.Admin, Password: password, Phone: "13800000000"})
				return err
			},
			"phone of an account": func() error {
				_, err := b.SetAccount(ctx, "admin", client.AccountPatch{Phone: ptr("13800000000")})
				return err
			},
		} {
			s.code(what+" before", do(), cota.VerificationRequired)
		}
		if n := s.codes(); n != 1 {
			t.Errorf("%d codes were sent for one challenge; want 1", n)
		}
		_, err = b.SetConfig(ctx, s.product, client.ConfigPatch{Enabled: &off})
		s.must(err)
		_, err = b.SetConfig(ctx, s.product, client.ConfigPatch{Enabled: &on})
		s.must(err)
		_, err = b.SetVerification(ctx, client.VerificationPatch{Enabled: &on})
		s.must(err)
		_, err = b.AddAccount(ctx, client.NewAccount{Name: "bob", Role: cota.Viewer, Password: password})
		s.must(err)
		me, err := b.Me(ctx)
		if err != nil || me.Trusted {
			t.Errorf("Me = %+v, %v; want that it is not trusted", me, err)
		}

		b.prove()
		me, err = b.Me(ctx)
		if err != nil || !me.Trusted {
			t.Errorf("Me after the proof = %+v, %v; want that it is trusted", me, err)
		}
		p, err := b.Product(ctx, s.product)
		if err != nil || p.Policy.History != 5 || p.DynamicRegistration || p.WithoutPreRegistration {
			t.Errorf("product %+v, %v; want that refusals changed nothing", p, err)
		}
		_, err = b.ResetDeviceSecret(ctx, s.product, "dev-1")
		s.must(err)
		_, err = b.SetVerification(ctx, client.VerificationPatch{Enabled: &off})
		s.must(err)
		s.must(s.signedIn("203.0.113.9:1", "admin").push())
	})
}

func TestTrustIsOfABrowserInANetworkForAnAccount(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		_, err := s.signedIn(home, "admin").AddAccount(t.Context(), client.NewAccount{Name: "bob", Role: cota.Publisher, Password: password})
		s.must(err)
		b := s.signedIn(home, "admin")
		b.prove()
		began := time.Now()
		check := func(what string, trusted bool) {
			t.Helper()
			me, err := b.Me(t.Context())
			if err != nil || me.Trusted != trusted {
				t.Errorf("%s: trusted %t, %v; want %t", what, me.Trusted, err, trusted)
			}
			if err := b.push(); (err == nil) != trusted {
				t.Errorf("%s: push %v; want one: %t", what, err, trusted)
			}
		}
		check("where it was proven", true)
		for addr, trusted := range map[string]bool{
			"198.51.100.200:1": true, "198.51.101.7:1": false, "[2001:db8:1:2::3]:1": false, "127.0.0.1:1": false, "[::ffff:198.51.100.9]:1": true,
		} {
			b.addr = addr
			check("at "+addr, trusted)
		}
		b.addr = "[2001:db8:1:2::3]:1"
		time.Sleep(time.Minute)
		b.prove()
		check("proven by IPv6", true)
		b.addr = "[2001:db8:1:ffff::9]:1"
		check("in the same /48", true)
		b.addr = "[2001:db8:2:2::3]:1"
		check("in another /48", false)
		b.addr = home

		session, id := b.kept["cota_session"].Value, b.kept["cota_browser"].Value
		b.stolen = map[string]string{"cota_session": session}
		check("the session in another browser", false)
		b.stolen["cota_browser"] = id[:26] + "." + strings.Repeat("A", 43)
		check("a forged browser", false)
		b.stolen["cota_browser"] = strings.Repeat("A", 26) + id[26:]
		check("another's signature", false)
		b.stolen["cota_browser"] = id
		check("both, wherever they are", true)
		b.stolen = nil

		b.signIn("bob")
		check("another account in the same browser", false)
		time.Sleep(time.Until(began.Add(30*24*time.Hour - time.Second)))
		b.signIn("admin")
		check("a second before 30 days", true)
		time.Sleep(time.Second)
		check("after 30 days", false)
	})
}

func TestANewPasswordForgetsTrust(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b := s.signedIn(home, "admin")
		b.prove()
		s.must(b.ChangePassword(t.Context(), password, password))
		b.signIn("admin")
		s.code("a push after the password was changed", b.push(), cota.VerificationRequired)
	})
}

func TestCodesExpireAndBearFiveTries(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b, ctx := s.signedIn(home, "admin"), t.Context()
		ch := b.asked()
		first := s.logged()
		until := func(what string, err error, want time.Time) {
			t.Helper()
			s.code(what, err, cota.RateLimited)
			if e, ok := err.(*cota.Error); ok && !e.Until.Equal(want) {
				t.Errorf("%s until %v; want %v", what, e.Until, want)
			}
		}
		began := time.Now()
		_, err := b.Resend(ctx, ch.ID)
		until("another code at once", err, began.Add(time.Minute))
		time.Sleep(5*time.Minute - time.Second)
		if again := b.asked(); again.ID != ch.ID || s.codes() != 1 {
			t.Errorf("asked again: %+v, %d codes; want the same challenge and code", again, s.codes())
		}
		time.Sleep(time.Second)
		_, err = b.Verify(ctx, ch.ID, first)
		s.code("the right code after 5 minutes", err, cota.CodeExpired)
		if again := b.asked(); again.ID != ch.ID || s.codes() != 2 {
			t.Errorf("asked after the code expired: %+v, %d codes; want a new one", again, s.codes())
		}
		_, err = b.Verify(ctx, ch.ID, first)
		s.triesLeft("the code before", err, 4)
		right := s.logged()
		for i := range int64(4) {
			_, err = b.Verify(ctx, ch.ID, wrong(right))
			s.triesLeft(fmt.Sprintf("wrong code %d", i+2), err, 3-i)
		}
		_, err = b.Verify(ctx, ch.ID, right)
		s.code("the right code after five wrong ones", err, cota.RateLimited)
		time.Sleep(time.Minute)
		shown, err := b.Resend(ctx, ch.ID)
		s.must(err)
		if shown.ID != ch.ID || shown.ResendAt == nil || s.codes() != 3 {
			t.Errorf("Resend = %+v, %d codes; want a third of the same challenge", shown, s.codes())
		}

		// Five in an hour are the account's, whatever sessions ask for them.
		other := s.signedIn("203.0.113.1:1", "admin")
		other.asked()
		time.Sleep(time.Minute)
		_, err = b.Resend(ctx, ch.ID)
		s.must(err)
		third := s.signedIn("203.0.113.2:1", "admin")
		third.asked()
		if n := s.codes(); n != 5 {
			t.Errorf("%d codes in the hour; want 5", n)
		}
		time.Sleep(time.Minute)
		_, err = b.Resend(ctx, ch.ID)
		until("a sixth code in the hour", err, began.Add(time.Hour))
		_, err = other.Verify(ctx, ch.ID, s.logged())
		s.code("the challenge of another session", err, cota.NotFound)
		_, err = other.Resend(ctx, ch.ID)
		s.code("another code for the challenge of another session", err, cota.NotFound)
		_, err = b.Verify(ctx, ch.ID, s.logged())
		s.must(err)
		s.must(b.push())
		time.Sleep(time.Until(began.Add(time.Hour)))
		third.prove()
	})
}

// triesLeft checks that a code was refused as wrong, and said to be followed by
// so many tries, 0 as well.
func (s *site) triesLeft(what string, err error, want int64) {
	s.Helper()
	s.code(what, err, cota.CodeWrong)
	if e, ok := errors.AsType[*cota.Error](err); ok && (e.TriesLeft == nil || *e.TriesLeft != want) {
		s.Errorf("%s: triesLeft = %v; want %d", what, e.TriesLeft, want)
	}
}

// However many sessions try, an account bears so many wrong codes an hour.
func TestWrongCodesOfAnAccountAreLimited(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		one := int64(1)
		s.must(s.control.SetVerification(t.Context(), admin, nil, &cota.VerificationPatch{SendsPerHour: &one}))
		s.signedIn(home, "admin").asked()
		for i := range 6 {
			b := s.signedIn(home, "admin") // no code is sent to it
			_, err := b.Verify(t.Context(), b.asked().ID, "000000")
			want := cota.CodeWrong
			if i == 5 {
				want = cota.RateLimited
			}
			s.code(fmt.Sprintf("try %d", i+1), err, want)
		}
	})
}

func TestVerificationByHand(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*control.Options, *api.Options)
		addr   string
		want   cota.Code
	}{
		{"on", func(o *control.Options, _ *api.Options) { o.Verification = control.VerifyAlways }, home, cota.VerificationRequired},
		{"off", func(o *control.Options, _ *api.Options) { o.Verification = control.VerifyNever }, home, ""},
		{"trusting loopback, from elsewhere", func(o *control.Options, _ *api.Options) { o.TrustLoopback = true }, home, cota.VerificationRequired},
		{"trusting loopback, from there", func(o *control.Options, _ *api.Options) { o.TrustLoopback = true }, "127.0.0.1:1", ""},
		{"trusting loopback, from there by IPv6", func(o *control.Options, _ *api.Options) { o.TrustLoopback = true }, "[::1]:1", ""},
		{"as it is set, from loopback", nil, "127.0.0.1:1", cota.VerificationRequired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, tt.change, func(t *testing.T, s *site) {
				b := s.signedIn(tt.addr, "admin")
				s.code("push", b.push(), tt.want)
				v, err := b.Verification(t.Context())
				want := map[string]string{"on": "on", "off": "off"}[tt.name]
				if err != nil || v.Override != want || !v.Enabled || v.Sender != "log" || v.Policy != cota.DefaultVerificationPolicy() {
					t.Errorf("Verification = %+v, %v; want override %q and the defaults", v, err, want)
				}
			})
		})
	}
}

func TestVerificationPolicyCounts(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		day, bits := int64(24*3600), int64(32)
		b := s.signedIn(home, "admin")
		b.prove()
		_, err := b.SetVerification(t.Context(), client.VerificationPatch{Policy: &cota.VerificationPatch{Tries: ptr(int64(100))}})
		s.code("a policy out of bounds", err, cota.Invalid)
		v, err := b.SetVerification(t.Context(), client.VerificationPatch{Policy: &cota.VerificationPatch{TrustSeconds: &day, IPv4Bits: &bits}})
		s.must(err)
		want := cota.DefaultVerificationPolicy()
		want.TrustSeconds, want.IPv4Bits = day, bits
		equal(t, "SetVerification", v.Policy, want)
		s.code("a push from what was a network", b.push(), cota.VerificationRequired)
		time.Sleep(5 * time.Minute)
		b.prove()
		began := time.Now()
		b.addr = "198.51.100.8:1"
		s.code("a push from the next address", b.push(), cota.VerificationRequired)
		b.addr = home
		time.Sleep(time.Until(began.Add(24*time.Hour - time.Second)))
		b.signIn("admin")
		s.must(b.push())
		time.Sleep(time.Second)
		s.code("a push a day later", b.push(), cota.VerificationRequired)
	})
}
