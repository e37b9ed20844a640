package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/store"
)

// Addresses of devices.
const (
	carrier   = "192.0.2.1:1000" // a NAT that many are behind
	elsewhere = "198.51.100.1:1000"
)

// login5 is the CONNECT of device i over MQTT 5, where the codes say more.
func (r *rig) login5(i int) mqtt.Connect {
	r.t.Helper()
	c := r.login(i)
	c.Version = mqtt.V5
	return c
}

// badLogin5 is login5 with a wrong password.
func (r *rig) badLogin5(i int) mqtt.Connect {
	r.t.Helper()
	c := r.login5(i)
	c.Password[0] ^= 1
	return c
}

// stranger5 is the CONNECT of a device that there is not.
func (r *rig) stranger5(n int) mqtt.Connect {
	r.t.Helper()
	c := r.login5(0)
	c.Username = fmt.Appendf(nil, "stranger-%06d&%s", n, r.product)
	return c
}

// wantConnack signs in from an address and checks the answer.
func (r *rig) wantConnack(what, from string, c mqtt.Connect, want mqtt.Code) {
	r.t.Helper()
	w, got := r.openFrom(from, c)
	if got.Code != want {
		r.t.Fatalf("%s: CONNACK %v; want %v", what, got.Code, want)
	}
	if want != mqtt.Success {
		w.wantClosed()
	}
}

func TestRefusedSignInsOfADevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 2, gateway.Options{RefusalsPerAddress: 300, RefusalsPerDevice: 10})
		for n := range 10 {
			r.wantConnack(fmt.Sprint("refusal ", n+1), carrier, r.badLogin5(0), mqtt.BadUserNameOrPassword)
		}
		r.wantConnack("refusal 11", carrier, r.badLogin5(0), mqtt.ConnectionRateExceeded)
		r.wantConnack("its right password", carrier, r.login5(0), mqtt.ConnectionRateExceeded)
		v311 := r.login(0)
		if _, got := r.openFrom(carrier, v311); got.Code != mqtt.ServerUnavailable {
			t.Errorf("put off in 3.1.1: CONNACK %v; want server unavailable", got.Code)
		}
		r.wantConnack("another device there", carrier, r.login5(1), mqtt.Success)
		r.wantConnack("the device from elsewhere", elsewhere, r.login5(0), mqtt.Success)
		time.Sleep(6 * time.Second)
		r.wantConnack("a tenth of a minute later", carrier, r.login5(0), mqtt.Success)
	})
}

func TestRefusedSignInsOfAnAddress(t *testing.T) {
	for _, tt := range []struct{ name, from, same, other string }{
		{"IPv4", "192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"},
		{"IPv6", "[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:1", "[2001:db8:0:2::1]:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRigOf(t, 3, gateway.Options{RefusalsPerAddress: 60, RefusalsPerDevice: 10})
				r.wantConnack("a device that will be known", tt.same, r.login5(0), mqtt.Success)
				for n := range 60 {
					r.wantConnack(fmt.Sprint("refusal ", n+1), tt.from, r.stranger5(n), mqtt.NotAuthorized)
				}
				r.wantConnack("one more stranger", tt.from, r.stranger5(60), mqtt.ConnectionRateExceeded)
				r.wantConnack("a device that is new there", tt.same, r.login5(1), mqtt.ConnectionRateExceeded)
				r.wantConnack("the device that is known there", tt.from, r.login5(0), mqtt.Success)
				r.wantConnack("the next address", tt.other, r.login5(1), mqtt.Success)
				time.Sleep(time.Second)
				r.wantConnack("the new device a second later", tt.from, r.login5(2), mqtt.Success)
			})
		})
	}
}

// What breaks the protocol costs no look at the database. It must not use up
// what its neighbours need.
func TestMalformedSignInsAreNoRefusals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 1, gateway.Options{RefusalsPerAddress: 3, RefusalsPerDevice: 3})
		broken := r.login5(0)
		broken.ClientID = []byte("x|signmethod=crc32|")
		for range 10 {
			r.wantConnack("unknown signmethod", carrier, broken, mqtt.ClientIDNotValid)
		}
		r.wantConnack("a good device", carrier, r.login5(0), mqtt.Success)
	})
}

// Whoever has used up a bound is put off without a look at the database, and
// without a line in the log.
func TestPuttingOffCostsNoLook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 2, gateway.Options{RefusalsPerAddress: 20, RefusalsPerDevice: 10, TakeoversPerDevice: 1})
		for range 10 {
			r.wantConnack("by a wrong password", carrier, r.badLogin5(0), mqtt.BadUserNameOrPassword)
		}
		for n := range 10 {
			r.wantConnack("a stranger", carrier, r.stranger5(n), mqtt.NotAuthorized)
		}
		r.wantConnack("a device", elsewhere, r.login5(1), mqtt.Success)
		r.wantConnack("its copy", elsewhere, r.login5(1), mqtt.Success)
		synctest.Wait()
		r.must(r.store.Flush(t.Context()))
		lines := len(r.log.about("level=INFO"))
		before := putOffs(t)

		r.sql(`ALTER TABLE device RENAME TO hidden`)
		defer r.sql(`ALTER TABLE hidden RENAME TO device`)
		r.wantConnack("the device that is exhausted", carrier, r.badLogin5(0), mqtt.ConnectionRateExceeded)
		r.wantConnack("a stranger from there", carrier, r.stranger5(10), mqtt.ConnectionRateExceeded)
		r.wantConnack("the device that has a copy", elsewhere, r.login5(1), mqtt.QuotaExceeded)
		synctest.Wait()
		if n := len(r.log.about("level=INFO")); n != lines {
			t.Errorf("%d lines in the log; want none", n-lines)
		}
		for bound, n := range putOffs(t) {
			if n <= before[bound] {
				t.Errorf("cota_gateway_put_off_total{%s} stays at %v; want it counted", bound, n)
			}
		}
		// Were it looked at, the database would not answer.
		r.wantConnack("another", elsewhere, r.login5(0), mqtt.ServerUnavailable)
	})
}

// putOffs is cota_gateway_put_off_total, by label and value.
func putOffs(t *testing.T) map[string]float64 {
	t.Helper()
	all, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{`bound="address"`: 0, `bound="device"`: 0, `bound="takeover"`: 0}
	for _, family := range all {
		if family.GetName() != "cota_gateway_put_off_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			found[strings.Join(labels, ",")] = m.GetCounter().GetValue()
		}
	}
	if len(found) != 3 {
		t.Errorf("labels of cota_gateway_put_off_total are %v; want three bounds and nothing else", found)
	}
	return found
}

// fighter signs in as a device from an address, again each second when it has
// lost the connection or was put off, as old SDKs do.
type fighter struct {
	r    *rig
	from string
	c    mqtt.Connect

	won  int         // sign-ins that were accepted
	lost []mqtt.Code // of those that were not
}

func (f *fighter) fight(until time.Time) {
	for time.Now().Before(until) {
		w, got := f.r.openFrom(f.from, f.c)
		if got.Code != mqtt.Success {
			f.lost = append(f.lost, got.Code)
		} else {
			f.won++
			w.nc.SetReadDeadline(until)
			for err := error(nil); err == nil; {
				_, err = w.next()
			}
		}
		w.nc.Close()
		time.Sleep(time.Second)
	}
}

func TestFightOverOneDevice(t *testing.T) {
	const perMinute, minutes = 6, 30
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 2, gateway.Options{TakeoversPerDevice: perMinute})
		bystander := r.connect(1)
		one, two := r.login(0), r.login5(0)
		one.KeepAlive, two.KeepAlive = 1200, 1200
		id, _, _ := strings.Cut(string(one.ClientID), "|")
		a := &fighter{r: r, from: "192.0.2.1:1", c: one}
		b := &fighter{r: r, from: "[2001:db8::2]:2", c: two}
		until := time.Now().Add(minutes * time.Minute)
		ended := make(chan bool)
		for _, f := range []*fighter{a, b} {
			go func() {
				f.fight(until)
				ended <- true
			}()
		}
		for ringing := 2; ringing > 0; {
			select {
			case <-ended:
				ringing--
			case <-time.After(pingEvery):
				bystander.ping()
			}
		}
		if most := perMinute*(minutes+1) + 1; a.won+b.won > most || a.won < minutes || b.won < minutes {
			t.Errorf("they took the connection %d and %d times; want %d together at most, and each its turns", a.won, b.won, most)
		}
		if i := slices.IndexFunc(a.lost, func(c mqtt.Code) bool { return c != mqtt.ServerUnavailable }); i >= 0 || len(a.lost) == 0 {
			t.Errorf("3.1.1: put off with %v; want server unavailable", a.lost)
		}
		if i := slices.IndexFunc(b.lost, func(c mqtt.Code) bool { return c != mqtt.QuotaExceeded }); i >= 0 || len(b.lost) == 0 {
			t.Errorf("5.0: put off with %v; want quota exceeded", b.lost)
		}

		told := r.contested(0)
		if n := len(told); n < minutes/10 || n > minutes/10+1 {
			t.Fatalf("%d lines in the timeline; want one each ten minutes", n)
		}
		for _, line := range told {
			for _, want := range []string{"192.0.2.1", "2001:db8::2", fmt.Sprintf("client id %q", id)} {
				if !strings.Contains(line, want) {
					t.Errorf("the timeline says %q; want it to name %s", line, want)
				}
			}
		}
		if lines := r.log.about("two fight over one device"); len(lines) != len(told) || !strings.Contains(lines[0], "level=WARN") {
			t.Errorf("the log says %q; want a warning for each line in the timeline", lines)
		}

		// Once the copy is gone, the device is let in before long.
		time.Sleep(10 * time.Second)
		r.wantConnack("afterwards", a.from, one, mqtt.Success)
	})
}

// contested are the fights in the timeline of device i.
func (r *rig) contested(i int) (all []string) {
	r.t.Helper()
	d := r.state(i)
	var at store.EventKey
	for {
		page, err := r.store.Events(r.t.Context(), d.ID, at, 100)
		r.must(err)
		for _, e := range page {
			at = e.Key
			if e.Kind == cota.EventContested {
				all = append(all, e.Detail)
			}
		}
		if len(page) < 100 {
			return all
		}
	}
}

// A takeover is not a fight, nor is a device that comes back now and then.
func TestReconnectingIsNoFight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 1, gateway.Options{TakeoversPerDevice: 6})
		for range 60 {
			r.wantConnack("again", carrier, r.login5(0), mqtt.Success)
			time.Sleep(15 * time.Second)
		}
		for range 20 { // and without a connection before it, at any rate
			w := r.connect5(0)
			w.write(mqtt.Disconnect{}.Append(nil, w.version))
			w.wantClosed()
			synctest.Wait()
			if r.gateway.Online(r.product) != 0 {
				t.Fatal("the connection is still there")
			}
		}
		if lines := r.contested(0); len(lines) != 0 {
			t.Errorf("the timeline says %q; want nothing of a fight", lines)
		}
	})
}

// A device that is disabled while it fights is refused, and not let in.
func TestFightEndsWithTheDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRigOf(t, 1, gateway.Options{TakeoversPerDevice: 2})
		for range 3 {
			r.wantConnack("again", carrier, r.login5(0), mqtt.Success)
		}
		r.wantConnack("too often", carrier, r.login5(0), mqtt.QuotaExceeded)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[0].Name, true))
		time.Sleep(time.Minute)
		r.wantConnack("disabled", carrier, r.login5(0), mqtt.NotAuthorized)
	})
}
