package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cotahq/cota"
)

// fact is a line of device.js.
type fact struct {
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
	OK      bool            `json:"ok"`
	Message string          `json:"message"`
	Code    int             `json:"code"`
}

// npmDevice is a device that runs a stock SDK under Node.
type npmDevice struct {
	t     *testing.T
	in    io.WriteCloser
	facts chan fact
}

func (s *server) npm(by transport, sdk, product string, c cota.Credentials) *npmDevice {
	t := s.t
	t.Helper()
	needs(t, "COTA_TEST_NODE")
	host, port, err := net.SplitHostPort(s.ports[1])
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "device.js", sdk, host, port, product, c.Name, c.Secret)
	cmd.Env = append(os.Environ(), "COTA_E2E_SCHEME="+by.scheme, "COTA_E2E_PATH="+by.path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &npmDevice{t: t, in: in, facts: make(chan fact, 100)}
	go func() {
		defer close(d.facts)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			var f fact
			if json.Unmarshal(scan.Bytes(), &f) == nil {
				d.facts <- f
			}
		}
	}()
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // killed with the test's context
	})
	return d
}

func (d *npmDevice) say(command string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, command+"\n"); err != nil {
		d.t.Fatal(err)
	}
}

// want is the next fact, which must be this event.
func (d *npmDevice) want(event string) fact {
	d.t.Helper()
	select {
	case f, ok := <-d.facts:
		if !ok || f.Event != event {
			d.t.Fatalf("got %+v; want %s", f, event)
		}
		return f
	case <-time.After(patience):
		d.t.Fatalf("no %s", event)
	}
	return fact{}
}

// npmSDKs are the stock SDKs on npm. Only one listens to pushes.
var npmSDKs = []struct {
	name    string
	listens bool
}{
	{"alibabacloud-iot-device-sdk", true},
	{"aliyun-iot-device-sdk", false},
}

func TestNpm(t *testing.T) {
	secure(t)
	for _, by := range transports {
		if by.scheme == "" {
			continue
		}
		for _, sdk := range npmSDKs {
			t.Run(by.name+"/"+sdk.name, func(t *testing.T) {
				s := start(t)
				product, device := s.productWithDevice("node")
				d := s.npm(by, sdk.name, product, device)
				d.want("connect")
				s.saveAndPush(product, `{"nested": {"a": [1, 2, 3]}}`)
				if sdk.listens {
					d.want("push")
					if f := d.want("downloaded"); !f.OK {
						t.Errorf("the pushed file did not verify: %+v", f)
					}
					s.eventuallyAt(product, device.Name, cota.Fetched)
				}
				d.say("get")
				d.want("get_reply")
				if f := d.want("downloaded"); !f.OK {
					t.Errorf("the file that was asked for did not verify: %+v", f)
				}
				s.eventuallyAt(product, device.Name, cota.Fetched)
			})
		}
	}
}

func TestNpmRefusals(t *testing.T) {
	s, by := start(t), transports[0]
	product, device := s.productWithDevice("node")
	s.switchTo(product, false)
	d := s.npm(by, "alibabacloud-iot-device-sdk", product, device)
	d.want("connect")
	d.say("get")
	var reply struct {
		Code int `json:"code"`
	}
	if err := json.Unmarshal(d.want("get_reply").Payload, &reply); err != nil || reply.Code != 6713 {
		t.Errorf("get_reply code %d, %v; want 6713", reply.Code, err)
	}
	wrong := s.npm(by, "alibabacloud-iot-device-sdk", product, cota.Credentials{Name: device.Name, Secret: "wrong"})
	if f := wrong.want("error"); f.Code != 4 {
		t.Errorf("CONNACK %d; want 4", f.Code)
	}
}
