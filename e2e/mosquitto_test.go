package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

// mosquitto is one of Debian's mosquitto clients, signed in as a device.
func (s *server) mosquitto(by transport, version, command, product string, c cota.Credentials, args ...string) *exec.Cmd {
	t := s.t
	t.Helper()
	needs(t, "COTA_TEST_MOSQUITTO")
	login, err := alink.Sign(product, c.Name, c.Secret, alink.SignOptions{Method: alink.HMACSHA256})
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(s.ports[1])
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{"-V", version, "-h", host, "-p", port, "-i", login.ClientID, "-u", login.UserName, "-P", login.Password}, by.mosquittoOptions()...)
	cmd := exec.CommandContext(t.Context(), command, append(all, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestMosquitto is a device of three commands and the vendor's documents: one
// listens, one asks, one reports.
func TestMosquitto(t *testing.T) {
	secure(t)
	for _, by := range transports {
		if by.mosquitto == nil {
			continue
		}
		for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
			t.Run(by.name+"/"+version, func(t *testing.T) {
				s := start(t)
				product, device := s.productWithDevice("mosquitto")
				root := fmt.Sprintf("/sys/%s/%s/thing/config/", product, device.Name)

				// It listens.
				listen := s.mosquitto(by, version, "mosquitto_sub", product, device, "-q", "1", "-v", "-C", "1", "-t", root+"push")
				out, err := listen.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := listen.Start(); err != nil {
					t.Fatal(err)
				}
				s.eventuallyOnline(product, device.Name)
				const text = `{"interval": 60}`
				s.saveAndPush(product, text)
				line, err := bufio.NewReader(out).ReadString('\n')
				topic, payload, _ := strings.Cut(line, " ")
				if err != nil || topic != root+"push" {
					t.Fatalf("mosquitto_sub prints %q, %v; want a push", line, err)
				}
				if err := listen.Wait(); err != nil {
					t.Errorf("mosquitto_sub: %v", err)
				}
				pushed := fileIn(t, payload, "params")
				if got := pushed.fetch(t); got != text {
					t.Errorf("downloaded %q; want %q", got, text)
				}
				s.eventuallyAt(product, device.Name, cota.Fetched)

				// It asks, over MQTT 5 for an answer on a topic of its own.
				answers, want := root+"get_reply", ""
				ask := []string{"-W", "60", "-F", "%t %p", "-t", root + "get", "-m", `{"id":"77","params":{"configScope":"product","getType":"file"}}`}
				if version == "mqttv5" {
					answers, want = fmt.Sprintf("/%s/%s/user/answers", product, device.Name), "17"
					ask = append(ask, "-D", "publish", "correlation-data", want, "-F", "%t %D%p")
				}
				reply, err := s.mosquitto(by, version, "mosquitto_rr", product, device, append(ask, "-e", answers)...).Output()
				payload, ok := strings.CutPrefix(string(reply), answers+" "+want)
				if err != nil || !ok {
					t.Fatalf("mosquitto_rr prints %q, %v; want an answer on %s", reply, err, answers)
				}
				if got := fileIn(t, payload, "data"); got.ConfigID != pushed.ConfigID {
					t.Errorf("answered with %s; want %s", got.ConfigID, pushed.ConfigID)
				}

				// It reports.
				report := fmt.Sprintf(`{"id":"1","params":{"configId":"%s","state":"applied"}}`, pushed.ConfigID)
				say := []string{"-q", "1", "-t", root + "report", "-m", report}
				if version == "mqttv5" {
					say = append(say, "-D", "publish", "user-property", "firmware", "1.2.3")
				}
				if err := s.mosquitto(by, version, "mosquitto_pub", product, device, say...).Run(); err != nil {
					t.Fatalf("mosquitto_pub: %v", err)
				}
				s.eventuallyAt(product, device.Name, cota.Applied)
				if version == "mqttv5" {
					s.wantProperty(product, device.Name, "applied", cota.Property{Name: "firmware", Value: "1.2.3"})
				}
			})
		}
	}
}

func TestMosquittoIsRefused(t *testing.T) {
	s := start(t)
	product, device := s.productWithDevice("mosquitto")
	device.Secret = "wrong"
	for _, version := range []string{"mqttv311", "mqttv5"} {
		cmd := s.mosquitto(transports[0], version, "mosquitto_pub", product, device, "-t", "/a", "-m", "b")
		cmd.Stderr = nil
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(strings.ToLower(string(out)), "bad user name or password") {
			t.Errorf("%s: mosquitto_pub prints %q, %v; want it to name the password", version, out, err)
		}
	}
}

// fileIn is the file that a message offers in the given member.
func fileIn(t *testing.T, payload, member string) (f file) {
	t.Helper()
	var message map[string]json.RawMessage
	if err := json.Unmarshal([]byte(payload), &message); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	if err := json.Unmarshal(message[member], &f); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return f
}

// wantProperty checks that the newest event of this kind in a device's
// timeline has just this property.
func (s *server) wantProperty(product, name string, kind cota.EventKind, want cota.Property) {
	s.t.Helper()
	for e, err := range s.Events(s.t.Context(), product, name) {
		switch {
		case err != nil:
			s.t.Fatal(err)
		case e.Kind != kind:
			continue
		case len(e.Properties) != 1 || e.Properties[0] != want:
			s.t.Errorf("event %s has properties %v; want %v", kind, e.Properties, want)
		}
		return
	}
	s.t.Errorf("no event %s", kind)
}
