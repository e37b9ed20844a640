package gateway_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// subscribe asks for the filters at QoS 1.
func subscribe(id uint16, filters ...string) mqtt.Subscribe {
	s := mqtt.Subscribe{PacketID: id}
	for _, f := range filters {
		s.Subscriptions = s.Subscriptions.Append(mqtt.Subscription{Filter: []byte(f), QoS: 1})
	}
	return s
}

func (w *wire) wantSuback(id uint16) []byte {
	w.t.Helper()
	s, err := mqtt.DecodeSuback(w.want(mqtt.TypeSuback), w.version)
	if err != nil || s.PacketID != id {
		w.t.Fatalf("SUBACK %d, %v; want %d", s.PacketID, err, id)
	}
	return s.Codes
}

func TestSubscribe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		pk, dn := r.product, r.creds[0].Name
		own := []string{
			r.topic(alink.ConfigPush, 0),
			r.topic(alink.ConfigGetReply, 0),
			"/sys/" + pk + "/" + dn + "/thing/event/+/post_reply",
			"/sys/" + pk + "/" + dn + "/#",
			"/ota/device/upgrade/" + pk + "/" + dn,
			"/ext/ntp/" + pk + "/" + dn + "/response",
			"/sys/" + pk + "/" + dn + "/thing/config/log/never_heard_of",
		}
		foreign := []string{
			r.topic(alink.ConfigPush, 1),
			"/sys/" + pk + "/dev-999999/#",
			"/sys/a1another00/" + dn + "/thing/config/push",
			"$SYS/#",
		}
		for v, refused := range map[mqtt.Version]mqtt.Code{mqtt.V311: mqtt.UnspecifiedError, mqtt.V5: mqtt.NotAuthorized} {
			c := r.login(0)
			c.Version = v
			w := r.connectBy(c)
			for i, f := range own {
				w.write(subscribe(uint16(i+1), f).Append(nil, v))
				if got := w.wantSuback(uint16(i + 1)); !cmp.Equal(got, []byte{1}) {
					t.Errorf("%v: SUBACK for %s = % x; want 1", v, f, got)
				}
			}
			for i, f := range foreign {
				w.write(subscribe(uint16(i+1), f).Append(nil, v))
				if got := w.wantSuback(uint16(i + 1)); !cmp.Equal(got, []byte{byte(refused)}) {
					t.Errorf("%v: SUBACK for %s = % x; want %x", v, f, got, byte(refused))
				}
			}
			w.ping() // it is not closed
		}
	})
}

func TestSubscriptionsAreAnsweredOneByOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		w := r.connect(0)
		s := mqtt.Subscribe{PacketID: 77}
		for qos := range byte(3) {
			s.Subscriptions = s.Subscriptions.Append(mqtt.Subscription{Filter: []byte(r.topic(alink.ConfigPush, 0)), QoS: qos})
		}
		s.Subscriptions = s.Subscriptions.Append(mqtt.Subscription{Filter: []byte(r.topic(alink.ConfigPush, 1))})
		w.write(s.Append(nil, w.version))
		if got := w.wantSuback(77); !cmp.Equal(got, []byte{0, 1, 1, 0x80}) {
			t.Errorf("SUBACK % x; want 00 01 01 80", got)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		u := mqtt.Unsubscribe{PacketID: 8, Filters: mqtt.Filters(nil).
			Append([]byte("/sys/never/subscribed")).
			Append([]byte(r.topic(alink.ConfigPush, 0))).
			Append([]byte(r.topic(alink.ConfigPush, 1)))}
		for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			c := r.login(0)
			c.Version = v
			w := r.connectBy(c)
			w.write(u.Append(nil, v))
			got, err := mqtt.DecodeUnsuback(w.want(mqtt.TypeUnsuback), v)
			if err != nil || got.PacketID != 8 || v == mqtt.V5 && !cmp.Equal(got.Codes, []byte{0, 0, 0}) {
				t.Errorf("%v: UNSUBACK %+v, %v; want 8 and three successes", v, got, err)
			}
		}
	})
}

// Who does not subscribe (LinkSDK 4), or no more, is served all the same.
func TestConfigTopicsAreServedWithoutSubscription(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		u := mqtt.Unsubscribe{PacketID: 8, Filters: mqtt.Filters(nil).Append([]byte(r.topic(alink.ConfigPush, 0)))}
		w.write(u.Append(nil, w.version))
		w.want(mqtt.TypeUnsuback)
		v := r.save(`{}`)
		r.push()
		if got := w.offered(); got.ConfigID != v.ConfigID {
			t.Errorf("offered %s; want %s", got.ConfigID, v.ConfigID)
		}
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		if got := w.answered(); got.ConfigID != v.ConfigID {
			t.Errorf("answered with %s; want %s", got.ConfigID, v.ConfigID)
		}
	})
}
