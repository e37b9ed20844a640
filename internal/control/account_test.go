package control_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

const password = "correct horse"

// account adds an account, with a hash of its password that takes no time.
func (r *rig) account(name string, role cota.Role) {
	r.t.Helper()
	salt := []byte("somesalt")
	b64 := base64.RawStdEncoding.EncodeToString
	hash := fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", b64(salt), b64(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)))
	r.must(r.store.Update(r.ctx, func(tx *store.Tx) error {
		return tx.AddAccount(r.ctx, cota.Account{Name: name, Role: role, CreatedAt: time.Now()}, hash)
	}))
}

func (r *rig) session(name, password string) string {
	r.t.Helper()
	secret, _, err := r.OpenSession(r.ctx, name, password, cota.Session{Address: "192.0.2.1"}, "")
	r.must(err)
	return secret
}

func TestEnsureAdmin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		if added, err := r.EnsureAdmin(r.ctx, "short"); added || cota.CodeOf(err) != cota.Invalid {
			t.Errorf("EnsureAdmin with a short password = %t, %v; want invalid", added, err)
		}
		if added, err := r.EnsureAdmin(r.ctx, password); !added || err != nil {
			t.Errorf("EnsureAdmin = %t, %v; want it added", added, err)
		}
		if added, err := r.EnsureAdmin(r.ctx, "another password"); added || err != nil {
			t.Errorf("EnsureAdmin again = %t, %v; want it left alone", added, err)
		}
		secret := r.session(control.FirstAccount, password)
		if by, err := r.Session(r.ctx, secret, ""); err != nil || by.Role != cota.Admin {
			t.Errorf("the first account acts as %+v, %v; want an administrator", by, err)
		}
		// One who was renamed, so to speak, is not given a namesake.
		r.account("ann", cota.Admin)
		r.must(r.RemoveAccount(r.ctx, system, control.FirstAccount))
		if added, err := r.EnsureAdmin(r.ctx, password); added || err != nil {
			t.Errorf("EnsureAdmin beside another = %t, %v; want none added", added, err)
		}
	})
}

func TestAddAccountThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Viewer)
		for _, tt := range []struct {
			name, account, password string
			role                    cota.Role
			want                    cota.Code
		}{
			{"taken", "ann", password, cota.Viewer, cota.Exists},
			{"no name", "", password, cota.Viewer, cota.Invalid},
			{"slash in the name", "ann/x", password, cota.Viewer, cota.Invalid},
			{"colon in the name", "ann:x", password, cota.Viewer, cota.Invalid},
			{"overlong name", strings.Repeat("a", 33), password, cota.Viewer, cota.Invalid},
			{"short password", "bob", "1234567", cota.Viewer, cota.Invalid},
			{"overlong password", "bob", strings.Repeat("a", 257), cota.Viewer, cota.Invalid},
			{"no role", "bob", password, cota.Nobody, cota.Invalid},
			{"no such role", "bob", password, cota.Admin + 1, cota.Invalid},
		} {
			err := r.AddAccount(r.ctx, system, cota.Account{Name: tt.account, Role: tt.role}, tt.password)
			r.refused(tt.name, err, tt.want)
		}
		_, err := r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Role: ptr(cota.Nobody)})
		r.refused("set to no role", err, cota.Invalid)
		if all, err := r.store.Accounts(r.ctx, "", 10); err != nil || len(all) != 1 {
			t.Errorf("accounts %+v, %v; want ann alone", all, err)
		}
	})
}

func TestLastAdministratorStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		r.account("bob", cota.Viewer)
		_, err := r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Role: ptr(cota.Publisher)})
		r.refused("demote the last", err, cota.InUse)
		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Disabled: ptr(true)})
		r.refused("disable the last", err, cota.InUse)
		r.refused("remove the last", r.RemoveAccount(r.ctx, system, "ann"), cota.InUse)

		_, err = r.SetAccount(r.ctx, system, "bob", control.AccountPatch{Role: ptr(cota.Admin), Disabled: ptr(true)})
		r.must(err)
		r.refused("remove the last that is not disabled", r.RemoveAccount(r.ctx, system, "ann"), cota.InUse)
		_, err = r.SetAccount(r.ctx, system, "bob", control.AccountPatch{Disabled: ptr(false)})
		r.must(err)
		r.must(r.RemoveAccount(r.ctx, system, "ann"))
		r.refused("remove who is not there", r.RemoveAccount(r.ctx, system, "ann"), cota.NotFound)
		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{})
		r.refused("set who is not there", err, cota.NotFound)
	})
}

func TestSignInOfAccounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Editor)
		r.account("bob", cota.Admin)
		for name, login := range map[string][2]string{
			"wrong password":    {"ann", password + "!"},
			"no password":       {"ann", ""},
			"overlong password": {"ann", strings.Repeat("a", 1<<20)},
			"unknown account":   {"eve", password},
			"no account":        {"", ""},
		} {
			_, _, err := r.OpenSession(r.ctx, login[0], login[1], cota.Session{}, "")
			r.refused(name, err, cota.Unauthenticated)
			if err != nil && err.Error() != "unknown account or wrong password" {
				t.Errorf("%s: %q tells which", name, err)
			}
		}
		secret := r.session("ann", password)
		by, err := r.Session(r.ctx, secret, "192.0.2.7")
		if err != nil || by.Name != "ann" || by.Account != "ann" || by.Role != cota.Editor || by.Address != "192.0.2.7" {
			t.Errorf("Session = %+v, %v; want ann, an editor, from there", by, err)
		}
		_, err = r.Session(r.ctx, secret+"x", "")
		r.refused("another secret", err, cota.Unauthenticated)
		_, err = r.Session(r.ctx, "", "")
		r.refused("no secret", err, cota.Unauthenticated)

		r.must(r.CloseSession(r.ctx, by, secret))
		_, err = r.Session(r.ctx, secret, "")
		r.refused("signed out", err, cota.Unauthenticated)

		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Disabled: ptr(true)})
		r.must(err)
		_, _, err = r.OpenSession(r.ctx, "ann", password, cota.Session{}, "")
		r.refused("disabled", err, cota.Unauthenticated)
	})
}

func TestSessionEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		r.account("bob", cota.Admin)
		ended := func(what, secret string, want bool) {
			t.Helper()
			_, err := r.Session(r.ctx, secret, "")
			if got := cota.CodeOf(err) == cota.Unauthenticated; got != want {
				t.Errorf("%s: session ended: %t, %v; want %t", what, got, err, want)
			}
		}
		bystander := r.session("bob", password)

		secret := r.session("ann", password)
		time.Sleep(control.SessionLife - time.Millisecond)
		ended("a moment before", secret, false)
		time.Sleep(time.Millisecond)
		ended("after twelve hours", secret, true)
		ended("everybody's", bystander, true)
		bystander = r.session("bob", password)

		for _, tt := range []struct {
			what   string
			change func() error
		}{
			{"role", func() error {
				_, err := r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Role: ptr(cota.Publisher)})
				return err
			}},
			{"own password", func() error {
				return r.ChangePassword(r.ctx, control.Actor{Name: "ann", Account: "ann"}, password, password)
			}},
			{"password by another", func() error {
				_, err := r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Password: ptr(password)})
				return err
			}},
		} {
			secret := r.session("ann", password)
			r.must(tt.change())
			ended(tt.what, secret, true)
		}
		last := r.session("ann", password)
		r.must(r.RemoveAccount(r.ctx, system, "ann"))
		ended("removed", last, true)
		ended("another account's", bystander, false)
	})
}

func TestChangePassword(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Viewer)
		r.account("bob", cota.Admin)
		ann := control.Actor{Name: "ann", Account: "ann", Role: cota.Viewer}
		r.refused("wrong old one", r.ChangePassword(r.ctx, ann, "not it at all", "new password"), cota.WrongPassword)
		r.refused("short new one", r.ChangePassword(r.ctx, ann, password, "short"), cota.Invalid)
		r.must(r.ChangePassword(r.ctx, ann, password, "new password"))
		r.session("ann", "new password")
		_, _, err := r.OpenSession(r.ctx, "ann", password, cota.Session{}, "")
		r.refused("the old one", err, cota.Unauthenticated)
		r.session("bob", password)
	})
}
