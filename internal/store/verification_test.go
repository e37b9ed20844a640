package store_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestVerificationSetting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		got, err := s.Verification(t.Context())
		must(t, err)
		equal(t, "Verification of a new store", got, cota.DefaultVerification())
		for _, want := range []cota.Verification{{Policy: cota.VerificationPolicy{Tries: 7}}, {Enabled: true}} {
			update(t, s, func(tx *store.Tx) error { return tx.SetVerification(t.Context(), want) })
			got, err := s.Verification(t.Context())
			must(t, err)
			equal(t, "Verification", got, want)
		}
	})
}

func TestServerKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, secret := range []string{"the first", "another"} {
			update(t, s, func(tx *store.Tx) error {
				key, err := tx.ServerKey(t.Context(), "verification", []byte(secret), t0)
				equal(t, "ServerKey", string(key), "the first")
				return err
			})
		}
	})
}

func TestProofs(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		s := storetest.OpenDSN(t, dsn)
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Editor, CreatedAt: t0}, ""))
			return tx.AddAccount(ctx, cota.Account{Name: "bob", Role: cota.Viewer, CreatedAt: t0}, "")
		})
		got, err := s.Proofs(ctx, "anna")
		must(t, err)
		equal(t, "Proofs of a new account", got, store.Proofs{})
		want := store.Proofs{
			Phone: "+8613800001234", TOTP: "PLAINTOTP", TOTPStep: 7, NewTOTP: "PLAINNEW", RecoveryHash: "hash", RecoveryUntil: t0,
		}
		update(t, s, func(tx *store.Tx) error { return tx.SetProofs(ctx, "anna", want) })
		got, err = s.Proofs(ctx, "anna")
		must(t, err)
		equal(t, "Proofs", got, want)
		a, err := s.Account(ctx, "anna")
		must(t, err)
		equal(t, "Account", a, cota.Account{Name: "anna", Role: cota.Editor, Phone: "138****1234", TOTP: true, CreatedAt: t0})
		refused(t, "SetProofs(none)",
			s.Update(ctx, func(tx *store.Tx) error { return tx.SetProofs(ctx, "none", want) }), cota.NotFound)
		_, err = s.Proofs(ctx, "none")
		refused(t, "Proofs(none)", err, cota.NotFound)

		if isSQLite(dsn) {
			for _, file := range []string{dsn, dsn + "-wal"} {
				content, err := os.ReadFile(file)
				must(t, err)
				for _, p := range []string{"13800001234", "PLAINTOTP", "PLAINNEW"} {
					if strings.Contains(string(content), p) {
						t.Errorf("%s holds %q in plain text", file, p)
					}
				}
			}
		}
		// A box opens only where it was sealed.
		exec(t, raw(t, dsn), `UPDATE account SET totp_sealed = (SELECT totp_sealed FROM account WHERE name = 'anna') WHERE name = 'bob'`)
		if p, err := s.Proofs(ctx, "bob"); err == nil {
			t.Errorf("Proofs with another's box = %+v; want an error", p)
		}
	})
}

func TestTrust(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check := func(what, account, browser, network string, want time.Time) {
			t.Helper()
			got, err := s.ProvenAt(ctx, account, browser, network)
			must(t, err)
			equal(t, what, got, want)
		}
		check("before", "anna", "b1", "n1", time.Time{})
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Editor}, ""))
			must(t, tx.Trust(ctx, "anna", "b1", "n1", t0))
			must(t, tx.Trust(ctx, "anna", "b1", "n2", t0.Add(time.Hour)))
			return tx.Trust(ctx, "bob", "b1", "n1", t0.Add(time.Hour))
		})
		check("proven", "anna", "b1", "n1", t0)
		check("another browser", "anna", "b2", "n1", time.Time{})
		check("another network", "anna", "b1", "n3", time.Time{})
		update(t, s, func(tx *store.Tx) error { return tx.Trust(ctx, "anna", "b1", "n1", t0.Add(time.Minute)) })
		check("proven again", "anna", "b1", "n1", t0.Add(time.Minute))
		update(t, s, func(tx *store.Tx) error { return tx.PruneTrust(ctx, t0.Add(time.Minute)) })
		check("pruned", "anna", "b1", "n1", time.Time{})
		check("not pruned", "anna", "b1", "n2", t0.Add(time.Hour))
		update(t, s, func(tx *store.Tx) error { return tx.RemoveAccount(ctx, "anna") })
		check("of an account that is removed", "anna", "b1", "n2", time.Time{})
		check("of another account", "bob", "b1", "n1", t0.Add(time.Hour))
	})
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		put := func(c store.Challenge) store.Challenge {
			t.Helper()
			update(t, s, func(tx *store.Tx) error { return tx.PutChallenge(ctx, c) })
			got, err := s.Challenge(ctx, c.ID)
			must(t, err)
			equal(t, "Challenge", got, c)
			return c
		}
		older := put(store.Challenge{ID: "older", Session: "s1", Account: "anna", CreatedAt: t0})
		newer := put(store.Challenge{ID: "newer", Session: "s1", Account: "anna", CreatedAt: t0.Add(time.Minute)})
		put(store.Challenge{ID: "phone", Session: "s1", Account: "anna", Phone: "13800001234", CreatedAt: t0.Add(time.Hour)})
		other := put(store.Challenge{ID: "other", Session: "s2", Account: "bob", CreatedAt: t0.Add(time.Hour)})
		newer.CodeHash, newer.SentAt, newer.Tries = "hash", t0.Add(2*time.Minute), 3
		put(newer)
		got, err := s.OpenChallenge(ctx, "s1", t0)
		must(t, err)
		equal(t, "OpenChallenge", got, newer)
		_, err = s.OpenChallenge(ctx, "s1", newer.CreatedAt)
		refused(t, "OpenChallenge of an older one", err, cota.NotFound)
		update(t, s, func(tx *store.Tx) error { return tx.PruneChallenges(ctx, t0) })
		_, err = s.Challenge(ctx, older.ID)
		refused(t, "Challenge after it was pruned", err, cota.NotFound)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveSessions(ctx, "anna") })
		_, err = s.Challenge(ctx, newer.ID)
		refused(t, "Challenge without its session", err, cota.NotFound)
		_, err = s.Challenge(ctx, other.ID)
		must(t, err)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveChallenge(ctx, other.ID) })
		_, err = s.Challenge(ctx, other.ID)
		refused(t, "Challenge after RemoveChallenge", err, cota.NotFound)
	})
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			for _, at := range []time.Duration{2, 0, 1} {
				must(t, tx.AddAttempt(ctx, "anna", store.CodeSent, t0.Add(at*time.Minute)))
			}
			must(t, tx.AddAttempt(ctx, "anna", store.CodeWrong, t0.Add(3*time.Minute)))
			return tx.AddAttempt(ctx, "bob", store.CodeSent, t0.Add(4*time.Minute))
		})
		check := func(what string, then time.Time, want ...time.Time) {
			t.Helper()
			got, err := s.Attempts(ctx, "anna", store.CodeSent, then)
			must(t, err)
			equal(t, what, got, append([]time.Time{}, want...))
		}
		check("all", t0.Add(-1), t0, t0.Add(time.Minute), t0.Add(2*time.Minute))
		check("after the first", t0, t0.Add(time.Minute), t0.Add(2*time.Minute))
		update(t, s, func(tx *store.Tx) error { return tx.PruneChallenges(ctx, t0.Add(time.Minute)) })
		check("after a prune", t0.Add(-1), t0.Add(2*time.Minute))
	})
}

func TestTokenLists(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		s := storetest.OpenDSN(t, dsn)
		want := cota.Token{
			Name: "ci", Account: "anna", Role: cota.Admin, CreatedAt: t0, Scopes: []cota.Scope{cota.ScopePush},
			Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/48")},
		}
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Admin}, ""))
			return tx.AddToken(ctx, &want, "hash")
		})
		got, err := s.Token(ctx, want.ID)
		must(t, err)
		if len(got.Networks) != 2 || got.Networks[0] != want.Networks[0] || got.Networks[1] != want.Networks[1] || !got.Has(cota.ScopePush) {
			t.Errorf("Token = %+v; want %+v", got, want)
		}
		exec(t, raw(t, dsn), `UPDATE token SET networks = '192.0.2.0/24 nonsense'`)
		if got, err := s.Token(ctx, want.ID); err == nil {
			t.Errorf("Token with a damaged network = %+v; want an error", got)
		}
	})
}

// A short command beside a server does not take its place.
func TestGuest(t *testing.T) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		s := storetest.OpenDSN(t, dsn)
		addProduct(t, s, pk)
		addDevices(t, s, pk, 1)
		d := device(t, s, pk, "dev-000001")
		record(t, s, store.Report{Device: d.ID, At: t0, Kind: cota.EventConnected, Connected: true, Since: t0})
		o := storetest.Options(t, dsn)
		o.Guest = true
		guest, err := store.Open(ctx, o)
		must(t, err)
		must(t, guest.Update(ctx, func(tx *store.Tx) error {
			return tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Viewer}, "")
		}))
		closeStore(t, guest)
		if d := device(t, s, pk, "dev-000001"); !d.Online {
			t.Error("a guest took the devices of the server offline")
		}
		if _, err := s.Account(ctx, "anna"); err != nil {
			t.Errorf("Account that a guest added: %v", err)
		}
	})
}
