package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

// token makes a token for the actor.
func (r *rig) token(by control.Actor, name string, role cota.Role, expires *time.Time) (cota.Token, string, error) {
	return r.AddToken(r.ctx, by, cota.Token{Name: name, Role: role, ExpiresAt: expires})
}

func TestToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Publisher)
		r.account("bob", cota.Admin)
		ann := control.Actor{Name: "ann", Account: "ann", Role: cota.Publisher}
		wantRole := func(what, secret string, want cota.Role) {
			t.Helper()
			by, err := r.Token(r.ctx, secret, "192.0.2.7")
			if err != nil || by.Name != "ann/ci" || by.Account != "ann" || by.Role != want || by.Address != "192.0.2.7" {
				t.Errorf("%s: Token = %+v, %v; want ann/ci as %v", what, by, err, want)
			}
		}
		made, editor, err := r.token(ann, "ci", cota.Editor, nil)
		r.must(err)
		_, publisher, err := r.token(ann, "ci", cota.Publisher, nil)
		r.must(err)
		if !strings.HasPrefix(editor, "cota_") || len(editor) < 40 || made.ID == 0 || made.Account != "ann" || made.Role != cota.Editor {
			t.Errorf("AddToken = %+v, a secret of %d", made, len(editor))
		}
		wantRole("as made", editor, cota.Editor)
		wantRole("as made", publisher, cota.Publisher)
		for _, tt := range []struct {
			name, token string
			role        cota.Role
			expires     *time.Time
			want        cota.Code
		}{
			{"more than its maker", "ci", cota.Admin, nil, cota.Forbidden},
			{"no role", "ci", cota.Nobody, nil, cota.Forbidden},
			{"no name", "", cota.Viewer, nil, cota.Invalid},
			{"name of two lines", "a\nb", cota.Viewer, nil, cota.Invalid},
			{"expired", "ci", cota.Viewer, ptr(time.Now()), cota.Invalid},
		} {
			_, _, err := r.token(ann, tt.token, tt.role, tt.expires)
			r.refused(tt.name, err, tt.want)
		}

		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Role: ptr(cota.Viewer)})
		r.must(err)
		wantRole("its account was demoted", publisher, cota.Viewer)
		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Role: ptr(cota.Admin)})
		r.must(err)
		wantRole("its account was promoted", publisher, cota.Publisher)
		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Disabled: ptr(true)})
		r.must(err)
		_, err = r.Token(r.ctx, publisher, "")
		r.refused("its account is disabled", err, cota.Unauthenticated)
		_, err = r.SetAccount(r.ctx, system, "ann", control.AccountPatch{Disabled: ptr(false)})
		r.must(err)
		r.must(r.RemoveAccount(r.ctx, system, "ann"))
		_, err = r.Token(r.ctx, publisher, "")
		r.refused("its account is gone", err, cota.Unauthenticated)
	})
}

func TestTokenOfATokenHasNoMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		_, secret, err := r.token(control.Actor{Name: "ann", Account: "ann", Role: cota.Admin}, "ci", cota.Viewer, nil)
		r.must(err)
		by, err := r.Token(r.ctx, secret, "")
		r.must(err)
		_, _, err = r.token(by, "more", cota.Editor, nil)
		r.refused("more than the token", err, cota.Forbidden)
	})
}

func TestTokenExpires(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		ann := control.Actor{Name: "ann", Account: "ann", Role: cota.Admin}
		expires := time.Now().Add(time.Hour)
		_, secret, err := r.token(ann, "ci", cota.Viewer, &expires)
		r.must(err)
		time.Sleep(time.Hour - time.Millisecond)
		_, err = r.Token(r.ctx, secret, "")
		r.must(err)
		time.Sleep(time.Millisecond)
		_, err = r.Token(r.ctx, secret, "")
		r.refused("an hour later", err, cota.Unauthenticated)
		for _, secret := range []string{"", "cota_", "cota_nonsense", "nonsense", r.session("ann", password)} {
			_, err = r.Token(r.ctx, secret, "")
			r.refused("no token", err, cota.Unauthenticated)
		}
	})
}

func TestRemoveToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Viewer)
		r.account("bob", cota.Publisher)
		ann := control.Actor{Name: "ann", Account: "ann", Role: cota.Viewer}
		bob := control.Actor{Name: "bob", Account: "bob", Role: cota.Publisher}
		add := func() (int64, string) {
			token, secret, err := r.token(ann, "ci", cota.Viewer, nil)
			r.must(err)
			return token.ID, secret
		}
		id, secret := add()
		r.refused("another's", r.RemoveToken(r.ctx, bob, id), cota.NotFound)
		r.must(r.RemoveToken(r.ctx, ann, id))
		_, err := r.Token(r.ctx, secret, "")
		r.refused("removed", err, cota.Unauthenticated)
		r.refused("removed before", r.RemoveToken(r.ctx, ann, id), cota.NotFound)
		id, _ = add()
		r.must(r.RemoveToken(r.ctx, system, id)) // an administrator removes anybody's
	})
}
