package gateway_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

func TestUnknownTopicsOfItsOwnAreAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		pk, dn := r.product, r.creds[0].Name
		for _, connect := range []func(int) *wire{r.connect, r.connect5} {
			w := connect(0)
			for i, topic := range []string{
				"/ota/device/inform/" + pk + "/" + dn,
				"/sys/" + pk + "/" + dn + "/thing/deviceinfo/update",
				"/sys/" + pk + "/" + dn + "/thing/event/property/post",
				"/ext/ntp/" + pk + "/" + dn + "/request",
				"/" + pk + "/" + dn + "/user/update",
				r.topic(alink.ConfigPush, 0), // its own, though not to be spoken on
			} {
				w.publish(topic, `{"id":1}`, 0, 0)
				w.publish(topic, `not even JSON`, 1, uint16(i+1))
				if a := w.wantPuback(uint16(i + 1)); a.Code != mqtt.Success {
					t.Errorf("%v: PUBACK %v for %s; want success", w.version, a.Code, topic)
				}
			}
			w.ping() // nothing else was sent
		}
	})
}

func TestForeignTopicsAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{}`)
		push := r.push()
		victim := r.connect(1)
		victim.offered()
		r.wantState(1, push, cota.Received)
		report := `{"id":"1","params":{"configId":"` + v.ConfigID + `","state":"applied"}}`
		for version, refused := range map[mqtt.Version]mqtt.Code{mqtt.V311: mqtt.Success, mqtt.V5: mqtt.NotAuthorized} {
			c := r.login(0)
			c.Version = version
			w := r.connectBy(c)
			w.offered()
			for i, topic := range []string{
				r.topic(alink.ConfigReport, 1),
				r.topic(alink.ConfigGet, 1),
				r.topic(alink.ConfigPush, 1),
				r.topic(alink.OTAProgress, 1),
				"/sys/a1another00/" + r.creds[0].Name + "/thing/config/get",
				"nonsense",
			} {
				w.publish(topic, report, 0, 0)
				w.publish(topic, report, 1, uint16(i+1))
				if a := w.wantPuback(uint16(i + 1)); a.Code != refused {
					t.Errorf("%v: PUBACK %v for %s; want %v", version, a.Code, topic, refused)
				}
			}
			w.ping() // it is not closed
		}
		victim.wantNothing(time.Second)
		r.wantState(1, push, cota.Received)
		if events := r.events(1); events != "connected sent received" {
			t.Errorf("the victim's timeline is %q; want nothing of another device", events)
		}
	})
}

func TestRetainAndWillAreIgnored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		c := r.login(0)
		c.Will = mqtt.Will{QoS: 1, Retain: true, Topic: []byte(r.topic(alink.ConfigPush, 1)), Payload: []byte("{}")}
		w := r.connectBy(c)
		other := r.connect(1)
		p := mqtt.Publish{QoS: 1, PacketID: 1, Retain: true, Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: []byte("{}")}
		w.write(p.Append(nil, w.version))
		w.wantPuback(1)
		w.nc.Close() // without DISCONNECT, so that a will would be due
		other.wantNothing(time.Second)
		again := r.connect(0)
		again.write(subscribe(1, r.topic(alink.OTAInform, 0)).Append(nil, again.version))
		again.wantSuback(1)
		again.wantNothing(time.Second)
	})
}
