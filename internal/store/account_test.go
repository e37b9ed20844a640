package store_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		want := []cota.Account{
			{Name: "Bob", Role: cota.Viewer, Disabled: true, CreatedAt: t0},
			{Name: "admin", Role: cota.Admin, CreatedAt: t0},
			{Name: "anna", Role: cota.Editor},
			{Name: "anna@x", Role: cota.Publisher, CreatedAt: t0},
		}
		for _, n := range []int{3, 1, 0, 2} {
			update(t, s, func(tx *store.Tx) error { return tx.AddAccount(ctx, want[n], "hash of "+want[n].Name) })
		}
		taken(t, s, "AddAccount again", func(tx *store.Tx) error { return tx.AddAccount(ctx, want[0], "x") })
		got, err := s.Account(ctx, "Bob")
		must(t, err)
		equal(t, "Account", got, want[0])
		_, err = s.Account(ctx, "bob")
		refused(t, "Account(bob)", err, cota.NotFound)
		checkPages(t, "Accounts", want, func(after *cota.Account, limit int) ([]cota.Account, error) {
			if after == nil {
				return s.Accounts(ctx, "", limit)
			}
			return s.Accounts(ctx, after.Name, limit)
		})

		admins := func(want int) {
			t.Helper()
			if n, err := s.CountAdmins(ctx); err != nil || n != want {
				t.Errorf("CountAdmins = %d, %v; want %d", n, err, want)
			}
		}
		admins(1)
		want[2].Role = cota.Admin
		update(t, s, func(tx *store.Tx) error { return tx.SetAccount(ctx, want[2]) })
		admins(2)
		want[2].Disabled = true
		update(t, s, func(tx *store.Tx) error { return tx.SetAccount(ctx, want[2]) })
		admins(1)
		got, err = s.Account(ctx, "anna")
		must(t, err)
		equal(t, "Account after SetAccount", got, want[2])
		refused(t, "SetAccount(none)",
			s.Update(ctx, func(tx *store.Tx) error { return tx.SetAccount(ctx, cota.Account{Name: "none"}) }), cota.NotFound)

		update(t, s, func(tx *store.Tx) error { return tx.SetPassword(ctx, "anna", "neu") })
		for name, want := range map[string]string{"anna": "neu", "admin": "hash of admin"} {
			hash, err := s.Password(ctx, name)
			must(t, err)
			equal(t, "Password of "+name, hash, want)
		}
		_, err = s.Password(ctx, "none")
		refused(t, "Password(none)", err, cota.NotFound)
		refused(t, "SetPassword(none)",
			s.Update(ctx, func(tx *store.Tx) error { return tx.SetPassword(ctx, "none", "x") }), cota.NotFound)

		// An account goes with all that signs in as it.
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddSession(ctx, "session", "anna@x", cota.Session{Address: "::1", CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}))
			must(t, tx.AddSession(ctx, "kept", "admin", cota.Session{Address: "::1", CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}))
			return tx.AddToken(ctx, &cota.Token{Account: "anna@x", Role: cota.Viewer}, "token")
		})
		update(t, s, func(tx *store.Tx) error { return tx.RemoveAccount(ctx, "anna@x") })
		_, err = s.Account(ctx, "anna@x")
		refused(t, "Account after RemoveAccount", err, cota.NotFound)
		_, _, err = s.SessionAccount(ctx, "session", t0, time.Time{})
		refused(t, "SessionAccount after RemoveAccount", err, cota.NotFound)
		_, _, err = s.TokenByHash(ctx, "token", t0)
		refused(t, "TokenByHash after RemoveAccount", err, cota.NotFound)
		_, _, err = s.SessionAccount(ctx, "kept", t0, time.Time{})
		must(t, err)
		refused(t, "RemoveAccount again",
			s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveAccount(ctx, "anna@x") }), cota.NotFound)
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		anna := cota.Account{Name: "anna", Role: cota.Editor, CreatedAt: t0}
		expires := t0.Add(time.Hour)
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddAccount(ctx, anna, ""))
			must(t, tx.AddSession(ctx, "one", "anna", cota.Session{Address: "192.0.2.1", CreatedAt: t0, ExpiresAt: expires}))
			must(t, tx.AddSession(ctx, "two", "anna", cota.Session{Address: "", CreatedAt: t0, ExpiresAt: expires.Add(time.Hour)}))
			return tx.AddSession(ctx, "three", "anna", cota.Session{Address: "", CreatedAt: t0, ExpiresAt: expires.Add(time.Hour)})
		})
		taken(t, s, "AddSession again", func(tx *store.Tx) error {
			return tx.AddSession(ctx, "one", "anna", cota.Session{Address: "", CreatedAt: t0, ExpiresAt: expires})
		})
		check := func(what, hash string, now time.Time, want cota.Code) {
			t.Helper()
			a, _, err := s.SessionAccount(ctx, hash, now, time.Time{})
			refused(t, what, err, want)
			if err == nil {
				equal(t, what, a, anna)
			}
		}
		check("a millisecond before it expires", "one", expires.Add(-time.Millisecond), "")
		check("when it expires", "one", expires, cota.NotFound)
		sessionUse(t, s)
		check("no session", "four", t0, cota.NotFound)

		anna.Disabled = true
		update(t, s, func(tx *store.Tx) error { return tx.SetAccount(ctx, anna) })
		check("of a disabled account", "one", t0, cota.NotFound)
		anna.Disabled = false
		update(t, s, func(tx *store.Tx) error { return tx.SetAccount(ctx, anna) })

		update(t, s, func(tx *store.Tx) error { return tx.PruneSessions(ctx, expires, time.Time{}) })
		check("pruned", "one", t0, cota.NotFound)
		check("not pruned", "two", t0, "")
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.RemoveSession(ctx, "none"))
			return tx.RemoveSession(ctx, "two")
		})
		check("removed", "two", t0, cota.NotFound)
		check("another", "three", t0, "")
		update(t, s, func(tx *store.Tx) error { return tx.RemoveSessions(ctx, "anna") })
		check("removed with the others", "three", t0, cota.NotFound)
	})
}

// sessionUse looks at anna's sessions one, two and three of t0, and leaves them as
// they are but for their use.
func sessionUse(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, used := t.Context(), t0.Add(30*time.Minute)
	see := func(at time.Time) {
		t.Helper()
		update(t, s, func(tx *store.Tx) error { return tx.SeeSession(ctx, "two", at) })
	}
	see(used)
	see(used.Add(-time.Minute)) // by a node whose clock is behind
	for _, tt := range []struct {
		hash string
		idle time.Time
		want cota.Code
		seen time.Time
	}{
		{"two", used.Add(-time.Millisecond), "", used},
		{"two", used, cota.NotFound, time.Time{}},
		{"three", t0.Add(-time.Millisecond), "", t0},
		{"three", t0, cota.NotFound, time.Time{}},
	} {
		_, seen, err := s.SessionAccount(ctx, tt.hash, used, tt.idle)
		refused(t, "SessionAccount of "+tt.hash, err, tt.want)
		equal(t, "when "+tt.hash+" was used", seen, tt.seen)
	}
	ids := func(idle time.Time) (ids []string) {
		t.Helper()
		all, err := s.Sessions(ctx, "anna", "two", used, idle, 10)
		must(t, err)
		for _, a := range all {
			ids = append(ids, a.ID)
			if a.Current != (a.ID == "two") || !a.CreatedAt.Equal(t0) || a.SeenAt.Equal(used) != (a.ID == "two") {
				t.Errorf("session %+v; want that two is current, and used last", a)
			}
		}
		return ids
	}
	equal(t, "Sessions", ids(time.Time{}), []string{"one", "three", "two"})
	equal(t, "Sessions that were used", ids(t0), []string{"two"})
	none, err := s.Sessions(ctx, "bob", "two", used, time.Time{}, 10)
	must(t, err)
	equal(t, "Sessions of another", none, nil)
	refused(t, "RemoveSessionOf another", s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveSessionOf(ctx, "bob", "two") }), cota.NotFound)
}

func TestRemoveSessionsOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		live := func() (ids []string) {
			t.Helper()
			for _, name := range []string{"anna", "bob"} {
				all, err := s.Sessions(ctx, name, "", t0, time.Time{}, 10)
				must(t, err)
				for _, a := range all {
					ids = append(ids, a.ID)
				}
			}
			return ids
		}
		update(t, s, func(tx *store.Tx) error {
			for _, name := range []string{"anna", "bob"} {
				must(t, tx.AddAccount(ctx, cota.Account{Name: name, Role: cota.Viewer}, ""))
				for _, hash := range []string{"0123456789abcdef", "123456789abcdef0", "23456789abcdef01"} {
					session := cota.Session{Browser: "a\x00b", CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}
					must(t, tx.AddSession(ctx, hash+" of "+name, name, session))
				}
			}
			return nil
		})
		update(t, s, func(tx *store.Tx) error { return tx.RemoveSessionOf(ctx, "anna", "123456789abcdef0") })
		equal(t, "after RemoveSessionOf", live(), []string{"0123456789abcdef", "23456789abcdef01", "0123456789abcdef", "123456789abcdef0", "23456789abcdef01"})
		update(t, s, func(tx *store.Tx) error {
			n, err := tx.RemoveOtherSessions(ctx, "bob", "23456789abcdef01 of bob")
			equal(t, "how many others", n, 2)
			return err
		})
		equal(t, "after RemoveOtherSessions", live(), []string{"0123456789abcdef", "23456789abcdef01", "23456789abcdef01"})
		update(t, s, func(tx *store.Tx) error { return tx.PruneSessions(ctx, t0.Add(time.Minute), t0) })
		equal(t, "after those were pruned that were not used", live(), nil)
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		expires := t0.Add(time.Hour)
		want := []cota.Token{
			{Name: "für immer", Account: "anna", Role: cota.Publisher, CreatedAt: t0},
			{Name: "für eine Stunde", Account: "anna", Role: cota.Viewer, CreatedAt: t0, ExpiresAt: &expires},
			{Account: "bob", Role: cota.Viewer},
		}
		update(t, s, func(tx *store.Tx) error {
			must(t, tx.AddAccount(ctx, cota.Account{Name: "anna", Role: cota.Editor}, ""))
			return tx.AddAccount(ctx, cota.Account{Name: "bob", Role: cota.Admin}, "")
		})
		hashes := []string{"h0", "h1", "h2"}
		for i := range want {
			update(t, s, func(tx *store.Tx) error { return tx.AddToken(ctx, &want[i], hashes[i]) })
			got, err := s.Token(ctx, want[i].ID)
			must(t, err)
			equal(t, "Token", got, want[i])
		}
		taken(t, s, "AddToken with a hash that is there", func(tx *store.Tx) error {
			return tx.AddToken(ctx, &cota.Token{Account: "bob", Role: cota.Viewer}, "h0")
		})
		for account, want := range map[string][]cota.Token{"": want, "anna": want[:2], "none": nil} {
			checkPages(t, "Tokens of "+account, want, func(after *cota.Token, limit int) ([]cota.Token, error) {
				if after == nil {
					return s.Tokens(ctx, account, 0, limit)
				}
				return s.Tokens(ctx, account, after.ID, limit)
			})
		}

		check := func(what, hash string, now time.Time, want cota.Token, wantRole cota.Role, code cota.Code) {
			t.Helper()
			got, role, err := s.TokenByHash(ctx, hash, now)
			refused(t, what, err, code)
			if err == nil {
				equal(t, what, got, want)
				equal(t, what, role, wantRole)
			}
		}
		check("one that never expires", "h0", t0.AddDate(100, 0, 0), want[0], cota.Editor, "")
		check("a millisecond before it expires", "h1", expires.Add(-time.Millisecond), want[1], cota.Editor, "")
		check("when it expires", "h1", expires, want[1], cota.Editor, cota.NotFound)
		check("no token", "h3", t0, cota.Token{}, 0, cota.NotFound)
		update(t, s, func(tx *store.Tx) error {
			return tx.SetAccount(ctx, cota.Account{Name: "bob", Role: cota.Admin, Disabled: true})
		})
		check("of a disabled account", "h2", t0, want[2], cota.Admin, cota.NotFound)

		update(t, s, func(tx *store.Tx) error { return tx.PruneSessions(ctx, expires, time.Time{}) })
		_, err := s.Token(ctx, want[1].ID)
		refused(t, "Token after it was pruned", err, cota.NotFound)
		update(t, s, func(tx *store.Tx) error { return tx.RemoveToken(ctx, want[0].ID) })
		_, err = s.Token(ctx, want[0].ID)
		refused(t, "Token after RemoveToken", err, cota.NotFound)
		refused(t, "RemoveToken again",
			s.Update(ctx, func(tx *store.Tx) error { return tx.RemoveToken(ctx, want[0].ID) }), cota.NotFound)
	})
}

func TestAudit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var want []cota.AuditEntry // newest first
		for _, e := range []cota.AuditEntry{
			{At: t0, Actor: "admin/ci", Address: "192.0.2.1", Action: "push.start", Target: pk, Detail: "版本 3"},
			{},
			{At: t0.Add(-time.Hour), Actor: "b"}, // the order is that of the ids
		} {
			update(t, s, func(tx *store.Tx) error { return tx.Audit(ctx, &e) })
			want = append([]cota.AuditEntry{e}, want...)
		}
		checkPages(t, "AuditLog", want, func(below *cota.AuditEntry, limit int) ([]cota.AuditEntry, error) {
			if below == nil {
				return s.AuditLog(ctx, store.AuditFilter{}, 0, limit)
			}
			return s.AuditLog(ctx, store.AuditFilter{}, below.ID, limit)
		})
		for _, target := range []string{pk + "/dev-1", pk2} {
			update(t, s, func(tx *store.Tx) error {
				return tx.Audit(ctx, &cota.AuditEntry{At: t0, Actor: "admin", Action: "device.add", Target: target})
			})
		}
		for f, n := range map[store.AuditFilter]int{
			{}:                                  5,
			{Actor: "admin"}:                    3,
			{Actor: "adm"}:                      0,
			{Action: "push"}:                    1,
			{Action: "push.start"}:              1,
			{Action: "pus"}:                     0,
			{Product: pk}:                       2,
			{Product: "a1%"}:                    0,
			{Product: pk, Action: "device.add"}: 1,
		} {
			if got, err := s.AuditLog(ctx, f, 0, 10); err != nil || len(got) != n {
				t.Errorf("AuditLog of %+v = %v, %v; want %d lines", f, got, err, n)
			}
		}
	})
}
