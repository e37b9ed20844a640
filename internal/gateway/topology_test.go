package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
)

// wantChange reads that the gateway is told of what has become of device i.
func (h *hub) wantChange(i int, status alink.TopologyStatus) {
	h.t.Helper()
	p := h.acknowledged()
	params := fmt.Sprintf(`"params":{"status":%d,"subList":[{"deviceName":"%s","productKey":"%s"}]}`, status, h.r.creds[i].Name, h.r.product)
	if string(p.Topic) != h.r.topic(alink.TopoChange, h.self) || p.QoS != 0 || !strings.Contains(string(p.Payload), params) {
		h.t.Fatalf("got %s to %s with QoS %d; want a change of the topology with %s", p.Payload, p.Topic, p.QoS, params)
	}
}

// What operators do to the devices behind it a gateway is told, whether they
// are logged in or not, and nothing else.
func TestGatewayIsToldOfItsTopology(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 4)
		h := r.hub(0, 1, 2)
		other := r.connect(3)
		ctx := t.Context()
		r.must(r.control.DisableDevice(ctx, control.System, r.product, r.creds[3].Name, false)) // behind none
		r.must(r.control.DisableDevice(ctx, control.System, r.product, r.creds[1].Name, true))
		h.wantChange(1, alink.TopologyDisabled)
		r.must(r.control.DisableDevice(ctx, control.System, r.product, r.creds[1].Name, false))
		h.wantChange(1, alink.TopologyEnabled)
		r.must(r.control.DetachDevice(ctx, control.System, r.product, r.creds[1].Name))
		h.wantChange(1, alink.TopologyDeleted)
		h.publish("/sys/"+r.product+"/"+r.creds[0].Name+"/thing/topo/change_reply", `{"id":"1","code":200,"data":{}}`, 1, 9)
		h.wantPuback(9)
		h.want200(alink.TopoDelete, 2) // its own doing
		h.ping()
		r.must(r.control.RemoveDevice(ctx, control.System, r.product, r.creds[2].Name))
		h.idle(time.Minute)
		other.wantClosed() // it was looked at
	})
}

// unsigned are devices of the product as a gateway names those that it
// registers.
func (r *registrar) unsigned(names ...string) (all []alink.Subdevice) {
	for _, name := range names {
		all = append(all, alink.Subdevice{Identity: alink.Identity{ProductKey: r.product, DeviceName: name}})
	}
	return all
}

// registers asks for the secrets of devices behind it.
func (h *hub) registers(all []alink.Subdevice) (code alink.Code, secrets []string, text string) {
	h.t.Helper()
	h.say(alink.SubRegister, all...)
	p := h.acknowledged()
	var a struct {
		Code alink.Code
		Data []struct{ IotID, DeviceSecret string }
	}
	h.r.must(json.Unmarshal(p.Payload, &a))
	for _, d := range a.Data {
		if d.DeviceSecret != "" {
			secrets = append(secrets, d.DeviceSecret)
		}
	}
	return a.Code, secrets, string(p.Payload)
}

func TestGatewayRegistersDevicesBehindIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 5)
		w, ack := r.over(r.login(0))
		if ack.Code != mqtt.Success {
			t.Fatalf("CONNACK %v", ack.Code)
		}
		h := &hub{w, r.rig, 0}
		code, secrets, _ := h.registers(r.unsigned("dev-000002", "dev-000003"))
		if code != alink.CodeSuccess || len(secrets) != 2 {
			t.Fatalf("registering two is answered %d with %d secrets; want 200 with both", code, len(secrets))
		}
		if d := r.state(1); d.Activated {
			t.Error("a device is activated by its registration")
		}
		code, again, _ := h.registers(r.unsigned("dev-000002"))
		if code != alink.CodeSuccess || slices.Equal(again, secrets[:1]) {
			t.Errorf("registering again is answered %d with the same secret %t; want another", code, slices.Equal(again, secrets[:1]))
		}
		r.creds[1].Secret = secrets[0]
		r.refused("the secret before", r.login(1), mqtt.BadUserNameOrPassword)
		r.creds[1].Secret, r.creds[2].Secret = again[0], secrets[1]
		h.want200(alink.TopoAdd, 1, 2)
		h.want200(alink.CombineBatchLogin, 1, 2)
		h.ping()

		far, _, err := r.control.AddProduct(t.Context(), control.System, r.anotherInstance(), "far")
		r.must(err)
		on := true
		_, err = r.control.SetRegistration(t.Context(), control.System, far.Key, &on, nil)
		r.must(err)
		_, err = r.control.AddDevices(t.Context(), control.System, far.Key, []string{"far-1"})
		r.must(err)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, "dev-000005", true))
		for _, tt := range []struct {
			name string
			of   alink.Subdevice
			want alink.Code
		}{
			{"itself", r.unsigned("dev-000001")[0], alink.CodeTopologySelf},
			{"an activated device", r.unsigned("dev-000002")[0], alink.CodeAlreadyActive},
			{"a disabled device", r.unsigned("dev-000005")[0], alink.CodeDeviceDisabled},
			{"a device that is not listed", r.unsigned("dev-000009")[0], alink.CodeDeviceNotFound},
			{"no product", alink.Subdevice{Identity: alink.Identity{ProductKey: "a1nothing00", DeviceName: "dev-000002"}}, alink.CodeProductNotFound},
			{"a product of another instance", alink.Subdevice{Identity: alink.Identity{ProductKey: far.Key, DeviceName: "far-1"}}, alink.CodeProductNotFound},
		} {
			code, got, text := h.registers([]alink.Subdevice{r.unsigned("dev-000004")[0], tt.of})
			if code != tt.want || got != nil || !strings.Contains(text, `"data":[{"deviceName":"`+tt.of.DeviceName) {
				t.Errorf("%s, beside a good one: %s; want code %d for it", tt.name, text, tt.want)
			}
		}
		r.connect(3).ping() // with the secret that it always had: all or nothing
		r.turn(false, false)
		if code, _, _ := h.registers(r.unsigned("dev-000003")); code != alink.CodeRegistrationOff {
			t.Errorf("switched off: %d; want 6288", code)
		}
		for _, secret := range []string{secrets[0], secrets[1], again[0]} {
			if len(r.log.about(secret)) > 0 {
				t.Error("the log holds a secret")
			}
			for _, m := range r.gateway.Messages(r.state(0).ID) {
				if strings.Contains(m.Payload, secret) {
					t.Error("the messages that are kept hold a secret")
				}
			}
		}
	})
}

func TestGatewayRegistersOverTLSOnly(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		bubbleOf(t, fmt.Sprint("plain allowed ", allowed), func(t *testing.T) {
			r := newRegistrarOf(t, 2, gateway.Options{RegisterPlain: allowed})
			want := alink.CodeBadParameters
			if allowed {
				want = alink.CodeSuccess
			}
			if code, _, text := r.hub(0).registers(r.unsigned("dev-000002")); code != want {
				t.Errorf("without TLS: %d in %d bytes; want %d", code, len(text), want)
			}
		})
	}
}

// anotherInstance adds an instance.
func (r *rig) anotherInstance() string {
	r.t.Helper()
	i, err := r.control.AddInstance(r.t.Context(), control.System, cota.Instance{ID: "far", Name: "Far", Environment: "test"})
	r.must(err)
	return i.ID
}
