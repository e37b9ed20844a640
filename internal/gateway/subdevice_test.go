package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/store"
)

// hub is a connection of a device that acts as a gateway.
type hub struct {
	*wire
	r    *rig
	self int
}

// hub connects device i, and puts the others behind it.
func (r *rig) hub(i int, others ...int) *hub {
	r.t.Helper()
	h := &hub{r.connect(i), r, i}
	if len(others) > 0 {
		h.want200(alink.TopoAdd, others...)
	}
	return h
}

// sub is device i as a gateway names it, and signs for it.
func (r *rig) sub(i int) alink.Subdevice {
	r.t.Helper()
	d, err := alink.SignSubdevice(r.product, r.creds[i].Name, r.creds[i].Secret, alink.SignOptions{Timestamp: "2524608000000"})
	r.must(err)
	return d
}

func (r *rig) identity(i int) alink.Identity {
	return alink.Identity{ProductKey: r.product, DeviceName: r.creds[i].Name}
}

// say sends a request about devices, without reading the answer.
func (h *hub) say(k alink.Kind, devices ...alink.Subdevice) {
	h.t.Helper()
	h.publish(h.r.topic(k, h.self), string(alink.AppendGatewayRequest(nil, k, alink.GatewayRequest{ID: "7", Devices: devices})), 0, 0)
}

// ask sends a request about devices and reads the answer.
func (h *hub) ask(k alink.Kind, devices ...alink.Subdevice) (alink.Code, []alink.Identity) {
	h.t.Helper()
	h.say(k, devices...)
	return h.replied(k)
}

// replied reads the answer to a request.
func (h *hub) replied(k alink.Kind) (alink.Code, []alink.Identity) {
	h.t.Helper()
	p := h.acknowledged()
	if want := h.r.topic(k.Reply(), h.self); string(p.Topic) != want || p.QoS != 0 {
		h.t.Fatalf("got %s to %s with QoS %d; want an answer to %s", p.Payload, p.Topic, p.QoS, want)
	}
	r, of, err := alink.DecodeGatewayReply(p.Payload)
	if err != nil {
		h.t.Fatalf("answer %s: %v", p.Payload, err)
	}
	return r.Code, of
}

func (h *hub) want200(k alink.Kind, devices ...int) {
	h.t.Helper()
	var all []alink.Subdevice
	var names []alink.Identity
	for _, i := range devices {
		all, names = append(all, h.r.sub(i)), append(names, h.r.identity(i))
	}
	if code, of := h.ask(k, all...); code != alink.CodeSuccess || !slices.Equal(of, names) {
		h.t.Fatalf("%s is answered %d for %v; want 200 for %v", h.r.topic(k, h.self), code, of, names)
	}
}

// wantKick reads that the session of device i has ended.
func (h *hub) wantKick(i int, code alink.Code) {
	h.t.Helper()
	h.kick(h.acknowledged(), i, code)
}

// kick checks that p says that the session of device i has ended.
func (h *hub) kick(p mqtt.Publish, i int, code alink.Code) {
	h.t.Helper()
	r, of, err := alink.DecodeGatewayReply(p.Payload)
	if string(p.Topic) != h.r.topic(alink.SessionError, h.self) || err != nil || r.Code != code ||
		!slices.Equal(of, []alink.Identity{h.r.identity(i)}) {
		h.t.Fatalf("got %s to %s, %v; want code %d for device %d", p.Payload, p.Topic, err, code, i)
	}
}

// wantOnline checks by which gateway device i is connected; none with -1.
func (r *rig) wantOnline(i, through int) {
	r.t.Helper()
	d := r.state(i)
	switch {
	case through < 0 && (d.Online || d.Through != 0 || d.Gateway != nil && d.Gateway.Connected):
		r.t.Errorf("device %d is online %t through %+v; want offline", i, d.Online, d.Gateway)
	case through >= 0 && (!d.Online || d.Gateway == nil || *d.Gateway != cota.Gateway{Product: r.product, Name: r.creds[through].Name, Connected: true}):
		r.t.Errorf("device %d is online %t through %+v; want through device %d", i, d.Online, d.Gateway, through)
	}
}

func TestConversationOfASubdevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{}`)
		h := r.hub(0, 1)
		if code, of := h.ask(alink.TopoGet); code != 200 || !slices.Equal(of, []alink.Identity{r.identity(1)}) {
			t.Errorf("the topology is answered %d %v; want device 1", code, of)
		}
		r.wantOnline(1, -1)
		h.want200(alink.CombineLogin, 1)
		r.wantOnline(1, 0)

		h.publish(r.topic(alink.ConfigGet, 1), askForConfig, 0, 0)
		p := h.acknowledged()
		if c, err := alink.DecodeGetReply(p.Payload); string(p.Topic) != r.topic(alink.ConfigGetReply, 1) || err != nil || r.grant(c).Device != r.state(1).ID {
			t.Errorf("a get is answered %s to %s, %v; want a link of the sub-device's own", p.Payload, p.Topic, err)
		}
		push := r.push()
		offered := make(map[string]bool)
		for range 2 { // to the gateway itself too
			p := h.acknowledged()
			offered[string(p.Topic)] = true
			h.offer(p)
		}
		if !offered[r.topic(alink.ConfigPush, 0)] || !offered[r.topic(alink.ConfigPush, 1)] {
			t.Errorf("pushed to %v; want both devices", offered)
		}
		r.wantState(0, push, cota.Received)
		r.wantState(1, push, cota.Received)
		h.publish(r.topic(alink.OTAProgress, 1), `{"id":1,"params":{"step":"-3","desc":""}}`, 1, 5)
		h.wantPuback(5)
		r.wantState(1, push, cota.Failed)
		h.publish(r.topic(alink.ConfigReport, 1), `{"id":"6","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 1, 6)
		if p := h.acknowledged(); string(p.Topic) != r.topic(alink.ConfigReportReply, 1) {
			t.Errorf("a report is answered to %s; want to the sub-device", p.Topic)
		}
		h.wantPuback(6)
		r.wantState(1, push, cota.Applied)
		r.wantState(0, push, cota.Received)

		h.want200(alink.CombineLogout, 1)
		r.wantOnline(1, -1)
		h.ping()
		all, err := r.store.Events(t.Context(), r.state(1).ID, store.EventKey{}, 100)
		r.must(err)
		last, first := all[0], all[len(all)-1]
		if first.Detail != "through gateway "+r.product+"/"+r.creds[0].Name || last.Detail != "logged out by its gateway" {
			t.Errorf("the timeline begins with %+v and ends with %+v; want the gateway named", first, last)
		}
	})
}

func TestTopicsOfASubdevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.save(`{}`)
		h := r.hub(0, 1)
		subscribe := func(filter string) byte {
			s := mqtt.Subscribe{PacketID: 9, Subscriptions: mqtt.Subscriptions(nil).Append(mqtt.Subscription{Filter: []byte(filter), QoS: 1})}
			h.write(s.Append(nil, h.version))
			a, err := mqtt.DecodeSuback(h.want(mqtt.TypeSuback), h.version)
			if err != nil || len(a.Codes) != 1 {
				t.Fatalf("SUBACK %v, %v", a.Codes, err)
			}
			return a.Codes[0]
		}
		all := strings.TrimSuffix(r.topic(alink.ConfigPush, 1), "push") + "#"
		for _, filter := range []string{r.topic(alink.ConfigPush, 1), all} {
			if code := subscribe(filter); code != 0x80 {
				t.Errorf("SUBSCRIBE %s before the login is granted %#x; want it refused", filter, code)
			}
		}
		h.publish(r.topic(alink.ConfigGet, 1), askForConfig, 1, 3)
		h.wantPuback(3)
		h.wantKick(1, alink.CodeNoSession)
		h.want200(alink.CombineLogin, 1)
		for _, filter := range []string{r.topic(alink.ConfigPush, 1), all} {
			if code := subscribe(filter); code != 1 {
				t.Errorf("SUBSCRIBE %s after the login is granted %#x; want 1", filter, code)
			}
		}
		if code := subscribe(r.topic(alink.ConfigPush, 2)); code != 0x80 {
			t.Errorf("SUBSCRIBE for a device that is not logged in is granted %#x; want it refused", code)
		}
		h.publish(r.topic(alink.ConfigGet, 2), askForConfig, 0, 0)
		h.wantKick(2, alink.CodeNoSession)
		// A sub-device is no gateway.
		h.publish(r.topic(alink.TopoGet, 1), `{"id":"1"}`, 1, 4)
		h.wantPuback(4)
		h.ping()
		// Who never acted as a gateway is told nothing.
		plain := r.connect(2)
		plain.publish(r.topic(alink.ConfigGet, 1), askForConfig, 0, 0)
		plain.ping()
	})
}

func TestRequestsOfAGatewayThatAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 6)
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[3].Name, true))
		h := r.hub(0, 1, 2)
		forged := func(i int) alink.Subdevice {
			d, err := alink.SignSubdevice(r.product, r.creds[i].Name, "not its secret", alink.SignOptions{})
			r.must(err)
			return d
		}
		unknown, err := alink.SignSubdevice(r.product, "nobody", "secret", alink.SignOptions{})
		r.must(err)
		for _, tt := range []struct {
			name    string
			kind    alink.Kind
			devices []alink.Subdevice
			code    alink.Code
			of      string
		}{
			{"an unknown device", alink.CombineLogin, []alink.Subdevice{unknown}, 6100, "nobody"},
			{"a wrong signature", alink.CombineLogin, []alink.Subdevice{forged(1)}, 6287, "dev-000002"},
			{"a disabled device", alink.CombineLogin, []alink.Subdevice{r.sub(3)}, 6204, "dev-000004"},
			{"a device that is not behind it", alink.CombineLogin, []alink.Subdevice{r.sub(4)}, 6401, "dev-000005"},
			{"one of a batch", alink.CombineBatchLogin, []alink.Subdevice{r.sub(1), r.sub(4), r.sub(2)}, 6401, "dev-000005"},
			{"one twice", alink.CombineBatchLogin, []alink.Subdevice{r.sub(1), r.sub(1)}, 460, ""},
			{"a logout without a login", alink.CombineLogout, []alink.Subdevice{r.sub(1)}, 520, "dev-000002"},
			{"a batch of them", alink.CombineBatchLogout, []alink.Subdevice{r.sub(1), r.sub(2)}, 520, "dev-000002"},
			{"adding an unknown device", alink.TopoAdd, []alink.Subdevice{unknown}, 6100, "nobody"},
			{"adding with a wrong signature", alink.TopoAdd, []alink.Subdevice{r.sub(4), forged(5)}, 401, "dev-000006"},
			{"adding a disabled device", alink.TopoAdd, []alink.Subdevice{r.sub(3)}, 6204, "dev-000004"},
			{"adding itself", alink.TopoAdd, []alink.Subdevice{r.sub(0)}, 6402, "dev-000001"},
			{"deleting an unknown device", alink.TopoDelete, []alink.Subdevice{r.sub(1), unknown}, 6100, "nobody"},
		} {
			code, of := h.ask(tt.kind, tt.devices...)
			if code != tt.code || len(of) > 1 || tt.of == "" && len(of) != 0 || tt.of != "" && (len(of) == 0 || of[0].DeviceName != tt.of) {
				t.Errorf("%s is answered %d for %v; want %d for %q", tt.name, code, of, tt.code, tt.of)
			}
		}
		// All of it, or nothing.
		for i := 1; i <= 5; i++ {
			r.wantOnline(i, -1)
		}
		if code, of := h.ask(alink.TopoGet); code != 200 || !slices.Equal(of, []alink.Identity{r.identity(1), r.identity(2)}) {
			t.Errorf("the topology is %d %v; want the first two devices", code, of)
		}
		// What is not behind it need not be deleted.
		h.want200(alink.TopoDelete, 4)
	})
}

func TestRequestsOfAGatewayThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		h := r.hub(0, 1)
		for k := alink.TopoAdd; k <= alink.CombineBatchLogout; k++ {
			for _, payload := range []string{``, `{`, `[]`, `{"id":"7"`, `{"id":"7","params":{"deviceList":7}}` + "\x00", "\xff"} {
				h.publish(r.topic(k, 0), payload, 0, 0)
				if code, of := h.replied(k); code != alink.CodeBadParameters || len(of) != 0 {
					t.Errorf("kind %d with %q is answered %d %v; want 460", k, payload, code, of)
				}
			}
		}
		h.publish(r.topic(alink.CombineLogin, 0), `{"id":"7","sys":{"ack":0},"params":{}}`, 1, 1)
		h.wantPuback(1) // and no answer
		h.want200(alink.CombineBatchLogin, 1)
	})
}

func TestGatewayThatAsksTooMuch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		h := r.hub(0, 1)
		asked := 0
		for ; asked < 1000; asked++ {
			if code, _ := h.ask(alink.TopoGet); code == alink.CodeTooManyRequests {
				break
			}
		}
		if asked < 190 || asked > 210 {
			t.Errorf("%d lists were answered at once; want 200", asked)
		}
		time.Sleep(time.Second)
		h.want200(alink.CombineLogin, 1)
	})
}

func TestLaterLoginOfASubdeviceEndsTheEarlier(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		direct := r.connect5(1)
		h := r.hub(0, 1)
		direct.ping() // to be behind a gateway changes nothing yet

		time.Sleep(time.Second)
		h.want200(alink.CombineLogin, 1)
		direct.wantDisconnect(mqtt.SessionTakenOver)
		r.wantOnline(1, 0)

		time.Sleep(time.Second)
		direct = r.connect5(1)
		h.wantKick(1, alink.CodeConnectedElsewhere)
		if d := r.state(1); !d.Online || d.Gateway == nil || d.Gateway.Connected {
			t.Errorf("the device is online %t through %+v; want by itself", d.Online, d.Gateway)
		}
		h.publish(r.topic(alink.ConfigGet, 1), askForConfig, 0, 0)
		h.wantKick(1, alink.CodeNoSession)

		time.Sleep(time.Second)
		h.want200(alink.CombineBatchLogin, 1)
		direct.wantDisconnect(mqtt.SessionTakenOver)
		time.Sleep(time.Second)
		other := r.hub(2, 1) // takes it over into its own topology
		h.wantKick(1, alink.CodeNoTopology)
		r.wantOnline(1, -1)
		if code, _ := h.ask(alink.CombineLogin, r.sub(1)); code != alink.CodeNoTopology {
			t.Errorf("a login through the gateway before is answered %d; want 6401", code)
		}
		time.Sleep(time.Second)
		other.want200(alink.CombineLogin, 1)
		r.wantOnline(1, 2)
		if got, want := r.events(1), 9; len(strings.Fields(got)) != want {
			t.Errorf("the timeline is %q; want %d lines", got, want)
		}
	})
}

func TestASubdeviceMayLogInAgain(t *testing.T) {

	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		h := r.hub(0, 1, 2)
		r.save(`{}`)
		push := r.push()
		h.offered()
		h.want200(alink.CombineLogin, 1)
		h.offered()
		h.want200(alink.CombineLogin, 1)
		h.want200(alink.CombineBatchLogin, 2, 1)
		h.offered() // to the one that is new
		h.ping()
		r.wantOnline(1, 0)
		r.wantState(1, push, cota.Received)
		if got := r.events(1); got != "connected sent received" {
			t.Errorf("the timeline is %q; want one connection and one offer", got)
		}
	})
}

func TestSubdevicesThatMayNotStay(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(r *rig) error
		code alink.Code
		told alink.TopologyStatus // before, if it is not TopologyCreated
	}{
		{"disabled", func(r *rig) error {
			return r.control.DisableDevice(r.t.Context(), control.System, r.product, r.creds[1].Name, true)
		}, alink.CodeDeviceForbidden, alink.TopologyDisabled},
		{"removed", func(r *rig) error {
			return r.control.RemoveDevice(r.t.Context(), control.System, r.product, r.creds[1].Name)
		}, alink.CodeDeviceDeleted, alink.TopologyDeleted},
		{"detached", func(r *rig) error {
			return r.control.DetachDevice(r.t.Context(), control.System, r.product, r.creds[1].Name)
		}, alink.CodeNoTopology, alink.TopologyDeleted},
		{"given another secret", func(r *rig) error {
			_, err := r.control.ResetDeviceSecret(r.t.Context(), control.System, r.product, r.creds[1].Name)
			return err
		}, alink.CodeConnectedElsewhere, alink.TopologyCreated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 3)
				h := r.hub(0, 1, 2)
				h.want200(alink.CombineBatchLogin, 1, 2)
				r.must(tt.end(r))
				if tt.told != alink.TopologyCreated {
					h.wantChange(1, tt.told)
				}
				h.wantKick(1, tt.code)
				if tt.code != alink.CodeDeviceDeleted {
					r.wantOnline(1, -1)
				}
				if code, _ := h.ask(alink.CombineLogin, r.sub(1)); code == alink.CodeSuccess {
					t.Error("it may log in again")
				}
				r.wantOnline(2, 0)
				h.ping()
			})
		})
	}
}

func TestGatewayTakesASubdeviceOutWhileItIsLoggedIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		h := r.hub(0, 1, 2)
		h.want200(alink.CombineBatchLogin, 1, 2)
		h.say(alink.TopoDelete, r.sub(1))
		for range 2 { // the answer, and that the session has ended
			p := h.acknowledged()
			if alink.ParseTopic(p.Topic).Kind == alink.SessionError {
				h.kick(p, 1, alink.CodeNoTopology)
			} else if string(p.Topic) != r.topic(alink.TopoDeleteReply, 0) {
				t.Errorf("got %s to %s", p.Payload, p.Topic)
			}
		}
		r.wantOnline(1, -1)
		r.wantOnline(2, 0)
		if d := r.state(1); d.Gateway != nil {
			t.Errorf("the device is behind %+v; want behind none", d.Gateway)
		}
	})
}

func TestDetachingLeavesADirectConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.hub(0, 1)
		direct := r.connect(1)
		r.must(r.control.DetachDevice(t.Context(), control.System, r.product, r.creds[1].Name))
		direct.idle(time.Minute)
		if err := r.control.DetachDevice(t.Context(), control.System, r.product, r.creds[1].Name); cota.CodeOf(err) != cota.NotFound {
			t.Errorf("detaching it again is refused with %v; want not_found", err)
		}
	})
}

func TestGatewayThatLeavesTakesItsSubdevicesAlong(t *testing.T) {
	for name, end := range map[string]func(h *hub){
		"by DISCONNECT":  func(h *hub) { h.write(mqtt.Disconnect{}.Append(nil, h.version)) },
		"without a word": func(h *hub) { h.nc.Close() },
		"by silence":     func(h *hub) { time.Sleep(2 * time.Minute) },
		"for another connection": func(h *hub) {
			h.r.connect(h.self)
			synctest.Wait()
		},
		"disabled": func(h *hub) {
			h.r.must(h.r.control.DisableDevice(h.t.Context(), control.System, h.r.product, h.r.creds[h.self].Name, true))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 4)
				h := r.hub(0, 1, 2)
				h.want200(alink.CombineBatchLogin, 1, 2)
				direct := r.connect(3)
				end(h)
				for i := 1; i <= 2; i++ {
					r.wantOnline(i, -1)
					if got := r.events(i); got != "connected disconnected" {
						t.Errorf("the timeline of device %d is %q; want it to end", i, got)
					}
				}
				if r.gateway.Online(r.product) > 2 {
					t.Errorf("%d devices are in the fleet; want the sub-devices gone", r.gateway.Online(r.product))
				}
				if name != "by silence" {
					direct.ping()
				}
			})
		})
	}
}

// subdevices are devices from..to behind a gateway that has logged them in.
func (h *hub) subdevices(from, to int) {
	h.t.Helper()
	all := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	for some := range slices.Chunk(all, alink.MaxTopoAdd) {
		h.want200(alink.TopoAdd, some...)
	}
	for some := range slices.Chunk(all, alink.MaxCombine) {
		h.want200(alink.CombineBatchLogin, some...)
	}
}

func TestPushToAsManySubdevicesAsThereMayBe(t *testing.T) {
	const n, window = cota.MaxSubdevices, 8
	bubble(t, func(t *testing.T) {
		r := newRig(t, n+2)
		h := r.hub(0, n+1)
		h.want200(alink.TopoDelete, n+1)
		time.Sleep(time.Second)
		h.subdevices(1, n+1)
		time.Sleep(time.Second)
		if code, of := h.ask(alink.TopoAdd, r.sub(n+1)); code != alink.CodeTopologyFull {
			t.Errorf("one more is answered %d %v; want 6400", code, of)
		}
		if code, of := h.ask(alink.TopoGet); code != 200 || len(of) != n {
			t.Errorf("the topology is %d with %d devices; want %d", code, len(of), n)
		}
		r.save(`{}`)
		push := r.push()
		synctest.Wait()
		var unacknowledged []uint16
		times := make(map[string]int)
		for len(times) < n+1 {
			// No more may be on the way than the window holds.
			for range window - len(unacknowledged) {
				if len(times) == n+1 {
					break
				}
				p := h.received()
				if h.offer(p); p.QoS != 1 {
					t.Fatalf("pushed to %s with QoS %d; want 1", p.Topic, p.QoS)
				}
				times[string(p.Topic)]++
				unacknowledged = append(unacknowledged, p.PacketID)
			}
			if len(times)%100 == 0 && len(times) < n {
				h.wantNothing(time.Millisecond)
			}
			h.puback(unacknowledged[0])
			unacknowledged = unacknowledged[1:]
		}
		for topic, n := range times {
			if n != 1 {
				t.Errorf("%d offers to %s; want one", n, topic)
			}
		}
		for _, id := range unacknowledged {
			h.puback(id)
		}
		h.ping()
		synctest.Wait()
		if got := r.counts(push); got.Received != n+1 || got.Pending != 1 {
			t.Errorf("the push counts %+v; want all but one received", got)
		}
		h.nc.Close()
		synctest.Wait()
		r.must(r.store.Flush(t.Context()))
		yes := true
		if online, err := r.store.Devices(t.Context(), r.product, store.DeviceFilter{Online: &yes}, "", 10); err != nil || len(online) != 0 {
			t.Errorf("%d devices are online, %v; want none", len(online), err)
		}
		if r.gateway.Online(r.product) != 0 {
			t.Errorf("%d devices are in the fleet; want none", r.gateway.Online(r.product))
		}
	})
}

func TestStopReachesTheSubdevicesThatWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 101)
		h := r.hub(0)
		h.subdevices(1, 101)
		r.save(`{}`)
		push := r.push()
		var ids []uint16
		for range 8 {
			ids = append(ids, h.received().PacketID)
		}
		r.stop(push)
		for _, id := range ids {
			h.puback(id)
		}
		h.idle(time.Hour)
		if got := r.counts(push); got.Received != 8 || got.Pending != 93 {
			t.Errorf("the push counts %+v; want 8 received and the others pending", got)
		}
	})
}

func TestSubdevicesAreOfferedAgainWhenLinksExpire(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 31)
		h := r.hub(0)
		h.subdevices(1, 31)
		c := new(crowd)
		c.add(0, h.wire)
		r.save(`{}`)
		r.push()
		synctest.Wait()
		if n := len(c.got()); n != 31 {
			t.Fatalf("%d offers; want 31", n)
		}
		for _, d := range c.got()[:10] {
			r.fetch(d.Config)
		}
		time.Sleep(32 * time.Minute)
		synctest.Wait()
		if n := len(c.got()); n != 31+21 {
			t.Errorf("%d offers; want 21 more, to those that did not come", n)
		}
	})
}

func TestGatewayThatAsksForAllAndReadsLate(t *testing.T) {
	const n, rounds = 50, 100 // of answers, more than may wait to be sent
	badly := `{"id":"` + strings.Repeat("1", 64) + `"}`
	bubble(t, func(t *testing.T) {
		r := newRig(t, n+1)
		h := r.hub(0)
		h.subdevices(1, n+1)
		r.save(`{}`)
		r.push()
		synctest.Wait() // the first offer is on its way, and not read
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for range rounds {
				for i := 1; i <= n; i++ {
					h.publish(r.topic(alink.ConfigGet, i), badly, 0, 0)
				}
			}
		}()
		time.Sleep(5 * time.Second)
		answers := make(map[string]int)
		for got := 0; got < rounds*n; {
			if topic := string(h.received().Topic); strings.HasSuffix(topic, "get_reply") {
				answers[topic]++
				got++
			}
		}
		<-asked
		for i := 1; i <= n; i++ {
			if got := answers[r.topic(alink.ConfigGetReply, i)]; got != rounds {
				t.Fatalf("device %d got %d answers; want %d", i, got, rounds)
			}
		}
	})
}

func TestSubdevicesOfAnotherProduct(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		lamp, _, err := r.control.AddProduct(t.Context(), control.System, cota.DefaultInstance, "lamp")
		r.must(err)
		creds, err := r.control.AddNumberedDevices(t.Context(), control.System, lamp.Key, "lamp-", 1)
		r.must(err)
		yes := true
		r.must(r.control.SetConfig(t.Context(), control.System, lamp.Key, &yes, nil))
		_, err = r.control.SaveVersion(t.Context(), control.System, lamp.Key, control.Draft{Content: `{}`})
		r.must(err)
		sub, err := alink.SignSubdevice(lamp.Key, creds[0].Name, creds[0].Secret, alink.SignOptions{})
		r.must(err)
		h := r.hub(0)
		for _, k := range []alink.Kind{alink.TopoAdd, alink.CombineLogin} {
			if code, _ := h.ask(k, sub); code != 200 {
				t.Fatalf("kind %d is answered %d; want 200", k, code)
			}
		}
		_, err = r.control.StartPush(t.Context(), control.System, lamp.Key, 0)
		r.must(err)
		p := h.acknowledged()
		h.offer(p)
		if want := fmt.Sprintf("/sys/%s/%s/thing/config/push", lamp.Key, creds[0].Name); string(p.Topic) != want {
			t.Errorf("pushed to %s; want %s", p.Topic, want)
		}
		h.ping()
	})
}
