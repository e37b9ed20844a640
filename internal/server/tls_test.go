package server_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
)

// secured is a server with a certificate for cota.test.
type secured struct {
	*servertest.Server
	t         *testing.T
	ca        *certtest.CA
	cert, key string
	filesTLS  *pipenet.Listener
	product   string
	device    sim.Credentials
}

func startTLS(t *testing.T, change func(*server.Options)) *secured {
	t.Helper()
	s := &secured{t: t, ca: certtest.New(t, "test CA"), filesTLS: pipenet.New("files over TLS")}
	s.cert, s.key = certtest.Write(t, t.TempDir(), "cota", s.ca.RSAServer("cota.test"))
	s.Server = servertest.Start(t, func(o *server.Options) {
		o.TLS.Certs, o.TLS.Keys, o.FilesTLS = []string{s.cert}, []string{s.key}, s.filesTLS
		if change != nil {
			change(o)
		}
	})
	var devices []sim.Credentials
	s.product, devices = fleet(t, s.Server, 1)
	s.device = devices[0]
	return s
}

// dialTLS connects to the MQTT door by TLS.
func (s *secured) dialTLS(c *tls.Config) *tls.Conn {
	s.t.Helper()
	nc, err := s.Dial(s.t.Context(), "tcp", "")
	if err != nil {
		s.t.Fatal(err)
	}
	tc := tls.Client(nc, c)
	if err := tc.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return tc
}

func (s *secured) clientTLS() *tls.Config {
	return &tls.Config{RootCAs: s.ca.Pool(), ServerName: "cota.test"}
}

// fetch downloads by a link, over TLS whatever it says. It goes by a socket:
// both ends of TLS speak at once when they end, which a pipe does not let them.
func (s *secured) fetch(link string, c *tls.Config) (body string, res *http.Response) {
	s.t.Helper()
	transport := &http.Transport{DialContext: through(servertest.Forward(s.t, s.filesTLS.Dial)), TLSClientConfig: c, DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Get(strings.Replace(link, "http://", "https://", 1))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text), res
}

// through dials an address, whatever is asked for.
func through(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// TestForeignClient has a client that we did not write go through every
// transport, over real sockets.
func TestForeignClient(t *testing.T) {
	const text = `{"interval": 60}`
	const patience = 20 * time.Second
	s := startTLS(t, nil)
	save(t, s.Server, s.product, text)
	addr := servertest.Forward(t, s.Dial)
	for _, broker := range []string{"tcp://" + addr, "ssl://" + addr, "ws://" + addr + "/mqtt", "wss://" + addr + "/mqtt"} {
		t.Run(broker[:strings.Index(broker, ":")], func(t *testing.T) {
			login, err := alink.Sign(s.product, s.device.Name, s.device.Secret, alink.SignOptions{TLS: strings.Contains(broker, "s://") && broker[:3] != "ws:"})
			if err != nil {
				t.Fatal(err)
			}
			replies := make(chan []byte, 1)
			c := paho.NewClient(paho.NewClientOptions().AddBroker(broker).SetTLSConfig(s.clientTLS()).SetAutoReconnect(false).
				SetClientID(login.ClientID).SetUsername(login.UserName).SetPassword(login.Password).SetProtocolVersion(4).
				SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { replies <- m.Payload() }))
			if tok := c.Connect(); !tok.WaitTimeout(patience) || tok.Error() != nil {
				t.Fatalf("connect: %v", tok.Error())
			}
			defer c.Disconnect(100)
			get := fmt.Sprintf("/sys/%s/%s/thing/config/get", s.product, s.device.Name)
			if tok := c.Publish(get, 1, false, alink.AppendGet(nil, alink.Get{ID: "1"})); !tok.WaitTimeout(patience) || tok.Error() != nil {
				t.Fatalf("publish: %v", tok.Error())
			}
			select {
			case reply := <-replies:
				offer, err := alink.DecodeGetReply(reply)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := s.fetch(offer.URL, s.clientTLS())
				if sum := sha256.Sum256([]byte(body)); body != text || offer.Sign != hex.EncodeToString(sum[:]) {
					t.Errorf("downloaded %q, whose digest is not %s; want %q", body, offer.Sign, text)
				}
			case <-time.After(patience):
				t.Fatal("no get_reply")
			}
		})
	}
}

// legacyTLS is what the mbedTLS of the C SDKs has: TLS 1.2, RSA and CBC, and
// from the oldest no server name.
func legacyTLS(suite uint16) *tls.Config {
	return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}, InsecureSkipVerify: true}
}

func TestLegacyDevice(t *testing.T) {
	s := startTLS(t, func(o *server.Options) { o.TLS.Legacy = true })
	const text = `{"n": 1}`
	save(t, s.Server, s.product, text)
	d := &wire{t: t, s: s.Server, product: s.product, device: s.device}
	for _, suite := range []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256} {
		nc := s.dialTLS(legacyTLS(suite))
		d.signInOn(nc)
		body, res := s.fetch(d.askForLink(nc), legacyTLS(suite))
		if body != text || res.ContentLength != int64(len(text)) || res.ProtoMajor != 1 {
			t.Errorf("%s: downloaded %q by %s, Content-Length %d; want %q by HTTP/1.1",
				tls.CipherSuiteName(suite), body, res.Proto, res.ContentLength, text)
		}
		nc.Close()
	}
}

// TestWhoIsAskedForACertificate has a client behave as C SDK 3.0.1 does, which
// cannot go on once it is asked.
func TestWhoIsAskedForACertificate(t *testing.T) {
	s := startTLS(t, func(o *server.Options) { o.TLS.Legacy = true })
	tests := []struct {
		name  string
		tls   *tls.Config
		asked bool
	}{
		{"TLS 1.3", &tls.Config{}, true},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"C SDK", legacyTLS(tls.TLS_RSA_WITH_AES_256_CBC_SHA), false},
		{"C SDK by a name", &tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}, ServerName: "cota.example.com",
		}, false},
		{"C SDK by a name for certificates", &tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}, ServerName: "x509.example.com",
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := false
			tt.tls.InsecureSkipVerify = true
			tt.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				return &tls.Certificate{}, nil
			}
			s.dialTLS(tt.tls).Close()
			if asked != tt.asked {
				t.Errorf("asked: %t; want %t", asked, tt.asked)
			}
		})
	}
}

func TestLegacyIsOffUnlessAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTLS(t, nil)
		for name, dial := range map[string]func() (net.Conn, error){
			"MQTT":  func() (net.Conn, error) { return s.Dial(t.Context(), "", "") },
			"files": func() (net.Conn, error) { return s.filesTLS.Dial(t.Context(), "", "") },
		} {
			nc, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			if err := tls.Client(nc, legacyTLS(tls.TLS_RSA_WITH_AES_128_CBC_SHA)).Handshake(); err == nil {
				t.Errorf("the %s door took RSA and CBC", name)
			}
			nc.Close()
		}
	})
}

func TestNewCertificateWithoutRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTLS(t, nil)
		shown := func() string {
			nc := s.dialTLS(s.clientTLS())
			defer nc.Close()
			return nc.ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		d := &wire{t: t, s: s.Server, product: s.product, device: s.device}
		nc := s.dialTLS(s.clientTLS())
		defer nc.Close()
		d.signInOn(nc)
		before := shown()

		second := s.ca.Server("cota.test")
		cert, key := certtest.Write(t, t.TempDir(), "new", second)
		for from, to := range map[string]string{cert: s.cert, key: s.key} {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if after := shown(); after == before || after != second.Leaf.SerialNumber.String() {
			t.Errorf("certificate %s is shown; want %v", after, second.Leaf.SerialNumber)
		}
		if _, err := nc.Write(mqtt.AppendPingreq(nil)); err != nil {
			t.Fatal(err)
		}
		d.read(nc, mqtt.TypePingresp) // who is connected stays so
	})
}

func TestManagementOverTLS(t *testing.T) {
	ca := certtest.New(t, "test CA")
	o := servertest.Options(t)
	cert, key := certtest.Write(t, t.TempDir(), "cota", ca.RSAServer("cota.test"))
	o.TLS = server.TLS{Certs: []string{cert}, Keys: []string{key}, Legacy: true, Management: true}
	o.HSTS = time.Hour
	s := servertest.Resume(t, o)
	dial := through(servertest.Forward(t, s.DialManagement))
	over := func(url string, c *tls.Config) (*client.Client, *keeper) {
		k := &keeper{RoundTripper: &http.Transport{DialContext: dial, TLSClientConfig: c, DisableKeepAlives: true}}
		return client.New(url, "").Through(k), k
	}
	cl, k := over("https://cota.test", &tls.Config{RootCAs: ca.Pool(), ServerName: "cota.test"})
	if _, err := cl.SignIn(t.Context(), "admin", servertest.AdminPassword); err != nil {
		t.Fatal(err)
	}
	if len(k.cookies) == 0 || !k.cookies[0].Secure || k.cookies[0].Name != "__Host-cota_session" {
		t.Errorf("cookies %v; want one that goes by TLS only, to this host only", k.cookies)
	}
	if k.hsts != "max-age=3600" {
		t.Errorf("Strict-Transport-Security: %q; want an hour", k.hsts)
	}
	old, _ := over("https://cota.test", legacyTLS(tls.TLS_RSA_WITH_AES_128_CBC_SHA))
	if _, err := old.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "handshake failure") {
		t.Errorf("the management door took RSA and CBC: %v", err)
	}
	older, _ := over("https://cota.test", &tls.Config{RootCAs: ca.Pool(), ServerName: "cota.test", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if _, err := older.Me(t.Context()); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("the management door took TLS 1.1: %v", err)
	}
	plain, _ := over("http://cota.test", nil)
	if _, err := plain.Me(t.Context()); err == nil {
		t.Error("the management door took plain HTTP")
	}
}

// The doors of devices speak TLS 1.2 at least, also with what old ones need.
func TestOldTLSIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTLS(t, func(o *server.Options) { o.TLS.Legacy = true })
		for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
			"MQTT": s.Dial, "file": s.filesTLS.Dial,
		} {
			for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
				nc, err := dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				err = tls.Client(nc, &tls.Config{
					RootCAs: s.ca.Pool(), ServerName: "cota.test", MinVersion: tls.VersionTLS10, MaxVersion: version,
				}).Handshake()
				if taken := err == nil; taken != (version == tls.VersionTLS12) {
					t.Errorf("the %s door: %s taken: %t, %v; want 1.2 only", name, tls.VersionName(version), taken, err)
				}
				nc.Close()
			}
		}
	})
}

// keeper keeps what the answers that go through it have browsers keep.
type keeper struct {
	http.RoundTripper
	cookies []*http.Cookie
	hsts    string // of the last answer
}

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := k.RoundTripper.RoundTrip(r)
	if err == nil {
		k.cookies = append(k.cookies, res.Cookies()...)
		k.hsts = res.Header.Get("Strict-Transport-Security")
	}
	return res, err
}
