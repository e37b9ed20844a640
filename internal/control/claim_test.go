package control_test

import (
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

func TestSignInAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		all, err := r.AddDevices(r.ctx, system, r.product, []string{"dev-1", "dev-2", "dev-3"})
		r.must(err)
		other, _, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, "other")
		r.must(err)
		theirs, err := r.AddDevices(r.ctx, system, other.Key, []string{"dev-1"})
		r.must(err)
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-3", true))
		claim := func(product string, c cota.Credentials) *control.Claim {
			return &control.Claim{Product: product, Name: c.Name, Verify: func(secret string) bool { return secret == c.Secret }}
		}
		wrong := cota.Credentials{Name: "dev-2", Secret: "wrong"}
		for _, tt := range []struct {
			name  string
			claim *control.Claim
			want  cota.Code
		}{
			{"a device", claim(r.product, all[0]), ""},
			{"a device of another product by the same name", claim(other.Key, theirs[0]), ""},
			{"its secret for the other product", claim(r.product, theirs[0]), cota.Unauthenticated},
			{"the device again", claim(r.product, all[0]), ""},
			{"another device", claim(r.product, all[1]), ""},
			{"the same with a wrong secret", claim(r.product, wrong), cota.Unauthenticated},
			{"disabled", claim(r.product, all[2]), cota.Disabled},
			{"unknown", claim(r.product, cota.Credentials{Name: "dev-4"}), cota.NotFound},
			{"of no product", claim("a1nothing00", all[0]), cota.NotFound},
		} {
			r.check(tt.name+", alone", []*control.Claim{tt.claim}, tt.want)
		}
		claims := []*control.Claim{
			claim(r.product, all[0]), claim(other.Key, theirs[0]), claim(r.product, theirs[0]), claim(r.product, all[0]),
			claim(r.product, wrong), claim(r.product, all[1]), claim(r.product, all[2]), claim("a1nothing00", all[0]),
		}
		order := append([]*control.Claim(nil), claims...)
		r.SignInAll(r.ctx, claims)
		for i, want := range []cota.Code{"", "", cota.Unauthenticated, "", cota.Unauthenticated, "", cota.Disabled, cota.NotFound} {
			r.is("together with others", order[i], want)
		}
		r.SignInAll(r.ctx, nil)
	})
}

func (r *rig) check(name string, claims []*control.Claim, want cota.Code) {
	r.t.Helper()
	r.SignInAll(r.ctx, claims)
	r.is(name, claims[0], want)
}

// is checks what became of a claim: as SignIn would have it.
func (r *rig) is(name string, c *control.Claim, want cota.Code) {
	r.t.Helper()
	one, err := r.SignIn(r.ctx, c.Product, c.Name, c.Verify)
	if cota.CodeOf(err) != want || cota.CodeOf(c.Err) != want {
		r.t.Errorf("%s: SignInAll says %v, SignIn %v; want code %q", name, c.Err, err, want)
	}
	if err == nil && c.Entrant != one {
		r.t.Errorf("%s: let in as %+v; want %+v", name, c.Entrant, one)
	}
}

func TestRecheckAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		names := []string{"dev-1", "dev-2", "dev-3", "dev-4"}
		_, err := r.AddDevices(r.ctx, system, r.product, names)
		r.must(err)
		claims := make([]*control.Claim, len(names))
		for i, name := range names {
			claims[i] = &control.Claim{Product: r.product, Name: name, Verify: func(string) bool { return true }}
		}
		order := append([]*control.Claim(nil), claims...)
		r.SignInAll(r.ctx, claims)
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-2", true))
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-3"))
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-4"))
		_, err = r.AddDevices(r.ctx, system, r.product, []string{"dev-4"})
		r.must(err)
		r.must(r.store.Record(r.ctx, store.Report{Device: order[0].Entrant.ID, Offered: 7}))
		r.must(r.store.Flush(r.ctx))
		r.RecheckAll(r.ctx, claims)
		for i, want := range []cota.Code{"", cota.Disabled, cota.NotFound, cota.NotFound} {
			r.refused(names[i], order[i].Err, want)
		}
		if at := order[0].Entrant.Standing; at.Offered != 7 {
			t.Errorf("rechecked, dev-1 stands at %+v; want version 7 offered", at)
		}
	})
}
