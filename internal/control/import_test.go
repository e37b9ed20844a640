package control_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

func TestImportProduct(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		p, secret, err := r.ImportProduct(r.ctx, system, cota.DefaultInstance, "old fleet", "a1OldFleet0", "secret")
		r.must(err)
		kept, err := r.store.ProductSecret(r.ctx, "a1OldFleet0")
		if p.Key != "a1OldFleet0" || secret != "secret" || kept != secret || err != nil {
			t.Errorf("ImportProduct = %s, %q, %v; kept %q; want the key and the secret that were given", p.Key, secret, err, kept)
		}
		p, secret, err = r.ImportProduct(r.ctx, system, cota.DefaultInstance, "key only", "a1OldFleet1", "")
		if err != nil || p.Key != "a1OldFleet1" || len(secret) != 16 {
			t.Errorf("ImportProduct of a key = %s, %q, %v; want a new secret", p.Key, secret, err)
		}
		for _, tt := range []struct {
			name, product, key, secret string
			want                       cota.Code
		}{
			{"key there already", "x", "a1OldFleet0", "", cota.Exists},
			{"name there already", "old fleet", "a1OldFleet2", "", cota.Exists},
			{"key too short", "x", "a1OldFleet", "", cota.Invalid},
			{"key too long", "x", "a1OldFleet00", "", cota.Invalid},
			{"key with a sign", "x", "a1OldFlee-0", "", cota.Invalid},
			{"secret too long", "x", "", strings.Repeat("s", 65), cota.Invalid},
			{"secret with a blank", "x", "", "a b", cota.Invalid},
			{"secret not ASCII", "x", "", "geheimß", cota.Invalid},
		} {
			_, _, err := r.ImportProduct(r.ctx, system, cota.DefaultInstance, tt.product, tt.key, tt.secret)
			r.refused(tt.name, err, tt.want)
		}
	})
}

func TestImportDevices(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		all := []cota.Credentials{{Name: "old-1", Secret: "1"}, {Name: "old-2", Secret: strings.Repeat("S", 32)}, {Name: "old-3", Secret: `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`}}
		r.must(r.ImportDevices(r.ctx, system, r.product, all))
		for _, d := range all {
			if _, secret, err := r.store.DeviceLogin(r.ctx, r.product, d.Name); err != nil || secret != d.Secret {
				t.Errorf("secret of %s = %q, %v; want %q", d.Name, secret, err, d.Secret)
			}
		}
		many := make([]cota.Credentials, control.MaxDevices+1)
		for i := range many {
			many[i] = cota.Credentials{Name: fmt.Sprintf("dev-%06d", i), Secret: "s"}
		}
		for _, tt := range []struct {
			name    string
			devices []cota.Credentials
			want    cota.Code
		}{
			{"none", nil, cota.Invalid},
			{"too many", many, cota.Invalid},
			{"no secret", []cota.Credentials{{Name: "new-1"}}, cota.Invalid},
			{"secret too long", []cota.Credentials{{Name: "new-1", Secret: strings.Repeat("s", 33)}}, cota.Invalid},
			{"secret with a blank", []cota.Credentials{{Name: "new-1", Secret: "a b"}}, cota.Invalid},
			{"bad name", []cota.Credentials{{Name: "new", Secret: "s"}}, cota.Invalid},
			{"named twice", []cota.Credentials{{Name: "new-1", Secret: "s"}, {Name: "new-1", Secret: "t"}}, cota.Invalid},
			{"one there already", []cota.Credentials{{Name: "new-1", Secret: "s"}, {Name: "old-1", Secret: "t"}}, cota.Exists},
		} {
			r.refused(tt.name, r.ImportDevices(r.ctx, system, r.product, tt.devices), tt.want)
		}
		r.must(r.ImportDevices(r.ctx, system, r.product, many[:control.MaxDevices]))
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Devices != control.MaxDevices+3 {
			t.Errorf("the product has %d devices, %v; want %d", p.Devices, err, control.MaxDevices+3)
		}
		if log, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 100); err != nil || strings.Contains(fmt.Sprint(log), "SSSS") {
			t.Errorf("the audit log holds a secret, or %v", err)
		}
	})
}
