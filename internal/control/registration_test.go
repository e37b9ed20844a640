package control_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// registrar is a rig whose product lets devices register.
type registrar struct {
	*rig
	secret string // the ProductSecret
}

func newRegistrar(t *testing.T, withoutPre bool) *registrar {
	t.Helper()
	r := &registrar{rig: newRig(t)}
	var err error
	r.secret, err = r.store.ProductSecret(r.ctx, r.product)
	r.must(err)
	r.turn(true, withoutPre)
	return r
}

func (r *registrar) turn(dynamic, withoutPre bool) {
	r.t.Helper()
	_, err := r.SetRegistration(r.ctx, system, r.product, &dynamic, &withoutPre)
	r.must(err)
}

// asks is the registration of a device that knows the ProductSecret.
func (r *registrar) asks(name string) control.Registration {
	return control.Registration{
		Product: r.product, Name: name, From: "https, 192.0.2.7",
		Verify: func(secret string) bool { return secret == r.secret },
	}
}

func (r *registrar) register(name string) string {
	r.t.Helper()
	secret, err := r.Register(r.ctx, r.asks(name))
	r.must(err)
	return secret
}

func (r *registrar) registerUnlisted(name, clientID string) string {
	r.t.Helper()
	id, token, err := r.RegisterUnlisted(r.ctx, r.asks(name), clientID)
	r.must(err)
	if id != clientID {
		r.t.Errorf("registered client id %q; want %q", id, clientID)
	}
	return token
}

// with is how a device that knows a secret is verified.
func with(secret string) func(string) bool { return func(s string) bool { return s == secret } }

// connects has a device sign in with a secret, and records that.
func (r *registrar) connects(name, secret string) {
	r.t.Helper()
	d, err := r.SignIn(r.ctx, r.product, name, with(secret))
	r.must(err)
	r.connected(&d)
}

// connectsBy has a device sign in with a token, and records that.
func (r *registrar) connectsBy(name, clientID, token string) {
	r.t.Helper()
	d, err := r.SignInByToken(r.ctx, r.product, name, clientID, token)
	r.must(err)
	r.connected(&d)
}

func (r *registrar) connected(d *control.Entrant) {
	r.t.Helper()
	time.Sleep(time.Millisecond)
	since := time.Now().Truncate(time.Millisecond)
	r.must(r.Connected(r.ctx, &d.Device, since, "192.0.2.7", nil))
	r.must(r.Disconnected(r.ctx, &d.Device, since, "by device"))
}

func (r *registrar) activated(name string) bool {
	r.t.Helper()
	r.must(r.store.Flush(r.ctx))
	d, err := r.store.Device(r.ctx, r.product, name)
	r.must(err)
	return d.Activated
}

// is checks why something was refused.
func (r *registrar) is(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%s: %v; want %v", what, err, want)
	}
}

func TestRegister(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, false)
		r.devices("dev-1", "dev-2")
		_, given, err := r.store.DeviceLogin(r.ctx, r.product, "dev-1")
		r.must(err)
		first, second := r.register("dev-1"), r.register("dev-1")
		if len(first) != 32 || first == second || first == given {
			t.Errorf("secrets %q, %q and %q; want three of 32 digits", given, first, second)
		}
		for name, secret := range map[string]string{"that it was added with": given, "of its first registration": first} {
			_, err := r.SignIn(r.ctx, r.product, "dev-1", with(secret))
			r.refused("the secret "+name, err, cota.Unauthenticated)
		}
		if r.activated("dev-1") {
			t.Error("a device that has never connected is activated")
		}
		r.connects("dev-1", second)
		_, err = r.Register(r.ctx, r.asks("dev-1")) // what it said is not on record yet
		r.is("registration of a device that has signed in", err, control.ErrActivated)
		if !r.activated("dev-1") {
			t.Error("a device that has connected is not activated")
		}
		r.connects("dev-1", second)

		reset, err := r.ResetDeviceSecret(r.ctx, system, r.product, "dev-1")
		r.must(err)
		if r.activated("dev-1") {
			t.Error("a device is activated right after a reset")
		}
		r.refused("the secret before the reset", func() error {
			_, err := r.SignIn(r.ctx, r.product, "dev-1", with(second))
			return err
		}(), cota.Unauthenticated)
		third := r.register("dev-1")
		_, err = r.SignIn(r.ctx, r.product, "dev-1", with(reset))
		r.refused("the secret of the reset, after a registration", err, cota.Unauthenticated)
		r.connects("dev-1", third)
		_, err = r.Register(r.ctx, r.asks("dev-1"))
		r.is("registration after that", err, control.ErrActivated)

		d, err := r.store.Device(r.ctx, r.product, "dev-1")
		r.must(err)
		events, err := r.store.Events(r.ctx, d.ID, store.EventKey{}, 100)
		r.must(err)
		text := fmt.Sprint(events)
		if n := strings.Count(text, "registered"); n != 3 || !strings.Contains(text, "https, 192.0.2.7") {
			t.Errorf("timeline %s; want three registrations, and where from", text)
		}
		audit, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 100)
		r.must(err)
		for _, secret := range []string{given, first, second, third, reset, r.secret} {
			if strings.Contains(text+fmt.Sprint(audit)+r.log.String(), secret) {
				t.Error("a timeline, the audit log or the log holds a secret")
			}
		}
	})
}

// A connection that a reset ends was made before it, however late that is on
// record.
func TestResetReopensRegistrationOfAConnectedDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, false)
		d := r.devices("dev-1")[0]
		since := time.Now().Truncate(time.Millisecond)
		r.must(r.Connected(r.ctx, d, since, "192.0.2.7", nil))
		_, err := r.ResetDeviceSecret(r.ctx, system, r.product, "dev-1") // in the same millisecond
		r.must(err)
		r.must(r.Disconnected(r.ctx, d, since, "closed by the server"))
		r.register("dev-1")
	})
}

func TestRegistrationIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, true)
		r.devices("dev-1", "dev-2")
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-2", true))
		_, before, err := r.store.DeviceLogin(r.ctx, r.product, "dev-2")
		r.must(err)

		elsewhere := r.asks("dev-1")
		elsewhere.Product = "a1nothing00"
		forged := r.asks("dev-1")
		forged.Verify = func(string) bool { return false }
		both := func(what string, reg control.Registration, want error) {
			t.Helper()
			_, err := r.Register(r.ctx, reg)
			r.is(what, err, want)
			_, _, err = r.RegisterUnlisted(r.ctx, reg, "c")
			r.is(what+", unlisted", err, want)
		}
		both("of no product", elsewhere, control.ErrProductUnknown)
		_, err = r.Register(r.ctx, forged)
		r.refused("with a wrong signature", err, cota.Unauthenticated)
		_, _, err = r.RegisterUnlisted(r.ctx, forged, "c")
		r.refused("with a wrong signature, unlisted", err, cota.Unauthenticated)
		_, err = r.Register(r.ctx, r.asks("dev-2"))
		r.refused("of a disabled device", err, cota.Disabled)
		_, _, err = r.RegisterUnlisted(r.ctx, r.asks("dev-2"), "c")
		r.refused("of a disabled device, unlisted", err, cota.Disabled)
		if _, after, err := r.store.DeviceLogin(r.ctx, r.product, "dev-2"); after != before || err != nil {
			t.Error("a refused registration changed the secret")
		}
		_, err = r.Register(r.ctx, r.asks("dev-9"))
		r.is("of a device that is not listed", err, control.ErrNotListed)

		r.turn(true, false)
		_, _, err = r.RegisterUnlisted(r.ctx, r.asks("dev-9"), "c")
		r.is("without pre-registration, which is off", err, control.ErrRegistrationOff)
		r.turn(false, true)
		both("switched off", r.asks("dev-1"), control.ErrRegistrationOff)
		_, err = r.Register(r.ctx, forged)
		r.refused("with a wrong signature, switched off", err, cota.Unauthenticated)
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Devices != 2 {
			t.Errorf("the product has %d devices, %v; want 2: no refusal adds one", p.Devices, err)
		}
		_, err = r.SetRegistration(r.ctx, system, "a1nothing00", new(bool), nil)
		r.refused("switches of no product", err, cota.NotFound)
	})
}

func TestRegisterUnlisted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, true)
		first, second := r.registerUnlisted("new-1", "client 1"), r.registerUnlisted("new-1", "client 1")
		if first == second || len(second) < 32 {
			t.Errorf("tokens %q and %q; want two long ones", first, second)
		}
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Devices != 1 {
			t.Errorf("the product has %d devices, %v; want the one that registered", p.Devices, err)
		}
		in := func(clientID, token string) error {
			_, err := r.SignInByToken(r.ctx, r.product, "new-1", clientID, token)
			return err
		}
		r.refused("the token before", in("client 1", first), cota.Unauthenticated)
		r.refused("another client id", in("client 2", second), cota.Unauthenticated)
		r.refused("no token", in("client 1", ""), cota.Unauthenticated)
		_, err := r.SignInByToken(r.ctx, r.product, "new-2", "client 1", second)
		r.refused("another device", err, cota.NotFound)
		r.connectsBy("new-1", "client 1", second)
		r.connectsBy("new-1", "client 1", second)

		register := func(clientID string) error {
			_, _, err := r.RegisterUnlisted(r.ctx, r.asks("new-1"), clientID)
			return err
		}
		r.is("a client id that has signed in", register("client 1"), control.ErrActivated)
		for i := 2; i <= 5; i++ {
			r.registerUnlisted("new-1", fmt.Sprint("client ", i))
		}
		r.registerUnlisted("new-1", "client 5")
		r.is("a sixth client id", register("client 6"), control.ErrTooManyClients)
		r.must(in("client 1", second))

		r.must(r.DisableDevice(r.ctx, system, r.product, "new-1", true))
		r.refused("disabled", in("client 1", second), cota.Disabled)
		r.must(r.DisableDevice(r.ctx, system, r.product, "new-1", false))
		r.turn(false, false)
		r.must(in("client 1", second)) // who has registered goes on

		r.turn(true, true)
		d, err := r.SignInByToken(r.ctx, r.product, "new-1", "client 1", second)
		r.must(err)
		r.must(r.RecheckToken(r.ctx, &d, "client 1", second))
		secret, err := r.ResetDeviceSecret(r.ctx, system, r.product, "new-1")
		r.must(err)
		r.refused("a token after a reset", in("client 1", second), cota.Unauthenticated)
		r.refused("the same, on a second look", r.RecheckToken(r.ctx, &d, "client 1", second), cota.Unauthenticated)
		r.registerUnlisted("new-1", "client 6")
		r.connects("new-1", secret)

		r.must(r.RemoveDevice(r.ctx, system, r.product, "new-1"))
		again := r.registerUnlisted("new-1", "client 6")
		r.refused("on a second look, removed and added again", r.RecheckToken(r.ctx, &d, "client 6", again), cota.NotFound)
	})
}

// A device that has its secret keeps its name to itself.
func TestATokenIsNotForADeviceWithASecret(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, true)
		r.devices("dev-1")
		r.connects("dev-1", r.register("dev-1"))
		_, _, err := r.RegisterUnlisted(r.ctx, r.asks("dev-1"), "c")
		r.is("a token for an activated device", err, control.ErrActivated)
		token := r.registerUnlisted("new-1", "c")
		secret := r.register("new-1") // the last counts
		_, err = r.SignInByToken(r.ctx, r.product, "new-1", "c", token)
		r.refused("a token before a secret", err, cota.Unauthenticated)
		r.connects("new-1", secret)
		id, _, err := r.RegisterUnlisted(r.ctx, r.asks("new-2"), "")
		if err != nil || len(id) < 16 {
			t.Errorf("client id %q, %v; want one that was made", id, err)
		}
	})
}

func TestPreAuth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, false)
		creds, err := r.AddDevices(r.ctx, system, r.product, []string{"dev-1", "dev-2"})
		r.must(err)
		secret := creds[0].Secret
		for name, tt := range map[string]struct {
			product, device, secret string
			want                    cota.Code
		}{
			"wrong signature": {r.product, "dev-1", "x", cota.Unauthenticated},
			"no device":       {r.product, "dev-3", secret, cota.NotFound},
			"no product":      {"a1nothing00", "dev-1", secret, cota.NotFound},
		} {
			_, _, err := r.PreAuth(r.ctx, tt.product, tt.device, with(tt.secret))
			r.refused(name, err, tt.want)
		}
		id, token, err := r.PreAuth(r.ctx, r.product, "dev-1", with(secret))
		r.must(err)
		id2, token2, err := r.PreAuth(r.ctx, r.product, "dev-2", with(creds[1].Secret))
		r.must(err)
		in := func(id, token string) error {
			product, name, verify, err := r.PreAuthorized(r.ctx, id, token)
			if err != nil {
				return err
			}
			d, err := r.SignIn(r.ctx, product, name, verify)
			if err == nil && d.Name != "dev-1" {
				t.Errorf("signed in as %s; want dev-1", d.Name)
			}
			return err
		}
		r.must(in(id, token))
		r.refused("another device's token", in(id, token2), cota.Unauthenticated)
		r.refused("another device's id", in(id2, token), cota.Unauthenticated)
		r.refused("a changed id", in("B"+id[1:], token), cota.Unauthenticated)
		r.refused("a changed token", in(id, "B"+token[1:]), cota.Unauthenticated)
		r.refused("no token", in(id, ""), cota.Unauthenticated)
		r.refused("no id", in("Q7uOhVRdZRRlDnTLv00100", token), cota.Unauthenticated)

		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-1", true))
		r.refused("disabled", in(id, token), cota.Disabled)
		_, _, err = r.PreAuth(r.ctx, r.product, "dev-1", with(secret))
		r.refused("pre-authentication, disabled", err, cota.Disabled)
		r.must(r.DisableDevice(r.ctx, system, r.product, "dev-1", false))

		time.Sleep(7*24*time.Hour - time.Second)
		r.must(in(id, token))
		time.Sleep(time.Second)
		r.refused("after seven days", in(id, token), cota.Unauthenticated)

		id, token, err = r.PreAuth(r.ctx, r.product, "dev-1", with(secret))
		r.must(err)
		other, err := control.New(r.ctx, control.Options{Store: r.store, FilesURL: "http://f", Log: slog.New(slog.DiscardHandler)})
		r.must(err)
		if _, _, verify, err := other.PreAuthorized(r.ctx, id, token); err != nil || !verify(secret) {
			t.Errorf("another node on this database refuses the token: %v", err)
		}
		_, err = r.ResetDeviceSecret(r.ctx, system, r.product, "dev-1")
		r.must(err)
		r.refused("after a reset", in(id, token), cota.Unauthenticated)
		r.must(r.RemoveDevice(r.ctx, system, r.product, "dev-1"))
		r.refused("after it was removed", in(id, token), cota.NotFound)
	})
}
