package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// request asks with the given response topic and correlation data; "" for none.
func (w *wire) request(topic, payload, response, correlation string, qos byte, id uint16) {
	w.t.Helper()
	p := mqtt.Publish{QoS: qos, PacketID: id, Topic: []byte(topic), Payload: []byte(payload)}
	if response != "" {
		p.Properties = p.Properties.AppendBytes(mqtt.ResponseTopic, []byte(response))
	}
	if correlation != "" {
		p.Properties = p.Properties.AppendBytes(mqtt.CorrelationData, []byte(correlation))
	}
	w.write(p.Append(nil, w.version))
}

func TestResponse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{}`)
		own := "/" + r.product + "/" + r.creds[0].Name + "/user/answers"
		get, usual := r.topic(alink.ConfigGet, 0), r.topic(alink.ConfigGetReply, 0)
		for _, tt := range []struct{ name, topic, correlation, want string }{
			{"neither", "", "", usual},
			{"correlation data", "", "\x00\xff no text", usual},
			{"a topic of its own", own, "", own},
			{"both", own, "17", own},
			{"another device's topic", r.topic(alink.ConfigGetReply, 1), "17", usual},
			{"no device's topic", "answers", "17", usual},
			{"a topic that is too long", "/" + r.product + "/" + r.creds[0].Name + "/" + strings.Repeat("x", 300), "17", usual},
			{"much correlation data", "", strings.Repeat("x", 65535), usual},
		} {
			w := r.connect5(0)
			for qos := range byte(2) {
				w.request(get, askForConfig, tt.topic, tt.correlation, qos, 3)
				got := w.acknowledged()
				if string(got.Topic) != tt.want || string(got.Properties.Bytes(mqtt.CorrelationData)) != tt.correlation || got.QoS != qos {
					t.Errorf("%s: answered on %s with correlation data %.20q, QoS %d; want %s, %.20q, %d", tt.name,
						got.Topic, got.Properties.Bytes(mqtt.CorrelationData), got.QoS, tt.want, tt.correlation, qos)
				}
				if c, err := alink.DecodeGetReply(got.Payload); err != nil || c.ConfigID != v.ConfigID {
					t.Errorf("%s: answered %s, %v; want version %d", tt.name, got.Payload, err, v.Number)
				}
				if qos == 1 {
					w.wantPuback(3)
				}
			}
		}
	})
}

func TestResponseThatRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect5(0)
		own := "/" + r.product + "/" + r.creds[0].Name + "/user/answers"
		for payload, code := range map[string]alink.Code{askForConfig: alink.CodeNoData, `nonsense`: alink.CodeBadParameters} {
			w.request(r.topic(alink.ConfigGet, 0), payload, own, "17", 0, 0)
			got := w.acknowledged()
			if string(got.Topic) != own || string(got.Properties.Bytes(mqtt.CorrelationData)) != "17" ||
				!strings.Contains(string(got.Payload), fmt.Sprintf(`"code":%d`, code)) {
				t.Errorf("%s: answered %s on %s; want code %d on %s", payload, got.Payload, got.Topic, code, own)
			}
		}
	})
}

func TestResponseToAReport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect5(0)
		own := "/" + r.product + "/" + r.creds[0].Name + "/user/answers"
		release := r.holdWrites() // so that the packet is long gone when it is answered
		w.request(r.topic(alink.ConfigReport, 0), fmt.Sprintf(`{"id":"1","params":{"configId":"%s","state":"applied"}}`, v.ConfigID), own, "17", 1, 3)
		for id := range uint16(20) {
			w.request(r.topic(alink.OTAInform, 0), strings.Repeat("x", 400), "", "", 1, id+4)
		}
		w.wantNothing(time.Second)
		release()
		got := w.received()
		if string(got.Topic) != own || string(got.Properties.Bytes(mqtt.CorrelationData)) != "17" {
			t.Errorf("answered on %s with correlation data %q; want %s, 17", got.Topic, got.Properties.Bytes(mqtt.CorrelationData), own)
		}
		for id := range uint16(21) {
			w.wantPuback(id + 3)
		}
	})
}

// In MQTT 3.1.1 there is no such thing, and the bytes are payload.
func TestNoResponseTopicIn311(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		w := r.connect(0)
		w.request(r.topic(alink.ConfigGet, 0), askForConfig, "/a", "17", 0, 0)
		if got := w.received(); string(got.Topic) != r.topic(alink.ConfigGetReply, 0) {
			t.Errorf("answered on %s", got.Topic)
		}
	})
}
