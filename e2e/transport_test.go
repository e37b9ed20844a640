package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// transport is a way by which devices reach the MQTT door.
type transport struct {
	name      string
	scheme    string   // of the address that the npm SDKs are given
	env       []string // for Node
	mosquitto []string // options of mosquitto's clients; nil if they do not go this way
}

// transports are the ways that foreign clients are tried on.
var transports = []transport{
	{name: "tcp", scheme: "mqtt", mosquitto: []string{}},
}

// needs skips a test of foreign clients that are not there, unless everything
// is required.
func needs(t *testing.T, env string) {
	t.Helper()
	switch {
	case os.Getenv(env) != "":
	case os.Getenv("COTA_TEST_REQUIRE") == "all":
		t.Fatalf("%s is not set", env)
	default:
		t.Skipf("%s is not set", env)
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
