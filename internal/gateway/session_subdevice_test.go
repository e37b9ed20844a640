package gateway

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// gatewaySession is a session of a device that acts as a gateway, with the
// given sub-devices logged in.
func gatewaySession(names ...string) *session {
	s := &session{version: mqtt.V311, receiveMax: 2, packetMax: mqtt.MaxSize}
	s.admit(control.Entrant{Device: control.Device{ID: 1, Product: "pk", Name: "gate"}}, &product{key: "pk"}, false)
	s.device.signedIn = true
	s.subs = &subs{devices: make(map[string]*device)}
	for i, name := range names {
		s.enter(control.Entrant{Device: control.Device{ID: int64(2 + i), Product: "pk", Name: name}}, &product{key: "pk"}).signedIn = true
	}
	return s
}

func (s *session) sub(name string) *device { return s.subs.devices["pk/"+name] }

// heard are the codes of the notices, and 200 for other messages, that the
// session has to say.
func (s *session) heard(t *testing.T) (codes []alink.Code) {
	t.Helper()
	for b := s.out; len(b) > 0; {
		n, err := mqtt.Frame(b, maxPacket)
		if err != nil {
			t.Fatal(err)
		}
		p, err := mqtt.DecodePublish(b[:n], s.version)
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := alink.DecodeGatewayReply(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, r.Code)
		b = b[n:]
	}
	return codes
}

func TestWhoseATopicIs(t *testing.T) {
	s := gatewaySession("dev-01")
	for topic, want := range map[string]*device{
		"/sys/pk/gate/thing/config/get":    &s.device,
		"/sys/pk/dev-01/thing/config/get":  s.sub("dev-01"),
		"/ota/device/progress/pk/dev-01":   s.sub("dev-01"),
		"/pk/dev-01/user/x":                s.sub("dev-01"),
		"/sys/pk/dev-02/thing/config/get":  nil,
		"/sys/pk2/dev-01/thing/config/get": nil,
		"/sys/p/k/dev-01/thing/config/get": nil,
		"/broadcast/pk/all":                &s.device,
		"/broadcast/other/all":             nil,
		"/ext/register":                    &s.device,
		"nonsense":                         nil,
	} {
		if got := s.whose(alink.ParseTopic([]byte(topic))); got != want {
			t.Errorf("whose(%s) = %v; want %v", topic, got, want)
		}
		alone := session{device: s.device}
		if got := alone.whose(alink.ParseTopic([]byte(topic))); got != nil && got.name() != "gate" {
			t.Errorf("whose(%s) = %v without sub-devices", topic, got)
		}
	}
}

func TestOffersThatWaitGoOutInTurn(t *testing.T) {
	s := gatewaySession("dev-01", "dev-02", "dev-03")
	for range 2 {
		for _, name := range []string{"dev-02", "dev-01", "dev-03"} {
			s.wait(s.sub(name)) // the second time for nothing
		}
	}
	s.wait(&s.device)
	gone := s.sub("dev-01")
	if due, _ := gone.due(time.Now(), 1, 1); due {
		t.Error("a device that waits is due; want it left to its connection")
	}
	s.logOut(gone, alink.CodeConnectedElsewhere)
	if s.next() != nil {
		t.Error("there is room while something is to be sent; want none")
	}
	s.out = nil
	s.flow = &flow{inflight: make([]inflight, s.receiveMax)}
	if s.next() != nil {
		t.Error("there is room in a full window; want none")
	}
	s.flow = nil
	var got []string
	for d := s.next(); d != nil; d = s.next() {
		got = append(got, d.name())
	}
	if want := []string{"gate", "dev-02", "dev-03"}; !slices.Equal(got, want) {
		t.Errorf("they go in the order %v; want %v", got, want)
	}
}

func TestSubdeviceThatIsGoneBeforeItIsWelcome(t *testing.T) {
	s := gatewaySession("dev-01")
	late := s.enter(control.Entrant{Device: control.Device{ID: 7, Product: "pk", Name: "dev-02"}}, &product{key: "pk"})
	if s.logOut(late, alink.CodeDeviceForbidden) {
		t.Error("logOut tells that the device was logged in; want that it was not")
	}
	if len(s.out) != 0 {
		t.Error("the gateway is told of a device that it does not know to be in")
	}
	s.answerGateway(&request{kind: alink.CombineLogin}, alink.CodeSuccess, nil)
	gone := s.welcomeAll([]*device{late})
	if codes := s.heard(t); len(gone) != 1 || late.signedIn || !slices.Equal(codes, []alink.Code{200, 522}) {
		t.Errorf("%d are gone, and the gateway hears %v; want the answer, then 522", len(gone), codes)
	}
	if s.logOut(late, alink.CodeDeviceForbidden) || s.sub("dev-01") == nil {
		t.Error("a device leaves twice, or takes another along")
	}
}

func TestOneMoreSubdeviceThanMayBeLoggedIn(t *testing.T) {
	names := make([]string, cota.MaxSubdevices)
	for i := range names {
		names[i] = fmt.Sprintf("dev-%04d", i)
	}
	c := &conn{session: *gatewaySession(names...)}
	of := map[string]*product{"pk": {key: "pk"}}
	again := []control.Entrant{{Device: c.session.sub("dev-0007").who()}}
	if fresh, stale, err := c.enterAll(again, of); err != nil || len(fresh)+len(stale) != 0 {
		t.Errorf("enterAll of one that is there: %d, %d, %v; want it left as it is", len(fresh), len(stale), err)
	}
	more := []control.Entrant{{Device: control.Device{ID: 9999, Product: "pk", Name: "dev-9999"}}}
	if _, _, err := c.enterAll(more, of); !errors.Is(err, errTooManySubs) || c.session.sub("dev-9999") != nil {
		t.Errorf("enterAll of one more: %v; want it refused", err)
	}
	anew := []control.Entrant{{Device: control.Device{ID: 9999, Product: "pk", Name: "dev-0007"}}}
	fresh, stale, err := c.enterAll(anew, of)
	if err != nil || len(fresh) != 1 || len(stale) != 1 || stale[0].id == 9999 || c.session.sub("dev-0007").id != 9999 {
		t.Errorf("enterAll of one that was added anew: %v, %v, %v; want it in the place of the old", fresh, stale, err)
	}
}

func TestListThatAGatewayDoesNotTake(t *testing.T) {
	s := gatewaySession()
	s.version, s.packetMax = mqtt.V5, 300
	all := make([]alink.Identity, 100)
	s.answerGateway(&request{kind: alink.TopoGet}, alink.CodeSuccess, all)
	if codes := s.heard(t); !slices.Equal(codes, []alink.Code{alink.CodeServerError}) {
		t.Errorf("the gateway hears %v; want 500", codes)
	}
}

func TestPlainDeviceKeepsNothingForSubdevices(t *testing.T) {
	s := session{version: mqtt.V311, receiveMax: 1}
	s.admit(control.Entrant{Device: control.Device{ID: 1, Product: "pk", Name: "plain"}}, &product{key: "pk"}, false)
	p := mqtt.Publish{QoS: 1, PacketID: 1, Topic: []byte("/sys/pk/other/thing/config/get"), Payload: []byte(`{}`)}
	if _, err := s.publish(time.Now(), p.Append(nil, s.version)); err != nil || s.subs != nil {
		t.Errorf("publish to another's topic: %v, subs %v; want none", err, s.subs)
	}
}
