package control_test

import (
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

func TestPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for _, tt := range []struct {
			name  string
			patch cota.PolicyPatch
			ok    bool
		}{
			{"nothing", cota.PolicyPatch{}, true},
			{"no cool-down", cota.PolicyPatch{CooldownSeconds: ptr(int64(0))}, true},
			{"cool-down of 30 days", cota.PolicyPatch{CooldownSeconds: ptr(int64(30 * 24 * 3600))}, true},
			{"longer", cota.PolicyPatch{CooldownSeconds: ptr(int64(30*24*3600 + 1))}, false},
			{"negative", cota.PolicyPatch{CooldownSeconds: ptr(int64(-1))}, false},
			{"links of a second", cota.PolicyPatch{LinkSeconds: ptr(int64(1))}, true},
			{"links of a week", cota.PolicyPatch{LinkSeconds: ptr(int64(7 * 24 * 3600))}, true},
			{"links of no time", cota.PolicyPatch{LinkSeconds: ptr(int64(0))}, false},
			{"links of more than a week", cota.PolicyPatch{LinkSeconds: ptr(int64(7*24*3600 + 1))}, false},
			{"history of one", cota.PolicyPatch{History: ptr(int64(1))}, true},
			{"history of a thousand", cota.PolicyPatch{History: ptr(int64(1000))}, true},
			{"no history", cota.PolicyPatch{History: ptr(int64(0))}, false},
			{"history of more", cota.PolicyPatch{History: ptr(int64(1001))}, false},
			{"a megabyte", cota.PolicyPatch{MaxBytes: ptr(int64(1 << 20))}, true},
			{"two bytes", cota.PolicyPatch{MaxBytes: ptr(int64(2))}, true},
			{"one byte", cota.PolicyPatch{MaxBytes: ptr(int64(1))}, false},
			{"more than a megabyte", cota.PolicyPatch{MaxBytes: ptr(int64(1<<20 + 1))}, false},
			{"one right, one wrong", cota.PolicyPatch{History: ptr(int64(7)), MaxBytes: ptr(int64(0))}, false},
		} {
			before, err := r.store.Product(r.ctx, r.product)
			r.must(err)
			want := before.Policy
			if tt.ok {
				want = want.With(tt.patch)
			}
			switch err := r.SetConfig(r.ctx, system, r.product, nil, &tt.patch); {
			case tt.ok && err != nil:
				t.Errorf("%s: %v; want nil", tt.name, err)
			case !tt.ok:
				r.refused(tt.name, err, cota.Invalid)
			}
			if after, err := r.store.Product(r.ctx, r.product); err != nil || after.Policy != want || after.Enabled != before.Enabled {
				t.Errorf("%s: policy %+v, %v; want %+v", tt.name, after.Policy, err, want)
			}
		}
		r.refused("no such product", r.SetConfig(r.ctx, system, "a1nothing00", ptr(true), nil), cota.NotFound)
	})
}

// A refused command changes nothing, not even half of what it asked.
func TestPolicyAndSwitchTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.save(`{}`)
		push := r.push()
		err := r.SetConfig(r.ctx, system, r.product, ptr(false), &cota.PolicyPatch{History: ptr(int64(0))})
		r.refused("with a policy out of bounds", err, cota.Invalid)
		if p, err := r.store.Push(r.ctx, push.No); err != nil || p.State != cota.Running {
			t.Errorf("the push is %v, %v; want running", p.State, err)
		}
		r.must(r.SetConfig(r.ctx, system, r.product, ptr(false), &cota.PolicyPatch{History: ptr(int64(9))}))
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Enabled || p.Policy.History != 9 || p.Push != 0 {
			t.Errorf("the product is %+v, %v; want off, with a history of 9", p, err)
		}
	})
}

func TestProducts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		p, secret, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, "温度计")
		r.must(err)
		if len(p.Key) != cota.ProductKeyLen || len(secret) != 16 || p.Enabled || p.Policy != cota.DefaultPolicy() {
			t.Errorf("AddProduct = %+v, a secret of %d; want it switched off, with the default policy", p, len(secret))
		}
		_, _, err = r.AddProduct(r.ctx, system, cota.DefaultInstance, "meter")
		r.refused("a name that is taken", err, cota.Exists)
		_, _, err = r.AddProduct(r.ctx, system, "nowhere", "x")
		r.refused("no such instance", err, cota.NotFound)
		for _, name := range []string{"", strings.Repeat("é", 65), "a\x00b"} {
			_, _, err = r.AddProduct(r.ctx, system, cota.DefaultInstance, name)
			r.refused("a name that is not allowed", err, cota.Invalid)
		}
		_, err = r.RenameProduct(r.ctx, system, p.Key, "meter")
		r.refused("rename to a name that is taken", err, cota.Exists)
		if renamed, err := r.RenameProduct(r.ctx, system, p.Key, "thermometer"); err != nil || renamed.Name != "thermometer" {
			t.Errorf("RenameProduct = %+v, %v", renamed, err)
		}
		r.devices("dev-1")
		r.refused("with a device", r.RemoveProduct(r.ctx, system, r.product), cota.InUse)
		r.save(`{}`)
		r.push()
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-1"))
		r.must(r.RemoveProduct(r.ctx, system, r.product))
		r.refused("removed before", r.RemoveProduct(r.ctx, system, r.product), cota.NotFound)
		_, err = r.Facts(r.ctx, r.product)
		r.refused("facts of what is removed", err, cota.NotFound)
	})
}

func TestInstances(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		i, err := r.AddInstance(r.ctx, system, cota.Instance{ID: "lab-2", Name: "Lab", Environment: "test"})
		r.must(err)
		_, err = r.AddInstance(r.ctx, system, i)
		r.refused("an id that is taken", err, cota.Exists)
		for _, bad := range []cota.Instance{
			{ID: "Lab", Name: "Lab", Environment: "test"}, {ID: "", Name: "Lab", Environment: "test"},
			{ID: "x", Name: "", Environment: "test"}, {ID: "x", Name: "Lab", Environment: ""},
		} {
			_, err = r.AddInstance(r.ctx, system, bad)
			r.refused("what is not allowed", err, cota.Invalid)
			r.refused("what is not allowed", r.SetInstance(r.ctx, system, bad), cota.Invalid)
		}
		i.Name = "Laboratory"
		r.must(r.SetInstance(r.ctx, system, i))
		r.refused("no such instance", r.SetInstance(r.ctx, system, cota.Instance{ID: "no", Name: "x", Environment: "x"}), cota.NotFound)
		p, _, err := r.AddProduct(r.ctx, system, "lab-2", "meter") // taken in another instance only
		r.must(err)
		r.refused("with a product", r.RemoveInstance(r.ctx, system, "lab-2"), cota.InUse)
		r.must(r.RemoveProduct(r.ctx, system, p.Key))
		r.must(r.RemoveInstance(r.ctx, system, "lab-2"))
		r.refused("removed before", r.RemoveInstance(r.ctx, system, "lab-2"), cota.NotFound)
		r.refused("the default instance", r.RemoveInstance(r.ctx, system, cota.DefaultInstance), cota.InUse)
	})
}

// A control plane that is made again of the same store knows its links.
func TestLinksOutliveARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1")
		v := r.save(`{}`)
		d, err := r.store.Device(r.ctx, r.product, "dev-1")
		r.must(err)
		token := r.AppendToken(nil, &control.Device{ID: d.ID, Product: r.product}, control.Offer{Version: &v, Expires: v.CreatedAt.Add(1e12)})
		again, err := control.New(r.ctx, control.Options{Store: r.store, FilesURL: "http://files.example.com"})
		r.must(err)
		if g, err := again.Open(r.ctx, string(token)); err != nil || g.Device != d.ID {
			t.Errorf("Open = %+v, %v; want the device's grant", g, err)
		}
		if again.LinkURL() != "http://files.example.com/c/" || r.LinkURL() != again.LinkURL() {
			t.Errorf("LinkURL = %q and %q", again.LinkURL(), r.LinkURL())
		}
	})
}
