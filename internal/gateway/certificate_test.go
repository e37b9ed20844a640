package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// trust has a rig's product trust a CA.
func (r *rig) trust(ca *certtest.CA) {
	r.t.Helper()
	r.must(r.control.SetCA(r.t.Context(), control.System, r.product, ca.PEM()))
}

// certified is the CONNECT of device i if its certificate says who it is.
func (r *rig) certified(i int) mqtt.Connect {
	return mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 300,
		ClientID: []byte("123|securemode=2,signmethod=hmacsha1,timestamp=132323232|"),
		Username: []byte(r.creds[i].Name + "&" + r.product),
	}
}

func TestX509(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		ca, foreign, other := certtest.New(t, "devices"), certtest.New(t, "foreign"), certtest.New(t, "other")
		r.trust(ca)
		below := ca.Intermediate("below")
		p, _, err := r.control.AddProduct(t.Context(), control.System, cota.DefaultInstance, "another")
		r.must(err)
		r.must(r.control.SetCA(t.Context(), control.System, p.Key, other.PEM()))
		_, err = r.control.AddDevices(t.Context(), control.System, p.Key, []string{"dev-000001"})
		r.must(err)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[2].Name, true))

		const name, disabled = "dev-000001", "dev-000003"
		device := func(change func(*x509.Certificate)) []tls.Certificate {
			return []tls.Certificate{ca.Device(name, change)}
		}
		good := device(nil)
		revoked := device(nil)
		r.must(r.control.Revoke(t.Context(), control.System, r.product, []string{cota.SerialOf(revoked[0].Leaf)}))
		behind := below.Device(name, nil)
		behind.Certificate = append(behind.Certificate, below.Cert.Raw)
		uri, err := url.Parse("urn:" + name)
		r.must(err)
		with := func(change func(c *mqtt.Connect)) mqtt.Connect {
			c := r.certified(0)
			change(&c)
			return c
		}
		user := func(name string) mqtt.Connect { return with(func(c *mqtt.Connect) { c.Username = []byte(name) }) }
		nobody := mqtt.Connect{Version: mqtt.V311, KeepAlive: 300, ClientID: []byte(".|securemode=2|")}

		for _, test := range []struct {
			name         string
			certificates []tls.Certificate
			connect      mqtt.Connect
			want         mqtt.Code
		}{
			{"without a password", good, r.certified(0), mqtt.Success},
			{"with a password that is wrong", good, with(func(c *mqtt.Connect) { c.Password = []byte("x") }), mqtt.Success},
			{"with the password of a secret", good, r.login(0), mqtt.Success},
			{"without extended key usage", device(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), r.certified(0), mqtt.Success},
			{"issued below the CA", []tls.Certificate{behind}, r.certified(0), mqtt.Success},
			{"named as a host", device(func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames = "ACME", []string{name} }), r.certified(0), mqtt.Success},

			{"no certificate, but the secret", nil, r.login(0), mqtt.Success},
			{"no certificate and no secret", nil, r.certified(0), mqtt.BadUserNameOrPassword},
			{"nothing at all", nil, nobody, mqtt.BadUserNameOrPassword},

			{"expired", device(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }), r.login(0), mqtt.NotAuthorized},
			{"not valid yet", device(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), r.certified(0), mqtt.NotAuthorized},
			{"revoked", revoked, r.login(0), mqtt.NotAuthorized},
			{"revoked, and nameless", revoked, nobody, mqtt.NotAuthorized},
			{"of a foreign CA", []tls.Certificate{foreign.Device(name, nil)}, r.login(0), mqtt.NotAuthorized},
			{"of a foreign CA, and nameless", []tls.Certificate{foreign.Device(name, nil)}, nobody, mqtt.NotAuthorized},
			{"of another product", []tls.Certificate{other.Device(name, nil)}, r.certified(0), mqtt.NotAuthorized},
			{"of another device", good, r.certified(1), mqtt.NotAuthorized},
			{"for servers", device(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), r.certified(0), mqtt.NotAuthorized},
			{"of a device that there is not", []tls.Certificate{ca.Device("dev-999999", nil)}, user("dev-999999&" + r.product), mqtt.NotAuthorized},
			{"of a device that there is not, and nameless", []tls.Certificate{ca.Device("dev-999999", nil)}, nobody, mqtt.NotAuthorized},
			{"of a device that is disabled", []tls.Certificate{ca.Device(disabled, nil)}, r.certified(2), mqtt.NotAuthorized},
			{"of a device that is disabled, and nameless", []tls.Certificate{ca.Device(disabled, nil)}, nobody, mqtt.NotAuthorized},
			{"a product that there is not", good, user(name + "&a1nothing00"), mqtt.NotAuthorized},
			{"half a user name", good, user(name), mqtt.BadUserNameOrPassword},
			{"a URI that only holds the name", device(func(c *x509.Certificate) {
				c.Subject.CommonName, c.URIs = "", []*url.URL{uri}
			}), r.certified(0), mqtt.NotAuthorized},
		} {
			for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
				m := r.port("")
				test.connect.Version = v
				w, got := m.sign(m.tls(test.certificates...), test.connect)
				if got.Code != test.want {
					t.Errorf("%s, %v: CONNACK %v; want %v", test.name, v, got.Code, test.want)
				}
				if test.want != mqtt.Success {
					w.wantClosed()
				}
			}
		}
		// A product that trusts no CA does not care.
		r.must(r.control.RemoveCA(t.Context(), control.System, r.product))
		m := r.port("")
		if _, got := m.sign(m.tls(foreign.Device("whatever", nil)), r.login(0)); got.Code != mqtt.Success {
			t.Errorf("a certificate that proves nothing, and the secret: CONNACK %v; want success", got.Code)
		}
		if _, got := m.sign(m.tls(good...), r.certified(0)); got.Code != mqtt.BadUserNameOrPassword {
			t.Errorf("no CA and no secret: CONNACK %v; want bad user name or password", got.Code)
		}
	})
}

// What the vendor's SDKs send that have nothing but a certificate, and what
// they wait for.
func TestX509WithoutNames(t *testing.T) {
	for name, c := range map[string]mqtt.Connect{
		"the Java example": {
			ClientID: []byte(".|securemode=2|"), Username: []byte{}, Password: []byte{},
		},
		"C LinkSDK 4": {
			ClientID: []byte(".|timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=2,signmethod=hmacsha256,ext=3,|"),
			Username: []byte("&"), Password: []byte(strings.Repeat("0F", 32)),
		},
		"no user name at all": {ClientID: []byte("123|securemode=2|")},
	} {
		for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			t.Run(name, func(t *testing.T) {
				c := c // its own: they run beside each other
				bubble(t, func(t *testing.T) {
					r := newRig(t, 1)
					ca := certtest.New(t, "devices")
					r.trust(ca)
					r.save(`{"n": 1}`)
					push := r.push()
					m := r.port("")
					c.Version, c.KeepAlive = v, 300
					w, got := m.sign(m.tls(ca.Device(r.creds[0].Name, nil)), c)
					if got.Code != mqtt.Success {
						t.Fatalf("CONNACK %v; want success", got.Code)
					}
					p := w.received()
					want := `{"productKey":"` + r.product + `","deviceName":"` + r.creds[0].Name + `"}`
					if string(p.Topic) != "/ext/auth/identity/response" || string(p.Payload) != want || p.QoS != 0 {
						t.Errorf("told %s on %s; want %s before everything else", p.Payload, p.Topic, want)
					}
					w.offered()
					if counts := r.counts(push); counts.Received+counts.Sent != 1 {
						t.Errorf("counts %+v; want the device told", counts)
					}
				})
			})
		}
	}
}

func TestX509OfSeveralProducts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		ca := certtest.New(t, "devices")
		r.trust(ca)
		nobody := mqtt.Connect{Version: mqtt.V311, KeepAlive: 300, ClientID: []byte(".|securemode=2|")}
		sign := func(c mqtt.Connect) mqtt.Code {
			t.Helper()
			m := r.port("")
			_, got := m.sign(m.tls(ca.Device(r.creds[0].Name, nil)), c)
			return got.Code
		}
		p, _, err := r.control.AddProduct(t.Context(), control.System, cota.DefaultInstance, "twin")
		r.must(err)
		r.must(r.control.SetCA(t.Context(), control.System, p.Key, ca.PEM()))
		if got := sign(nobody); got != mqtt.Success {
			t.Errorf("one of two products has the device: CONNACK %v; want success", got)
		}
		_, err = r.control.AddDevices(t.Context(), control.System, p.Key, []string{r.creds[0].Name})
		r.must(err)
		if got := sign(nobody); got != mqtt.NotAuthorized {
			t.Errorf("both have it: CONNACK %v; want not authorized", got)
		}
		if got := sign(r.certified(0)); got != mqtt.Success {
			t.Errorf("both have it, with a user name: CONNACK %v; want success", got)
		}
	})
}

func TestRevocationEndsConnections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		ca := certtest.New(t, "devices")
		r.trust(ca)
		m := r.port("")
		certificates := []tls.Certificate{ca.Device(r.creds[0].Name, nil), ca.Device(r.creds[1].Name, nil)}
		var wires []*wire
		for i, c := range certificates {
			connect := r.certified(i)
			connect.Version = mqtt.V5
			w, got := m.sign(m.tls(c), connect)
			if got.Code != mqtt.Success {
				t.Fatalf("CONNACK %v; want success", got.Code)
			}
			wires = append(wires, w)
		}
		bySecret := r.connect(2)
		r.must(r.control.RevokeByCRL(t.Context(), control.System, r.product, ca.Revoke(nil, certificates[0].Leaf)))
		wires[0].wantDisconnect(mqtt.AdministrativeAction)
		wires[1].ping()
		bySecret.ping()
		synctest.Wait()
		if events := r.events(0); events != "connected disconnected" {
			t.Errorf("timeline %q; want it to say that the connection ended", events)
		}

		// A CA that takes the place of the old one.
		r.trust(certtest.New(t, "new"))
		wires[1].wantDisconnect(mqtt.AdministrativeAction)
		bySecret.ping()
	})
}

func TestX509OverWebSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		ca := certtest.New(t, "devices")
		r.trust(ca)
		m := r.port("")
		for origin, want := range map[string]mqtt.Code{"": mqtt.Success, "https://page.test": mqtt.BadUserNameOrPassword} {
			nc := m.tls(ca.Device(r.creds[0].Name, nil))
			upgrade(t, nc, origin)
			c := r.certified(0)
			packet := c.Append(nil)
			frame := append([]byte{0x82, 0xfe, byte(len(packet) >> 8), byte(len(packet)), 0, 0, 0, 0}, packet...)
			if _, err := nc.Write(frame); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 2+4)
			if _, err := io.ReadFull(nc, answer); err != nil {
				t.Fatal(err)
			}
			got, err := mqtt.DecodeConnack(answer[2:], mqtt.V311)
			if err != nil || got.Code != want {
				t.Errorf("origin %q: CONNACK %v, %v; want %v", origin, got.Code, err, want)
			}
			nc.Close()
		}
	})
}

// upgrade asks for a WebSocket.
func upgrade(t *testing.T, nc net.Conn, origin string) {
	t.Helper()
	request := "GET /mqtt HTTP/1.1\r\nHost: cota.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
	if origin != "" {
		request += "Origin: " + origin + "\r\n"
	}
	if _, err := nc.Write([]byte(request + "\r\n")); err != nil {
		t.Fatal(err)
	}
	var head []byte
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		b := make([]byte, 1)
		if _, err := nc.Read(b); err != nil {
			t.Fatal(err)
		}
		head = append(head, b...)
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 101 ") {
		t.Fatalf("answered %q", head)
	}
}

func TestX509DeviceIsServed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		ca := certtest.New(t, "devices")
		r.trust(ca)
		r.save(`{"n": 1}`)
		m := r.port("")
		w, _ := m.sign(m.tls(ca.Device(r.creds[0].Name, nil)), r.certified(0))
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		p := subscribe(1, alink.IdentityTopic)
		w.write(p.Append(nil, w.version))
		if got := w.wantSuback(1); got[0] > 1 {
			t.Errorf("SUBACK %d for %s; want it granted", got[0], alink.IdentityTopic)
		}
	})
}
