package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
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

// unsubscribe ends the subscriptions to the filters, and gives the codes of
// the answer.
func (w *wire) unsubscribe(id uint16, filters ...string) []byte {
	w.t.Helper()
	u := mqtt.Unsubscribe{PacketID: id}
	for _, f := range filters {
		u.Filters = u.Filters.Append([]byte(f))
	}
	w.write(u.Append(nil, w.version))
	got, err := mqtt.DecodeUnsuback(w.want(mqtt.TypeUnsuback), w.version)
	if err != nil || got.PacketID != id {
		w.t.Fatalf("UNSUBACK %d, %v; want %d", got.PacketID, err, id)
	}
	return got.Codes
}

func (w *wire) subscribe(id uint16, filters ...string) {
	w.t.Helper()
	w.write(subscribe(id, filters...).Append(nil, w.version))
	w.wantSuback(id)
}

func TestUnsubscribe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		push, other := r.topic(alink.ConfigPush, 0), "/sys/"+r.product+"/"+r.creds[0].Name+"/thing/event/+/post_reply"
		filters := []string{"/sys/never/subscribed", push, push, r.topic(alink.ConfigPush, 1), other}
		if got := r.connect(0).unsubscribe(8, filters...); got != nil {
			t.Errorf("3.1.1: UNSUBACK with codes % x; want none", got)
		}
		if got := r.connect5(0).unsubscribe(8, filters...); !cmp.Equal(got, []byte{0x11, 0, 0x11, 0x11, 0}) {
			t.Errorf("5.0: UNSUBACK % x; want 11 00 11 11 00", got)
		}
	})
}

// Who does not subscribe (LinkSDK 4), or ends other subscriptions than these
// (C SDK 3), is served all the same.
func TestConfigTopicsAreServedWithoutSubscription(t *testing.T) {
	for name, ended := range map[string]string{
		"nothing":             "",
		"of another topic":    "/sys/{pk}/{dn}/thing/event/+/post_reply",
		"all of its own":      "/sys/{pk}/{dn}/#",
		"the topic of any":    "/sys/+/+/thing/config/push",
		"everything":          "#",
		"a shared one":        "$share/group//sys/{pk}/{dn}/thing/config/push",
		"with a slash behind": "/sys/{pk}/{dn}/thing/config/push/",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1)
				w := r.connect(0)
				if ended != "" {
					ended := strings.NewReplacer("{pk}", r.product, "{dn}", r.creds[0].Name).Replace(ended)
					w.subscribe(7, ended) // of a wider one, the end is not that of the named one
					w.unsubscribe(8, ended)
				}
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
		})
	}
}

func TestUnsubscribeEndsThePush(t *testing.T) {
	const push = "/sys/{pk}/{dn}/thing/config/push"
	for name, tt := range map[string]struct {
		autoSubscribe bool
		back          string // filter subscribed to later
		want          bool
	}{
		"back by its name":               {false, push, true},
		"back by its name, with _ss=1":   {true, push, true},
		"back by a wider filter":         {false, "/sys/+/+/thing/config/#", true},
		"back by a shared filter":        {true, "$share/group/" + push, true},
		"something else back":            {false, "/sys/{pk}/{dn}/thing/config/get_reply", false},
		"something else back with _ss=1": {true, "/sys/{pk}/{dn}/thing/config/get_reply", false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.noCooldown()
				w := r.connectBy(r.loginBy(0, alink.SignOptions{AutoSubscribe: tt.autoSubscribe}))
				w.unsubscribe(8, r.topic(alink.ConfigPush, 0))
				r.save(`{}`)
				p := r.push()
				w.idle(5 * time.Minute)
				r.wantUntouched(0, p)
				w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0) // its answer is another topic
				w.answered()

				v := r.save(`{"n": 2}`)
				p = r.push()
				w.subscribe(9, strings.NewReplacer("{pk}", r.product, "{dn}", r.creds[0].Name).Replace(tt.back))
				if !tt.want {
					w.idle(5 * time.Minute)
					r.wantUntouched(0, p)
					return
				}
				if got := w.offered(); got.ConfigID != v.ConfigID {
					t.Errorf("offered %s; want %s", got.ConfigID, v.ConfigID)
				}
			})
		})
	}
}

// wantUntouched checks that nothing has been done about a push for device i.
func (r *rig) wantUntouched(i int, p cota.Push) {
	r.t.Helper()
	if d := r.state(i); d.Push == p.No && d.State != cota.Pending {
		r.t.Errorf("device %d stands on %v of push %d; want it untouched", i, d.State, p.No)
	}
}

// The end of a subscription is that of the connection too.
func TestUnsubscribeIsForgottenWithTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		c := r.login(0)
		c.CleanStart = false
		w := r.connectBy(c)
		w.unsubscribe(8, r.topic(alink.ConfigPush, 0))
		r.save(`{}`)
		r.push()
		w.wantNothing(time.Minute)
		r.connectBy(c).offered()
	})
}

func TestUnsubscribeFromAWiderFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		push, wider := r.topic(alink.ConfigPush, 0), "/sys/+/+/thing/config/#"
		w := r.connect5(0)
		w.subscribe(1, wider)
		w.unsubscribe(2, push)
		r.save(`{}`)
		r.push()
		w.offered() // by the wider one
		if got := w.unsubscribe(3, wider); !cmp.Equal(got, []byte{0}) {
			t.Errorf("UNSUBACK % x; want success", got)
		}
		if got := w.unsubscribe(4, wider); !cmp.Equal(got, []byte{0x11}) {
			t.Errorf("again: UNSUBACK % x; want no subscription existed", got)
		}
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered() // by its name
	})
}

// Who has ended the subscription to the answers gets none, and nothing is on
// record as sent.
func TestUnsubscribeEndsTheAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect(0)
		w.unsubscribe(8, r.topic(alink.ConfigGetReply, 0), r.topic(alink.ConfigReportReply, 0))
		for _, payload := range []string{askForConfig, `{"id":"7"}`} {
			w.publish(r.topic(alink.ConfigGet, 0), payload, 1, 5)
			w.wantPuback(5)
		}
		w.publish(r.topic(alink.ConfigReport, 0), report(v, alink.Applied), 1, 6)
		w.wantPuback(6)
		w.wantNothing(time.Second)
		if d := r.state(0); d.Offered != 0 {
			t.Errorf("on record as offered version %d; want none", d.Offered)
		}
	})
}

// A device that is owed a push is offered it when it has signed in. If it
// subscribes only then, as C SDK 3 does, it may have dropped that: it is offered
// it once more, unless it comes for it meanwhile.
func TestSubscribingAfterAnOfferBringsItAgain(t *testing.T) {
	const soon = 90 * time.Second
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.save(`{}`)
		r.push()
		w := r.connect(0)
		dropped := w.offered()
		w.subscribe(1, r.topic(alink.ConfigGetReply, 0), "/ota/device/upgrade/"+r.product+"/"+r.creds[0].Name)
		if b := w.within(soon); b != nil {
			t.Errorf("got % x; want nothing", b)
		}
		w.subscribe(2, r.topic(alink.ConfigPush, 0))
		again := w.offeredWithin(soon)
		if again.ConfigID != dropped.ConfigID || again.URL == "" {
			t.Errorf("offered %+v; want what it was offered before", again)
		}
		r.fetch(again)
		w.subscribe(3, r.topic(alink.ConfigPush, 0))
		if b := w.within(soon); b != nil {
			t.Errorf("got % x; want nothing", b)
		}

		quick := r.connect(1)
		r.fetch(quick.offered())
		quick.subscribe(1, r.topic(alink.ConfigPush, 1))
		if b := quick.within(soon); b != nil {
			t.Errorf("got % x; want nothing", b)
		}

		eager := r.connect(2)
		eager.offered()
		offers := 1
		for id := range uint16(20) {
			eager.subscribe(id+1, r.topic(alink.ConfigPush, 2))
			for b := eager.within(soon); b != nil; b = eager.within(soon) {
				p, err := mqtt.DecodePublish(b, mqtt.V311)
				r.must(err)
				eager.offer(p)
				eager.puback(p.PacketID)
				offers++
			}
		}
		if offers != 5 {
			t.Errorf("%d offers to a device that subscribes again and again; want 5", offers)
		}
	})
}
