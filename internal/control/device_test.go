package control_test

import (
	"fmt"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

func TestAddDevices(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		all, err := r.AddDevices(r.ctx, system, r.product, []string{"dev-1", "a_b@c.d:e"})
		r.must(err)
		for _, c := range all {
			row, secret, err := r.store.DeviceLogin(r.ctx, r.product, c.Name)
			if err != nil || secret != c.Secret || len(secret) != 32 || row.Disabled {
				t.Errorf("device %s: %+v, %v; want it enabled, with its secret of 32 digits", c.Name, row, err)
			}
		}
		if all[0].Secret == all[1].Secret {
			t.Error("two devices have one secret")
		}
		many := make([]string, control.MaxDevices+1)
		for i := range many {
			many[i] = fmt.Sprintf("dev-%d", 1000+i)
		}
		for _, tt := range []struct {
			name    string
			product string
			names   []string
			want    cota.Code
		}{
			{"none", r.product, nil, cota.Invalid},
			{"too many", r.product, many, cota.Invalid},
			{"too short", r.product, []string{"dev"}, cota.Invalid},
			{"too long", r.product, []string{"d23456789012345678901234567890123"}, cota.Invalid},
			{"blank", r.product, []string{"dev 1"}, cota.Invalid},
			{"not ASCII", r.product, []string{"devicé"}, cota.Invalid},
			{"ampersand", r.product, []string{"dev&1"}, cota.Invalid},
			{"slash", r.product, []string{"dev/1"}, cota.Invalid},
			{"named twice", r.product, []string{"dev-2", "dev-3", "dev-2"}, cota.Invalid},
			{"there already", r.product, []string{"dev-1"}, cota.Exists},
			{"one of them there already", r.product, []string{"dev-2", "dev-1"}, cota.Exists},
			{"no such product", "a1nothing00", []string{"dev-1"}, cota.NotFound},
		} {
			_, err := r.AddDevices(r.ctx, system, tt.product, tt.names)
			r.refused(tt.name, err, tt.want)
		}
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Devices != 2 {
			t.Errorf("the product has %d devices, %v; want 2: all or none are added", p.Devices, err)
		}
	})
}

func TestAddNumberedDevices(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		add := func(prefix string, n int, first, last string) {
			t.Helper()
			all, err := r.AddNumberedDevices(r.ctx, system, r.product, prefix, n)
			r.must(err)
			if len(all) != n || all[0].Name != first || all[n-1].Name != last {
				t.Errorf("%d devices, %s to %s; want %d, %s to %s", len(all), all[0].Name, all[len(all)-1].Name, n, first, last)
			}
		}
		add("dev-", 3, "dev-000001", "dev-000003")
		add("dev-", 2, "dev-000004", "dev-000005")
		add("", 1, "000001", "000001")
		add("dev-0", 1, "dev-0000001", "dev-0000001") // another prefix
		r.devices("dev-000100", "dev-00x200", "dev-0000300")
		add("dev-", 1, "dev-000101", "dev-000101")
		r.devices("dev-999998")
		for _, tt := range []struct {
			name, prefix string
			n            int
			want         cota.Code
		}{
			{"none", "dev-", 0, cota.Invalid},
			{"negative", "dev-", -1, cota.Invalid},
			{"too many", "x-", control.MaxDevices + 1, cota.Invalid},
			{"used up", "dev-", 2, cota.Invalid},
			{"prefix not allowed", "a/b", 1, cota.Invalid},
			{"prefix too long", "d23456789012345678901234567", 1, cota.Invalid},
		} {
			_, err := r.AddNumberedDevices(r.ctx, system, r.product, tt.prefix, tt.n)
			r.refused(tt.name, err, tt.want)
		}
		add("dev-", 1, "dev-999999", "dev-999999")
		_, err := r.AddNumberedDevices(r.ctx, system, "a1nothing00", "dev-", 1)
		r.refused("no such product", err, cota.NotFound)
	})
}

func TestSignIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		secret := ""
		verify := func(ok bool) func(string) bool {
			return func(s string) bool {
				secret = s
				return ok
			}
		}
		got, err := r.SignIn(r.ctx, r.product, "dev-1", verify(true))
		if err != nil || got.ID != d.ID || got.Product != r.product || got.Name != "dev-1" || got.Standing != (cota.Standing{}) {
			t.Errorf("SignIn = %+v, %v", got, err)
		}
		_, err = r.SignIn(r.ctx, r.product, "dev-1", verify(false))
		r.refused("wrong signature", err, cota.Unauthenticated)
		_, err = r.SignIn(r.ctx, r.product, "dev-2", verify(true))
		r.refused("unknown device", err, cota.NotFound)
		_, err = r.SignIn(r.ctx, "a1nothing00", "dev-1", verify(true))
		r.refused("unknown product", err, cota.NotFound)

		before := secret
		fresh, err := r.ResetDeviceSecret(r.ctx, system, r.product, "dev-1")
		r.must(err)
		r.must(r.Recheck(r.ctx, &got, verify(true)))
		if secret != fresh || fresh == before {
			t.Error("the device does not sign in with its new secret")
		}
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-1", true))
		_, err = r.SignIn(r.ctx, r.product, "dev-1", verify(false))
		r.refused("disabled, with a wrong signature", err, cota.Unauthenticated)
		_, err = r.SignIn(r.ctx, r.product, "dev-1", verify(true))
		r.refused("disabled", err, cota.Disabled)
		r.refused("disabled meanwhile", r.Recheck(r.ctx, &got, verify(true)), cota.Disabled)
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-1"))
		r.refused("removed meanwhile", r.Recheck(r.ctx, &got, verify(true)), cota.NotFound)
		r.devices("dev-1")
		r.refused("removed, and another of its name", r.Recheck(r.ctx, &got, verify(true)), cota.NotFound)
		r.refused("disable who is not there", r.DisableDevice(r.ctx, system, r.product, "dev-9", true), cota.NotFound)
	})
}

func TestConfigFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		var got control.Offer
		ask := func() error {
			return r.ConfigFor(r.ctx, d, nil, func(o control.Offer) error {
				got = o
				return nil
			})
		}
		r.refused("nothing saved", ask(), cota.NoConfig)
		r.save(`[1]`)
		r.must(ask())
		if got.Push != 0 || got.Version.Number != 1 {
			t.Errorf("offered %+v; want version 1 of no push", got)
		}
		push := r.push()
		r.must(ask())
		if got.Push != push.No || got.Version.Number != 1 {
			t.Errorf("offered %+v; want version 1 of push %d", got, push.No)
		}
		r.enable(false)
		r.refused("switched off", ask(), cota.Disabled)
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-1"))
		r.must(r.RemoveProduct(r.ctx, system, r.product))
		r.refused("product gone", ask(), cota.NotFound)
	})
}
