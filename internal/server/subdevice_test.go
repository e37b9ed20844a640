package server_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/server/servertest"
	"github.com/cotahq/cota/internal/sim"
)

// hub is a connection of a device that acts as a gateway.
type hub struct {
	*wire
	nc  net.Conn
	buf []byte
}

func signInHub(t *testing.T, s *servertest.Server, product string, device sim.Credentials) *hub {
	t.Helper()
	w := &wire{t: t, s: s, product: product, device: device}
	nc := w.signIn()
	t.Cleanup(func() { nc.Close() })
	return &hub{wire: w, nc: nc}
}

// sub is a device as its gateway names it, and signs for it.
func sub(t *testing.T, product string, d sim.Credentials) alink.Subdevice {
	t.Helper()
	s, err := alink.SignSubdevice(product, d.Name, d.Secret, alink.SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// message is the next message from the server, acknowledged.
func (h *hub) message() mqtt.Publish {
	h.t.Helper()
	for {
		n, err := mqtt.Frame(h.buf, mqtt.MaxSize)
		if err != nil {
			h.t.Fatal(err)
		}
		if n > len(h.buf) {
			more := make([]byte, 4096)
			got, err := h.nc.Read(more)
			if err != nil {
				h.t.Fatal(err)
			}
			h.buf = append(h.buf, more[:got]...)
			continue
		}
		packet := h.buf[:n:n]
		h.buf = h.buf[n:]
		if mqtt.TypeOf(packet) != mqtt.TypePublish {
			continue
		}
		p, err := mqtt.DecodePublish(packet, mqtt.V311)
		if err != nil {
			h.t.Fatal(err)
		}
		if p.QoS == 1 {
			h.write(mqtt.Ack{Type: mqtt.TypePuback, PacketID: p.PacketID}.Append(nil, mqtt.V311))
		}
		return p
	}
}

func (h *hub) write(b []byte) {
	h.t.Helper()
	if _, err := h.nc.Write(b); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) say(k alink.Kind, product, name string, payload []byte) {
	h.t.Helper()
	p := mqtt.Publish{Topic: alink.AppendTopic(nil, k, product, name), Payload: payload}
	h.write(p.Append(nil, mqtt.V311))
}

// ask sends a request about devices, which is granted.
func (h *hub) ask(k alink.Kind, devices ...alink.Subdevice) {
	h.t.Helper()
	h.say(k, h.product, h.device.Name, alink.AppendGatewayRequest(nil, k, alink.GatewayRequest{ID: "1", Devices: devices}))
	h.wantCode(k.Reply(), alink.CodeSuccess)
}

// wantCode reads a message to the gateway.
func (h *hub) wantCode(k alink.Kind, code alink.Code) {
	h.t.Helper()
	p := h.message()
	r, _, err := alink.DecodeGatewayReply(p.Payload)
	if string(p.Topic) != string(alink.AppendTopic(nil, k, h.product, h.device.Name)) || err != nil || r.Code != code {
		h.t.Fatalf("got %s to %s, %v; want code %d", p.Payload, p.Topic, err, code)
	}
}

// wantChange reads that the gateway is told of its topology.
func (h *hub) wantChange(status alink.TopologyStatus) {
	h.t.Helper()
	p := h.message()
	if want := fmt.Sprintf(`"params":{"status":%d,"subList":[{`, status); alink.ParseTopic(p.Topic).Kind != alink.TopoChange || !strings.Contains(string(p.Payload), want) {
		h.t.Errorf("the gateway is told %s on %s; want a change with %s", p.Payload, p.Topic, want)
	}
}

func TestPushReachesADeviceBehindAGateway(t *testing.T) {
	s := servertest.Start(t, nil)
	product, devices := fleet(t, s, 2)
	hubs, err := s.AddProduct(t.Context(), "", "hub")
	if err != nil {
		t.Fatal(err)
	}
	creds, err := s.AddDevices(t.Context(), hubs.Key, "hub-1")
	if err != nil {
		t.Fatal(err)
	}
	gateways, gateway := hubs.Key, sim.Credentials{Name: creds[0].Name, Secret: creds[0].Secret}
	h := signInHub(t, s, gateways, gateway)
	subs := []alink.Subdevice{sub(t, product, devices[0]), sub(t, product, devices[1])}
	h.ask(alink.TopoAdd, subs...)
	h.ask(alink.CombineBatchLogin, subs...)

	v := save(t, s, product, `{"n": 1}`)
	push, err := s.StartPush(t.Context(), product, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range devices {
		p := h.message()
		offer, err := alink.DecodePush(p.Payload)
		topic := alink.ParseTopic(p.Topic)
		if err != nil || topic.Kind != alink.ConfigPush || string(topic.ProductKey) != product {
			t.Fatalf("got %s to %s, %v; want a push to a sub-device", p.Payload, p.Topic, err)
		}
		resp, err := s.Files.Get(offer.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(text) != `{"n": 1}` {
			t.Fatalf("the link leads to %s %q, %v; want the configuration", resp.Status, text, err)
		}
		h.say(alink.ConfigReport, product, string(topic.DeviceName),
			alink.AppendReport(nil, alink.Report{ID: "1", Silent: true, ConfigID: v.ConfigID, State: alink.Applied}))
	}
	if p := watch(t, s, push.No); p.State != cota.Completed || p.Applied != 2 {
		t.Errorf("the push ended as %+v; want both applied", p)
	}
	d, err := s.Device(t.Context(), product, devices[0].Name)
	if want := (cota.Gateway{Product: gateways, Name: gateway.Name, Connected: true}); err != nil || !d.Online || d.Gateway == nil || *d.Gateway != want {
		t.Errorf("the device is online %t through %+v, %v; want through %+v", d.Online, d.Gateway, err, want)
	}
	for d, err := range s.Subdevices(t.Context(), gateways, gateway.Name) {
		if err != nil || d.Product != product || d.ConfigVersion != 1 {
			t.Errorf("behind the gateway is %+v, %v; want devices that run version 1", d, err)
		}
	}
	if err := s.DetachDevice(t.Context(), product, devices[0].Name); err != nil {
		t.Fatal(err)
	}
	h.wantChange(alink.TopologyDeleted)
	h.wantCode(alink.SessionError, alink.CodeNoTopology)
	if _, err := s.DisableDevice(t.Context(), product, devices[1].Name, true); err != nil {
		t.Fatal(err)
	}
	h.wantChange(alink.TopologyDisabled)
	h.wantCode(alink.SessionError, alink.CodeDeviceForbidden)
	var through bool
	for e, err := range s.Events(t.Context(), product, devices[0].Name) {
		if err != nil {
			t.Fatal(err)
		}
		through = through || e.Kind == cota.EventConnected && strings.HasSuffix(e.Detail, gateways+"/"+gateway.Name)
	}
	if !through {
		t.Error("the timeline does not name the gateway")
	}
}

func TestDeviceBehindAGatewayOfAnotherNode(t *testing.T) {
	a, b := twoNodes(t)
	product, devices := fleet(t, a, 3)
	save(t, a, product, `{}`)
	first := signInHub(t, a, product, devices[0])
	first.ask(alink.TopoAdd, sub(t, product, devices[2]))
	first.ask(alink.CombineLogin, sub(t, product, devices[2]))
	first.say(alink.ConfigGet, product, devices[2].Name, alink.AppendGet(nil, alink.Get{ID: "1"}))
	first.message() // by now it is on record that it is connected

	direct := &wire{t: t, s: b, product: product, device: devices[2]}
	nc := direct.signIn()
	defer nc.Close()
	first.wantCode(alink.SessionError, alink.CodeConnectedElsewhere)
	direct.askForLink(nc)

	first.ask(alink.CombineLogin, sub(t, product, devices[2]))
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the direct connection on the other node goes on")
	}
	second := signInHub(t, b, product, devices[1])
	second.ask(alink.TopoAdd, sub(t, product, devices[2]))
	first.wantCode(alink.SessionError, alink.CodeNoTopology)
	second.ask(alink.CombineLogin, sub(t, product, devices[2]))

	// An operator on the first node changes what is behind a gateway on the second.
	if err := a.DetachDevice(t.Context(), product, devices[2].Name); err != nil {
		t.Fatal(err)
	}
	second.wantChange(alink.TopologyDeleted)
	second.wantCode(alink.SessionError, alink.CodeNoTopology)
}
