package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// publishBy sends a message with a topic alias; topic may be empty.
func (w *wire) publishBy(alias uint32, topic, payload string, id uint16) {
	w.t.Helper()
	p := mqtt.Publish{
		QoS: 1, PacketID: id, Topic: []byte(topic), Payload: []byte(payload),
		Properties: mqtt.Properties(nil).AppendUint(mqtt.TopicAlias, alias),
	}
	w.write(p.Append(nil, w.version))
}

func TestTopicAliasesOfTheDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.save(`{}`)
		for range 2 { // each connection has its own
			w := r.connect5(0)
			w.publishBy(20, r.topic(alink.OTAInform, 0), `{}`, 1)
			w.wantPuback(1)
			w.publishBy(1, r.topic(alink.ConfigGet, 0), askForConfig, 2)
			w.answered()
			w.wantPuback(2)
			w.publishBy(1, "", askForConfig, 3)
			w.answered()
			w.wantPuback(3)
			w.publishBy(20, "", `{}`, 4)
			w.wantPuback(4)

			w.publishBy(1, r.topic(alink.OTAInform, 0), `{}`, 5) // set anew
			w.wantPuback(5)
			w.publishBy(1, "", askForConfig, 6)
			w.wantPuback(6)

			for id, topic := range []string{r.topic(alink.ConfigGet, 1), "/" + strings.Repeat("x", 1000), "nonsense"} {
				w.publishBy(2, topic, askForConfig, uint16(id+7))
				if a := w.wantPuback(uint16(id + 7)); a.Code != mqtt.NotAuthorized {
					t.Errorf("PUBACK %v for %s; want not authorized", a.Code, topic)
				}
				w.publishBy(2, "", askForConfig, uint16(id+7))
				if a := w.wantPuback(uint16(id + 7)); a.Code != mqtt.NotAuthorized {
					t.Errorf("PUBACK %v for an alias of %s; want not authorized", a.Code, topic)
				}
			}
			w.ping()
		}
		w := r.connect5(0)
		w.publishBy(1, "", askForConfig, 1) // not from the connection before
		w.wantDisconnect(mqtt.ProtocolError)
	})
}

// wantAlias is the next message from the server, which must name its topic in
// this way.
func (w *wire) wantAlias(topic string, alias uint32) {
	w.t.Helper()
	p := w.acknowledged()
	if got, _ := p.Properties.Uint(mqtt.TopicAlias); string(p.Topic) != topic || got != alias {
		w.t.Fatalf("message on topic %q, alias %d; want %q, %d", p.Topic, got, topic, alias)
	}
}

func TestTopicAliasesOfTheServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		push, reply, confirmed := r.topic(alink.ConfigPush, 0), r.topic(alink.ConfigGetReply, 0), r.topic(alink.ConfigReportReply, 0)
		saved := 0
		for range 2 { // each connection has its own
			w := r.connectWith(0, mqtt.TopicAliasMaximum, 2)
			for _, named := range []bool{true, false, false} {
				say := func(topic string, alias uint32) {
					t.Helper()
					if !named && alias != 0 {
						topic = ""
					}
					w.wantAlias(topic, alias)
				}
				saved++
				v := r.save(fmt.Sprintf(`{"n": %d}`, saved))
				r.push()
				say(push, 1)
				w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
				say(reply, 2)
				w.publish(r.topic(alink.ConfigReport, 0), `{"id":"1","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 0, 0)
				say(confirmed, 0) // the device takes no more than two
			}
		}
		w := r.connect5(0) // which takes none
		for range 2 {
			w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
			w.wantAlias(reply, 0)
		}
	})
}

// The first message by an alias is longer than one without: one that only so
// fits the device goes without.
func TestTopicAliasThatDoesNotFit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		w := r.connect5(0)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		p := w.received()
		size := uint32(len(p.Append(nil, mqtt.V5)))
		c := r.login(0)
		c.Version = mqtt.V5
		for room, want := range map[uint32]uint32{0: 0, 3: 1} {
			c.Properties = mqtt.Properties(nil).AppendUint(mqtt.MaximumPacketSize, size+room).AppendUint(mqtt.TopicAliasMaximum, 5)
			w := r.connectBy(c)
			for n := range 2 {
				topic := string(p.Topic)
				if n > 0 && want > 0 {
					topic = ""
				}
				w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
				w.wantAlias(topic, want)
			}
		}
	})
}
