package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cotahq/cota/internal/certtest"
)

// transport is a way by which devices reach the MQTT door.
type transport struct {
	name      string
	scheme    string   // of the address that the npm SDKs are given
	path      string   // of the same
	mosquitto []string // options of mosquitto's clients; nil if they do not go this way
}

// trusted stands in options for the file of the CA.
const trusted = "trusted"

// transports are the ways that foreign clients are tried on. The vendor's own
// addresses of WebSockets have no path. mosquitto's clients know none, but they
// can be held to what the C SDKs offer over TLS.
var transports = []transport{
	{name: "tcp", scheme: "mqtt", mosquitto: []string{}},
	{name: "tls", scheme: "mqtts", mosquitto: []string{"--cafile", trusted}},
	{name: "tls-legacy", mosquitto: []string{"--cafile", trusted, "--tls-version", "tlsv1.2", "--ciphers", "AES128-SHA:AES256-SHA:AES128-SHA256"}},
	{name: "ws", scheme: "ws", path: "/mqtt"},
	{name: "wss", scheme: "wss", path: "/mqtt"},
	{name: "wss without a path", scheme: "wss"},
}

// secure has the servers of a test serve TLS, old and new, and its clients
// trust them.
func secure(t *testing.T) {
	t.Helper()
	ca, dir := certtest.New(t, "test CA"), t.TempDir()
	cert, key := certtest.Write(t, dir, "cota", ca.RSAServer("localhost", "127.0.0.1"))
	file := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(file, []byte(ca.PEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COTA_TLS_CERT", cert)
	t.Setenv("COTA_TLS_KEY", key)
	t.Setenv("COTA_TLS_LEGACY", "true")
	t.Setenv("NODE_EXTRA_CA_CERTS", file)
}

// mosquittoOptions are those of mosquitto's clients for this way.
func (by transport) mosquittoOptions() []string {
	options := make([]string, len(by.mosquitto))
	for i, o := range by.mosquitto {
		if o == trusted {
			o = os.Getenv("NODE_EXTRA_CA_CERTS")
		}
		options[i] = o
	}
	return options
}

// needs skips a test of foreign clients that are not there.
func needs(t *testing.T, env string) {
	t.Helper()
	if os.Getenv(env) == "" {
		skip(t, env+" is not set")
	}
}

// eventuallyOnline waits until a device is connected.
func (s *server) eventuallyOnline(product, name string) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		d, err := s.Device(ctx, product, name)
		if err == nil && !d.Online {
			err = fmt.Errorf("device %s is offline", name)
		}
		return err
	})
}
