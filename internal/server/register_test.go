package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
)

// registry is a server whose device doors speak TLS on real sockets, with a
// product that lets devices register.
type registry struct {
	*client.Client
	mqtt, files string      // addresses
	plain       string      // that of the file door without TLS
	trust       *tls.Config // of a device
	http        *http.Client
	product     string
	secret      string // the ProductSecret
}

func startRegistry(t *testing.T) *registry {
	t.Helper()
	return startRegistryOf(t, func(*server.Options) {})
}

func startRegistryOf(t *testing.T, change func(*server.Options)) *registry {
	t.Helper()
	s := &registry{}
	ca := certtest.New(t, "test CA")
	s.trust = &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		return ln
	}
	o := servertest.Options(t)
	cert, key := certtest.Write(t, t.TempDir(), "cota", ca.Server("localhost"))
	o.TLS.Certs, o.TLS.Keys = []string{cert}, []string{key}
	o.HTTP, o.MQTT, o.Files, o.FilesTLS, o.FilesURL = listen(), []net.Listener{listen()}, listen(), listen(), "https://localhost"
	change(&o)
	srv, err := server.Open(t.Context(), o)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- srv.Run(ctx, time.Second) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	s.mqtt, s.files, s.plain = o.MQTT[0].Addr().String(), o.FilesTLS.Addr().String(), o.Files.Addr().String()
	files := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.files)
	}
	s.http = &http.Client{Transport: &http.Transport{DialContext: files, TLSClientConfig: s.trust, DisableKeepAlives: true}}
	s.Client = client.New("http://"+o.HTTP.Addr().String(), "")
	_, err = s.SignIn(t.Context(), "admin", servertest.AdminPassword)
	must(t, err)
	p, err := s.ImportProduct(t.Context(), "", "old fleet", "a1OldFleet0", "ItsOldSecret1234")
	must(t, err)
	s.product, s.secret = p.Key, p.Secret
	on := true
	_, err = s.SetRegistration(t.Context(), p.Key, client.Registration{Dynamic: &on, WithoutPre: &on})
	must(t, err)
	_, err = s.SetConfig(t.Context(), p.Key, client.ConfigPatch{Enabled: &on})
	must(t, err)
	_, err = s.SaveVersion(t.Context(), p.Key, client.Draft{Content: `{"interval": 60}`})
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A listed device registers over HTTPS, and has its configuration.
func TestRegisteredDeviceHasItsConfiguration(t *testing.T) {
	s := startRegistry(t)
	_, err := s.AddDevices(t.Context(), s.product, "dev-1")
	must(t, err)
	o := device.RegisterOptions{Server: "https://localhost", ProductKey: s.product, DeviceName: "dev-1", ProductSecret: s.secret, HTTPClient: s.http}
	_, err = device.Register(t.Context(), o)
	must(t, err)
	secret, err := device.Register(t.Context(), o)
	must(t, err)
	d, err := device.Dial(t.Context(), device.Options{
		Server: "tls://" + s.mqtt, ProductKey: s.product, DeviceName: "dev-1", DeviceSecret: secret, TLSConfig: s.trust, HTTPClient: s.http,
	})
	must(t, err)
	defer d.Close()
	c, err := d.Config(t.Context())
	must(t, err)
	if string(c.Content) != `{"interval": 60}` {
		t.Errorf("configuration %q", c.Content)
	}
	refused := func(what string, o device.RegisterOptions, want alink.Code) {
		t.Helper()
		_, err := device.Register(t.Context(), o)
		if e, ok := errors.AsType[*alink.Error](err); !ok || e.Code != want {
			t.Errorf("%s: %v; want code %d", what, err, want)
		}
	}
	refused("a device that has signed in", o, alink.CodeAlreadyActive)
	o.ProductSecret = "another"
	refused("with another secret", o, alink.CodeRegistrationWrong)
	shown, err := s.Device(t.Context(), s.product, "dev-1")
	must(t, err)
	if !shown.Activated {
		t.Errorf("device %+v; want it activated", shown)
	}
	registrations := 0
	for e, err := range s.Events(t.Context(), s.product, "dev-1") {
		must(t, err)
		if e.Kind == cota.EventRegistered && strings.HasPrefix(e.Detail, "https, 127.0.0.1") {
			registrations++
		}
	}
	if registrations != 2 {
		t.Errorf("%d registrations in the timeline; want 2", registrations)
	}
}

// A device that nobody listed registers with a client that knows nothing of
// it, and is pushed to.
func TestUnlistedDeviceIsPushedTo(t *testing.T) {
	s := startRegistry(t)
	registration, err := alink.SignRegister(s.product, "new-1", s.secret, "123", alink.AuthUnlisted)
	must(t, err)
	heard := make(chan mqtt.Message, 2)
	c := s.connect(t, registration, func(_ mqtt.Client, m mqtt.Message) { heard <- m })
	var got struct{ ClientID, DeviceToken string }
	first, second := <-heard, <-heard
	must(t, json.Unmarshal(first.Payload(), &got))
	if first.Topic() != "/ext/regnwl" || second.Topic() != "/ext/register" || string(first.Payload()) != string(second.Payload()) {
		t.Errorf("heard %s on %s and %s on %s", first.Payload(), first.Topic(), second.Payload(), second.Topic())
	}
	c.Disconnect(100)

	pushed := make(chan mqtt.Message, 1)
	c = s.connect(t, alink.TokenLogin(s.product, "new-1", got.ClientID, got.DeviceToken), func(_ mqtt.Client, m mqtt.Message) { pushed <- m })
	defer c.Disconnect(0)
	_, err = s.StartPush(t.Context(), s.product, 0)
	must(t, err)
	offer, err := alink.DecodePush((<-pushed).Payload())
	must(t, err)
	answer, err := s.http.Get(offer.URL)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("download: %s; want 200", answer.Status)
	}
}

func (s *registry) connect(t *testing.T, p alink.ConnectParams, handler mqtt.MessageHandler) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker("ssl://" + s.mqtt).SetTLSConfig(s.trust).SetProtocolVersion(4).SetAutoReconnect(false)
	o.SetClientID(p.ClientID).SetUsername(p.UserName).SetPassword(p.Password).SetDefaultPublishHandler(handler)
	c := mqtt.NewClient(o)
	token := c.Connect()
	token.Wait()
	must(t, token.Error())
	return c
}
