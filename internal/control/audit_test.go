package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

// Every command leaves one line, in the same transaction, and no line nor log
// holds a secret.
func TestAudit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		by := control.Actor{Name: "ann", Account: "ann", Role: cota.Admin, Address: "192.0.2.1"}
		r.account("ann", cota.Admin)
		const secretPassword, content = "hunter2 and company", `{"key":"hunter2"}`
		secrets := []string{password, secretPassword, "hunter2"}
		secret := func(s string) { secrets = append(secrets, s) }
		before, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 1)
		r.must(err)

		i, err := r.AddInstance(r.ctx, by, cota.Instance{ID: "lab", Name: "Lab", Environment: "test"})
		r.must(err)
		r.must(r.SetInstance(r.ctx, by, i))
		p, productSecret, err := r.AddProduct(r.ctx, by, "lab", "meter")
		r.must(err)
		secret(productSecret)
		_, err = r.RenameProduct(r.ctx, by, p.Key, "gauge")
		r.must(err)
		_, err = r.SetRegistration(r.ctx, by, p.Key, ptr(true), nil)
		r.must(err)
		r.must(r.SetConfig(r.ctx, by, p.Key, ptr(true), &cota.PolicyPatch{History: ptr(int64(7))}))
		ca := certtest.New(t, "devices")
		r.must(r.SetCA(r.ctx, by, p.Key, ca.PEM()))
		r.must(r.Revoke(r.ctx, by, p.Key, []string{"1"}))
		r.must(r.RevokeByCRL(r.ctx, by, p.Key, ca.Revoke(nil)))
		r.must(r.RemoveCA(r.ctx, by, p.Key))
		creds, err := r.AddDevices(r.ctx, by, p.Key, []string{"dev-1"})
		r.must(err)
		secret(creds[0].Secret)
		creds, err = r.AddNumberedDevices(r.ctx, by, p.Key, "dev-", 2)
		r.must(err)
		secret(creds[0].Secret)
		r.must(r.DisableDevice(r.ctx, by, p.Key, "dev-1", true))
		deviceSecret, err := r.ResetDeviceSecret(r.ctx, by, p.Key, "dev-1")
		r.must(err)
		secret(deviceSecret)
		_, err = r.SaveVersion(r.ctx, by, p.Key, control.Draft{Content: content, Note: "why"})
		r.must(err)
		push, err := r.StartPush(r.ctx, by, p.Key, 0)
		r.must(err)
		_, err = r.StopPush(r.ctx, by, push.No, "enough")
		r.must(err)
		for _, name := range []string{"dev-1", "dev-000001", "dev-000002"} {
			r.must(r.RemoveDevice(r.ctx, by, p.Key, name))
		}
		r.must(r.RemoveProduct(r.ctx, by, p.Key))
		r.must(r.RemoveInstance(r.ctx, by, "lab"))
		r.must(r.AddAccount(r.ctx, by, cota.Account{Name: "bob", Role: cota.Viewer}, secretPassword))
		_, err = r.SetAccount(r.ctx, by, "bob", control.AccountPatch{Role: ptr(cota.Editor), Password: ptr(secretPassword)})
		r.must(err)
		r.must(r.RemoveAccount(r.ctx, by, "bob"))
		session, _, err := r.OpenSession(r.ctx, "ann", password, cota.Session{Address: "192.0.2.1"}, "")
		r.must(err)
		secret(session)
		token, tokenSecret, err := r.token(by, "ci", cota.Viewer, nil)
		r.must(err)
		secret(tokenSecret)
		r.must(r.RemoveToken(r.ctx, by, token.ID))
		other, err := r.Session(r.ctx, r.session("ann", password), "")
		r.must(err)
		r.must(r.EndSession(r.ctx, by, other.Session[:16]))
		own, err := r.Session(r.ctx, session, by.Address)
		r.must(err)
		r.must(r.EndOtherSessions(r.ctx, own))
		r.must(r.CloseSession(r.ctx, by, session))

		log, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 100)
		r.must(err)
		slices.Reverse(log)
		var got []string
		for _, e := range log {
			if e.ID <= before[0].ID {
				continue
			}
			if e.Actor != "ann" || e.Address != "192.0.2.1" || !e.At.Equal(time.Now()) {
				t.Errorf("line %+v; want it by ann, from her address, now", e)
			}
			detail, _, _ := strings.Cut(e.Detail, ", scopes")
			got = append(got, fmt.Sprintf("%s %s: %s", e.Action, e.Target, detail))
			for _, s := range secrets {
				if strings.Contains(fmt.Sprintf("%+v", e), s) {
					t.Errorf("line %+v holds a secret", e)
				}
			}
		}
		want := []string{
			"instance.add lab: Lab",
			"instance.set lab: Lab, test",
			"product.add PK: meter",
			"product.rename PK: gauge",
			"product.registration PK: dynamic registration true, without pre-registration false",
			"config.set PK: policy {CooldownSeconds:3600 LinkSeconds:1800 History:7 MaxBytes:65536} enabled true",
			"ca.set PK: " + cota.DescribeCertificate(ca.Cert).Fingerprint,
			"ca.revoke PK: 1 in the list",
			"ca.revoke PK: 0 in the list",
			"ca.remove PK: ",
			"device.add PK: dev-1",
			"device.add PK: 2 devices, dev-000001 to dev-000002",
			"device.set PK/dev-1: disabled true",
			"device.reset PK/dev-1: new secret",
			"config.save PK: version 1, 17 bytes",
			"push.start PK: push 1, version 1, 3 devices",
			"push.stop PK: push 1: enough",
			"device.remove PK/dev-1: ",
			"device.remove PK/dev-000001: ",
			"device.remove PK/dev-000002: ",
			"product.remove PK: gauge",
			"instance.remove lab: ",
			"account.add bob: viewer",
			"account.set bob: new password role editor, disabled false",
			"account.remove bob: ",
			"session.open ann: ",
			"token.add ci: viewer",
			"token.remove ci: ",
			"session.open ann: ",
			"session.end ann: HASH",
			"session.end ann: 0 others",
			"session.close ann: ",
		}
		for i := range want {
			want[i] = strings.NewReplacer("PK", p.Key, "HASH", other.Session[:16]).Replace(want[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audit log (-want +got):\n%s", diff)
		}
		for _, s := range secrets {
			if strings.Contains(r.log.String(), s) {
				t.Errorf("the log holds a secret:\n%s", r.log)
			}
		}
	})
}

func TestRefusedCommandsLeaveNoLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		before, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 1)
		r.must(err)
		for _, err := range []error{
			r.SetConfig(r.ctx, system, r.product, nil, &cota.PolicyPatch{History: ptr(int64(0))}),
			r.RemoveInstance(r.ctx, system, cota.DefaultInstance),
			r.RemoveDevice(r.ctx, system, r.product, "dev-1"),
			r.RemoveAccount(r.ctx, system, "ann"),
			second(r.SaveVersion(r.ctx, system, r.product, control.Draft{Content: "{"})),
			second(r.StartPush(r.ctx, system, r.product, 0)),
			second(r.StopPush(r.ctx, system, 1, "")),
		} {
			if err == nil {
				t.Error("a command was not refused")
			}
		}
		if after, err := r.store.AuditLog(r.ctx, store.AuditFilter{}, 0, 1); err != nil || after[0].ID != before[0].ID {
			t.Errorf("the last line is %+v, %v; want none more", after[0], err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestKeep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.account("ann", cota.Admin)
		d := r.devices("dev-1")[0]
		start := time.Now()
		r.must(r.Connected(r.ctx, d, start, "192.0.2.1", nil))
		expires := start.Add(time.Minute)
		_, _, err := r.token(control.Actor{Account: "ann", Role: cota.Admin}, "ci", cota.Viewer, &expires)
		r.must(err)
		ctx, stop := context.WithCancel(r.ctx)
		kept := make(chan struct{})
		go func() {
			defer close(kept)
			r.Keep(ctx)
		}()
		wantEvents := func(want int) {
			t.Helper()
			if events, err := r.store.Events(r.ctx, d.ID, store.EventKey{}, 10); err != nil || len(events) != want {
				t.Errorf("after %v the timeline has %d lines, %v; want %d", time.Since(start), len(events), err, want)
			}
		}
		time.Sleep(time.Hour + time.Minute)
		wantEvents(1)
		if tokens, err := r.store.Tokens(r.ctx, "", 0, 10); err != nil || len(tokens) != 0 {
			t.Errorf("tokens %+v, %v; want none that has expired", tokens, err)
		}
		time.Sleep(control.TimelineLife)
		wantEvents(0)
		stop()
		<-kept
	})
}
