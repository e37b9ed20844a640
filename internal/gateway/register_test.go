package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
)

// registrar is a rig with a port, whose product lets devices register.
type registrar struct {
	*mouth
	secret string // the ProductSecret
}

// refusalsOfRegistrar is how many are refused before others are put off.
const refusalsOfRegistrar = 30

func newRegistrar(t *testing.T, n int) *registrar {
	t.Helper()
	return newRegistrarOf(t, n, gateway.Options{RefusalsPerAddress: refusalsOfRegistrar})
}

func newRegistrarOf(t *testing.T, n int, o gateway.Options) *registrar {
	t.Helper()
	r := &registrar{mouth: newRigOf(t, n, o).port("")}
	var err error
	r.secret, err = r.store.ProductSecret(t.Context(), r.product)
	r.must(err)
	r.turn(true, true)
	return r
}

func (r *registrar) turn(dynamic, withoutPre bool) {
	r.t.Helper()
	_, err := r.control.SetRegistration(r.t.Context(), control.System, r.product, &dynamic, &withoutPre)
	r.must(err)
}

// registration is the CONNECT of a device that registers.
func (r *registrar) registration(name string, kind alink.AuthType) mqtt.Connect {
	r.t.Helper()
	p, err := alink.SignRegister(r.product, name, r.secret, "11596825", kind)
	r.must(err)
	return connectOf(p)
}

func connectOf(p alink.ConnectParams) mqtt.Connect {
	return mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 120,
		ClientID: []byte(p.ClientID), Username: []byte(p.UserName), Password: []byte(p.Password),
	}
}

// over opens a connection over TLS with the given CONNECT.
func (r *registrar) over(c mqtt.Connect) (*wire, mqtt.Connack) {
	r.t.Helper()
	w := &wire{t: r.t, nc: r.tls(), version: c.Version}
	w.write(c.Append(nil))
	return w, w.connack()
}

// registers registers and returns what was published, and on which topics.
func (r *registrar) registers(c mqtt.Connect) (w *wire, got registered) {
	r.t.Helper()
	w, ack := r.over(c)
	if ack.Code != mqtt.Success {
		r.t.Fatalf("CONNACK %v; want success", ack.Code)
	}
	p := w.received()
	if p.QoS != 0 || p.Retain {
		r.t.Errorf("published with QoS %d, retain %t; want QoS 0", p.QoS, p.Retain)
	}
	got.topic, got.text = string(p.Topic), string(p.Payload)
	r.must(json.Unmarshal(p.Payload, &got))
	return w, got
}

type registered struct {
	topic, text                                                 string
	ProductKey, DeviceName, DeviceSecret, ClientID, DeviceToken string
}

// leaves has a device leave, and sees the connection closed.
func (w *wire) leaves() {
	w.t.Helper()
	w.write(mqtt.Disconnect{}.Append(nil, w.version))
	w.wantClosed()
}

// refused sees a CONNECT over TLS refused.
func (r *registrar) refused(what string, c mqtt.Connect, want mqtt.Code) {
	r.t.Helper()
	w, got := r.over(c)
	if got.Code != want {
		r.t.Errorf("%s: CONNACK %v; want %v", what, got.Code, want)
		return
	}
	w.wantClosed()
}

func TestRegister(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		t.Run(fmt.Sprint("version ", v), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRegistrar(t, 1)
				c := r.registration("dev-000001", alink.AuthRegister)
				c.Version = v
				_, before := r.registers(c)
				w, got := r.registers(c)
				want := fmt.Sprintf(`{"productKey":"%s","deviceName":"dev-000001","deviceSecret":"%s"}`, r.product, got.DeviceSecret)
				if got.topic != "/ext/register" || got.text != want || got.DeviceSecret == before.DeviceSecret {
					t.Errorf("published %s on %s; want another secret each time, on /ext/register", got.text, got.topic)
				}
				w.leaves()

				time.Sleep(time.Second)
				r.creds[0].Secret = before.DeviceSecret
				r.refused("the secret before", r.login(0), mqtt.BadUserNameOrPassword)
				r.creds[0].Secret = got.DeviceSecret
				r.connect(0).ping()
				r.refused("a device that has signed in", c, mqtt.BadUserNameOrPassword)

				_, err := r.control.ResetDeviceSecret(t.Context(), control.System, r.product, "dev-000001")
				r.must(err)
				_, again := r.registers(c)
				if again.DeviceSecret == "" || again.DeviceSecret == got.DeviceSecret {
					t.Errorf("registered after a reset: %s; want another secret", again.text)
				}
				for _, secret := range []string{r.secret, before.DeviceSecret, got.DeviceSecret, again.DeviceSecret} {
					if len(r.log.about(secret)) > 0 {
						t.Error("the log holds a secret")
					}
				}
			})
		})
	}
}

// Who has registered is in no fleet, and gone after 15 seconds whatever it
// says or whatever keep-alive it asked for.
func TestRegisteredDevicesAreSentAway(t *testing.T) {
	for _, keepAlive := range []uint16{0, 5, 120, 65535} {
		bubbleOf(t, fmt.Sprint("keep-alive ", keepAlive), func(t *testing.T) {
			r := newRegistrar(t, 1)
			c := r.registration("dev-000001", alink.AuthRegister)
			c.KeepAlive = keepAlive
			start := time.Now()
			w, _ := r.registers(c)
			if n := r.gateway.Online(r.product); n != 0 {
				t.Errorf("%d devices online; want none", n)
			}
			for range 2 {
				time.Sleep(7 * time.Second)
				w.ping()
			}
			w.wantClosed()
			if took := time.Since(start); took != 15*time.Second {
				t.Errorf("closed after %v; want 15 s", took)
			}
			if cut := r.log.about("connection cut"); len(cut) > 0 {
				t.Errorf("log: %s; want no complaint", cut)
			}
		})
	}
}

func bubbleOf(t *testing.T, name string, fn func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { bubble(t, fn) })
}

func TestRegisteredDevicesHaveNothingMoreToSay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 1)
		c := r.registration("dev-000001", alink.AuthRegister)
		w, _ := r.registers(c)
		s := mqtt.Subscribe{PacketID: 7, Subscriptions: mqtt.Subscriptions(nil).Append(mqtt.Subscription{Filter: []byte("/ext/register"), QoS: 1})}
		w.write(s.Append(nil, mqtt.V311))
		if got, err := mqtt.DecodeSuback(w.want(mqtt.TypeSuback), mqtt.V311); err != nil || got.PacketID != 7 || got.Codes[0] > 1 {
			t.Errorf("SUBACK %+v, %v; want it granted", got, err)
		}
		w.publish(r.topic(alink.ConfigGet, 0), `{"id":"1","params":{"configScope":"product","getType":"file"}}`, 1, 1)
		w.wantClosed()
	})
}

func TestRegisterUnlisted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 1)
		c := r.registration("new-1", alink.AuthUnlisted)
		w, got := r.registers(c)
		want := fmt.Sprintf(`{"productKey":"%s","deviceName":"new-1","clientId":"new-1.%s","deviceToken":"%s"}`, r.product, r.product, got.DeviceToken)
		if got.topic != "/ext/regnwl" || got.text != want || got.DeviceToken == "" {
			t.Errorf("published %s on %s; want %s on /ext/regnwl", got.text, got.topic, want)
		}
		if p := w.received(); string(p.Topic) != "/ext/register" || string(p.Payload) != got.text {
			t.Errorf("then published %s on %s; want the same on /ext/register", p.Payload, p.Topic)
		}
		w.leaves()

		r.save(`{"n":1}`)
		push := r.push()
		login := func(clientID, token string) mqtt.Connect {
			return connectOf(alink.TokenLogin(r.product, "new-1", clientID, token))
		}
		r.refused("a wrong token", login(got.ClientID, got.DeviceToken+"x"), mqtt.BadUserNameOrPassword)
		r.refused("another client id", login("x", got.DeviceToken), mqtt.BadUserNameOrPassword)
		w, ack := r.open(login(got.ClientID, got.DeviceToken))
		if ack.Code != mqtt.Success {
			t.Fatalf("CONNACK %v; want success", ack.Code)
		}
		r.fetch(w.offered())
		if n := r.counts(push); n.Fetched != 1 {
			t.Errorf("counts %+v; want it fetched", n)
		}
		r.refused("its client id again", c, mqtt.BadUserNameOrPassword)

		if _, err := r.control.ResetDeviceSecret(t.Context(), control.System, r.product, "new-1"); err != nil {
			t.Fatal(err)
		}
		w.wantClosed()
		r.refused("a token after a reset", login(got.ClientID, got.DeviceToken), mqtt.BadUserNameOrPassword)
	})
}

func TestRegistrationIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 2)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, "dev-000002", true))
		good := r.registration("dev-000001", alink.AuthRegister)
		with := func(change func(c *mqtt.Connect)) mqtt.Connect {
			c := r.registration("dev-000001", alink.AuthRegister)
			change(&c)
			return c
		}
		clientID := func(old, new string) mqtt.Connect {
			return with(func(c *mqtt.Connect) { c.ClientID = []byte(strings.Replace(string(c.ClientID), old, new, 1)) })
		}
		check := func(what string, c mqtt.Connect, want mqtt.Code) {
			t.Helper()
			r.refused(what, c, want)
			c.Version = mqtt.V5
			r.refused(what+", 5.0", c, want)
		}
		check("wrong signature", with(func(c *mqtt.Connect) { c.Password[0] ^= 1 }), mqtt.BadUserNameOrPassword)
		check("the signature of a sign-in", with(func(c *mqtt.Connect) { c.Password = r.login(0).Password }), mqtt.BadUserNameOrPassword)
		check("another random", clientID("11596825", "11596826"), mqtt.BadUserNameOrPassword)
		check("no random", clientID("random", "randon"), mqtt.ClientIDNotValid)
		check("an unknown method", clientID("hmacsha256", "hmacsha3"), mqtt.ClientIDNotValid)
		check("no product", with(func(c *mqtt.Connect) { c.Username = []byte("dev-000001&a1nothing00") }), mqtt.BadUserNameOrPassword)
		check("not listed", r.registration("dev-000009", alink.AuthRegister), mqtt.BadUserNameOrPassword)
		check("disabled", r.registration("dev-000002", alink.AuthRegister), mqtt.BadUserNameOrPassword)
		r.turn(true, false)
		check("without pre-registration, switched off", r.registration("dev-000009", alink.AuthUnlisted), mqtt.BadUserNameOrPassword)
		r.turn(false, false)
		check("switched off", good, mqtt.BadUserNameOrPassword)
		r.turn(true, false)

		w, got := r.open(good)
		if got.Code != mqtt.ClientIDNotValid {
			t.Errorf("without TLS: CONNACK %v; want client id not valid", got.Code)
		}
		w.wantClosed()
		r.registers(good)
	})
}

func TestRefusedRegistrationsAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 1)
		good := r.registration("dev-000001", alink.AuthRegister)
		forged := r.registration("dev-000001", alink.AuthRegister)
		forged.Password[0] ^= 1
		for range refusalsOfRegistrar {
			r.refused("forged", forged, mqtt.BadUserNameOrPassword)
		}
		r.refused("after so many", good, mqtt.ServerUnavailable)
		good.Version = mqtt.V5
		r.refused("after so many, 5.0", good, mqtt.ConnectionRateExceeded)
		time.Sleep(time.Minute)
		r.registers(good)
	})
}

// Devices that register without being listed are bounded by product and by
// address. Only what was granted counts, and only who is not listed is put off.
func TestNewcomersAreLimited(t *testing.T) {
	for bound, limits := range map[string]gateway.Newcomers{
		"product": {PerProduct: 3}, "address": {PerAddress: 3},
	} {
		bubbleOf(t, bound, func(t *testing.T) {
			r := newRegistrarOf(t, 1, gateway.Options{Newcomers: limits})
			newcomer := func(n int) mqtt.Connect {
				return r.registration(fmt.Sprintf("new-%d", n), alink.AuthUnlisted)
			}
			forged := newcomer(0)
			forged.Password[0] ^= 1
			r.connect(0).ping() // from here on activated, and refused
			for range 5 {
				r.refused("forged", forged, mqtt.BadUserNameOrPassword)
				r.refused("activated", r.registration("dev-000001", alink.AuthUnlisted), mqtt.BadUserNameOrPassword)
			}
			r.registers(newcomer(1))
			r.registers(newcomer(2))
			r.registers(newcomer(2)) // granted again
			putOff := counted(t, "cota_gateway_newcomers_put_off_total", bound)
			r.refused("a third", newcomer(3), mqtt.ServerUnavailable)
			late := newcomer(3)
			late.Version = mqtt.V5
			r.refused("a third, 5.0", late, mqtt.ConnectionRateExceeded)
			if n := counted(t, "cota_gateway_newcomers_put_off_total", bound) - putOff; n != 2 {
				t.Errorf("%v counted as put off by %s; want 2", n, bound)
			}
			if _, err := r.store.Device(t.Context(), r.product, "new-3"); cota.CodeOf(err) != cota.NotFound {
				t.Errorf("the device that was put off: %v; want none", err)
			}
			_, err := r.control.ResetDeviceSecret(t.Context(), control.System, r.product, "dev-000001")
			r.must(err)
			r.registers(r.registration("dev-000001", alink.AuthRegister)) // is listed
			time.Sleep(20 * time.Second)
			r.registers(newcomer(3))
			r.refused("a fourth", newcomer(4), mqtt.ServerUnavailable)
		})
	}
}

// counted is a counter of the metrics, by its only label.
func counted(t *testing.T, name, label string) (n float64) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == label {
				n = m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func TestBrokenDatabaseIsNotTheRegistrantsFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 1)
		good := r.registration("dev-000001", alink.AuthRegister)
		r.sql(`ALTER TABLE product RENAME COLUMN secret_sealed TO hidden`)
		for range refusalsOfRegistrar + 1 { // one too many, if they counted
			r.refused("broken", good, mqtt.ServerUnavailable)
		}
		r.sql(`ALTER TABLE product RENAME COLUMN hidden TO secret_sealed`)
		r.registers(good)
	})
}

// A device that has pre-authenticated signs in with its iotId and iotToken.
func TestSignInByIotToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 2)
		tokens := func(i int) (id, token string) {
			t.Helper()
			id, token, err := r.control.PreAuth(context.Background(), r.product, r.creds[i].Name, func(s string) bool { return s == r.creds[i].Secret })
			r.must(err)
			return id, token
		}
		login := func(id, token string) mqtt.Connect {
			c := r.login(0)
			c.Username, c.Password = []byte(id), []byte(token)
			return c
		}
		id, token := tokens(0)
		_, other := tokens(1)
		w := r.connectBy(login(id, token))
		w.publish(r.topic(alink.ConfigPushReply, 0), `{"id":"1","code":200,"data":{}}`, 1, 1)
		w.wantPuback(1)
		if d := r.state(0); !d.Online || !d.Activated {
			t.Errorf("device %+v; want it online and activated", d)
		}
		refused := func(what string, c mqtt.Connect, want mqtt.Code) {
			t.Helper()
			w, got := r.open(c)
			if got.Code != want {
				t.Errorf("%s: CONNACK %v; want %v", what, got.Code, want)
				return
			}
			w.wantClosed()
		}
		refused("another device's token", login(id, other), mqtt.ServerUnavailable)
		refused("an id of nobody", login("Q7uOhVRdZRRlDnTLv00100", token), mqtt.ServerUnavailable)
		refused("no token", login(id, ""), mqtt.ServerUnavailable)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[0].Name, true))
		w.wantClosed()
		refused("disabled", login(id, token), mqtt.NotAuthorized)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[0].Name, false))
		w = r.connectBy(login(id, token))
		_, err := r.control.ResetDeviceSecret(t.Context(), control.System, r.product, r.creds[0].Name)
		r.must(err)
		w.wantClosed()
		refused("after a reset", login(id, token), mqtt.ServerUnavailable)

		id, token = tokens(1)
		time.Sleep(7 * 24 * time.Hour)
		refused("after seven days", login(id, token), mqtt.ServerUnavailable)
		r.must(r.control.RemoveDevice(t.Context(), control.System, r.product, r.creds[1].Name))
		refused("removed", login(id, token), mqtt.ServerUnavailable)
	})
}
