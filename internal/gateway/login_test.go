package gateway_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

func TestLogin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[1].Name, true))
		by := func(o alink.SignOptions) mqtt.Connect { return r.loginBy(0, o) }
		upper := func(c mqtt.Connect) mqtt.Connect {
			c.Password = bytes.ToUpper(c.Password)
			return c
		}
		with := func(change func(c *mqtt.Connect)) mqtt.Connect {
			c := r.login(0)
			change(&c)
			return c
		}
		user := func(name string) mqtt.Connect {
			return with(func(c *mqtt.Connect) { c.Username = []byte(name) })
		}
		clientID := func(id string) mqtt.Connect {
			return with(func(c *mqtt.Connect) { c.ClientID = []byte(id) })
		}
		name, good := r.creds[0].Name, r.login(0)
		for _, tt := range []struct {
			name    string
			connect mqtt.Connect
			want    mqtt.Code
		}{
			{"hmacsha256", by(alink.SignOptions{Method: alink.HMACSHA256}), mqtt.Success},
			{"hmacsha256, upper case", upper(by(alink.SignOptions{Method: alink.HMACSHA256})), mqtt.Success},
			{"hmacsha1", by(alink.SignOptions{Method: alink.HMACSHA1}), mqtt.Success},
			{"hmacsha1, upper case", upper(by(alink.SignOptions{Method: alink.HMACSHA1})), mqtt.Success},
			{"hmacmd5", by(alink.SignOptions{Method: alink.HMACMD5}), mqtt.Success},
			{"hmacmd5, upper case", upper(by(alink.SignOptions{Method: alink.HMACMD5})), mqtt.Success},
			{"a timestamp in 2050", by(alink.SignOptions{Timestamp: "2524608000000", AutoSubscribe: true}), mqtt.Success},
			{"a session to keep", with(func(c *mqtt.Connect) { c.CleanStart = false }), mqtt.Success},
			{"a will", with(func(c *mqtt.Connect) { c.Will = mqtt.Will{QoS: 1, Retain: true, Topic: []byte("/a/b")} }), mqtt.Success},

			{"wrong signature", with(func(c *mqtt.Connect) { c.Password[0] ^= 1 }), mqtt.BadUserNameOrPassword},
			{"another device's signature", with(func(c *mqtt.Connect) { c.Password = r.login(1).Password }), mqtt.BadUserNameOrPassword},
			{"another method than named", clientID(strings.Replace(string(good.ClientID), "sha256", "sha1", 1)), mqtt.BadUserNameOrPassword},
			{"no password", with(func(c *mqtt.Connect) { c.Password = nil }), mqtt.BadUserNameOrPassword},
			{"no user name, no password", with(func(c *mqtt.Connect) { c.Username, c.Password = nil, nil }), mqtt.BadUserNameOrPassword},
			{"user name without product", user(name), mqtt.BadUserNameOrPassword},
			{"user name of nothing", user("&"), mqtt.BadUserNameOrPassword},
			{"overlong password", with(func(c *mqtt.Connect) { c.Password = bytes.Repeat([]byte("a"), 300) }), mqtt.BadUserNameOrPassword},

			{"unknown device", user("dev-999999&" + r.product), mqtt.NotAuthorized},
			{"unknown product", user(name + "&a1nothing00"), mqtt.NotAuthorized},
			{"disabled device", r.login(1), mqtt.NotAuthorized},

			{"unknown signmethod", clientID("x|securemode=3,signmethod=crc32|"), mqtt.ClientIDNotValid},
			{"parameters without an end", clientID("x|securemode=3"), mqtt.ClientIDNotValid},
			{"overlong client id", clientID(strings.Repeat("x", 65) + "|securemode=3|"), mqtt.ClientIDNotValid},
		} {
			for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
				tt.connect.Version = v
				w, got := r.open(tt.connect)
				if got.Code != tt.want || got.SessionPresent {
					t.Errorf("%s, %v: CONNACK %v, session present %t; want %v, false", tt.name, v, got.Code, got.SessionPresent, tt.want)
				}
				if tt.want != mqtt.Success {
					w.wantClosed()
				}
			}
		}
	})
}

func TestKeepAliveThatIsAllowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		for _, tt := range []struct {
			asked uint16
			want  mqtt.Code // in 3.1.1
			told  uint32    // in 5.0; 0: nothing
		}{
			{30, mqtt.Success, 0},
			{1200, mqtt.Success, 0},
			{29, mqtt.ClientIDNotValid, 30},
			{1201, mqtt.ClientIDNotValid, 1200},
			{65535, mqtt.ClientIDNotValid, 1200},
			{0, mqtt.ClientIDNotValid, 1200}, // never: the longest there is
		} {
			c := r.login(0)
			c.KeepAlive = tt.asked
			if _, got := r.open(c); got.Code != tt.want {
				t.Errorf("3.1.1, keep-alive %d: CONNACK %v; want %v", tt.asked, got.Code, tt.want)
			}
			c.Version = mqtt.V5
			_, got := r.open(c)
			if told, _ := got.Properties.Uint(mqtt.ServerKeepAlive); got.Code != mqtt.Success || told != tt.told {
				t.Errorf("5.0, keep-alive %d: CONNACK %v, server keep-alive %d; want success, %d", tt.asked, got.Code, told, tt.told)
			}
		}
	})
}

func TestConnackOfMQTT5(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		c := r.login(0)
		c.Version = mqtt.V5
		c.Properties = c.Properties.AppendUint(mqtt.SessionExpiry, 3600)
		_, got := r.open(c)
		for property, want := range map[mqtt.Property]uint32{
			mqtt.MaximumQoS:              1,
			mqtt.RetainAvailable:         1,
			mqtt.ReceiveMaximum:          64,
			mqtt.MaximumPacketSize:       262144,
			mqtt.TopicAliasMaximum:       20,
			mqtt.WildcardAvailable:       1,
			mqtt.SubscriptionIDAvailable: 0,
			mqtt.SharedAvailable:         1,
			mqtt.SessionExpiry:           0,
		} {
			if n, ok := got.Properties.Uint(property); !ok || n != want {
				t.Errorf("CONNACK property %v = %d, %t; want %d", property, n, ok, want)
			}
		}
		if id := got.Properties.Bytes(mqtt.AssignedClientID); id != nil {
			t.Errorf("a client id was assigned: %s", id)
		}
	})
}

func TestEmptyClientIDIsAssignedOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		bare := r.loginBy(0, alink.SignOptions{NoClientID: true})
		// Without parameters the method is hmacmd5.
		mac := hmac.New(md5.New, []byte(r.creds[0].Secret))
		mac.Write([]byte("clientIddeviceName" + r.creds[0].Name + "productKey" + r.product))
		empty := r.login(0)
		empty.ClientID, empty.Password = nil, []byte(hex.EncodeToString(mac.Sum(nil)))
		for _, c := range []mqtt.Connect{bare, empty} {
			c.Version = mqtt.V5
			_, got := r.open(c)
			id := string(got.Properties.Bytes(mqtt.AssignedClientID))
			if want := r.product + "." + r.creds[0].Name; got.Code != mqtt.Success || id != want {
				t.Errorf("client id %q: CONNACK %v, assigned %q; want success, %q", c.ClientID, got.Code, id, want)
			}
		}
	})
}

func TestUnsupportedVersion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		for _, tt := range []struct{ asked, answered mqtt.Version }{{2, mqtt.V311}, {6, mqtt.V5}, {131, mqtt.V5}} {
			c := r.login(0)
			c.Version = tt.asked
			w := r.dial(tt.answered)
			w.write(c.Append(nil))
			if got := w.connack(); got.Code != mqtt.UnsupportedVersion {
				t.Errorf("level %d: CONNACK %v; want unsupported version", tt.asked, got.Code)
			}
			w.wantClosed()
		}
	})
}

func TestEnhancedAuthenticationIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		c := r.login(0)
		c.Version = mqtt.V5
		c.Properties = c.Properties.AppendBytes(mqtt.AuthMethod, []byte("SCRAM-SHA-256"))
		w, got := r.open(c)
		if got.Code != mqtt.BadAuthenticationMethod {
			t.Errorf("CONNACK %v; want bad authentication method", got.Code)
		}
		w.wantClosed()
	})
}

func TestBrokenDatabaseIsNotTheDevicesFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.sql(`ALTER TABLE device RENAME COLUMN secret_sealed TO hidden`)
		for range 101 {
			w, got := r.open(r.login(0))
			if got.Code != mqtt.ServerUnavailable {
				t.Fatalf("CONNACK %v; want server unavailable", got.Code)
			}
			w.wantClosed()
		}
		r.sql(`ALTER TABLE device RENAME COLUMN hidden TO secret_sealed`)
		r.connect(0)
	})
}
