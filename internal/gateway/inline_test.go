package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// inline signs device i in and says that it takes small files in messages.
func (r *rig) inline(i int, change func(*mqtt.Connect)) *wire {
	r.t.Helper()
	c := r.loginBy(i, alink.SignOptions{Inline: true})
	if change != nil {
		change(&c)
	}
	return r.connectBy(c)
}

const smallFile = "{\n\t\"path\": \"C:\\\\x\", \"name\": \"Zähler\"\n}\n"

func wantInline(t *testing.T, c alink.Config, content string) {
	t.Helper()
	if c.Content != content || c.URL != "" || c.GetType != alink.GetTypeInline || c.Size != int64(len(content)) || c.Sign != cota.Digest(content) {
		t.Errorf("offered %+v; want the file itself", c)
	}
}

func wantLink(t *testing.T, c alink.Config) {
	t.Helper()
	if c.Content != "" || c.URL == "" || c.GetType != alink.GetTypeFile {
		t.Errorf("offered %+v; want a link", c)
	}
}

// A push holds the file for a device that said that it takes it so, for as long
// as that is small; and with the message it has the file.
func TestPushThatHoldsTheFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		there, other := r.inline(0, nil), r.connect(1)
		v := r.save(smallFile)
		push := r.push()
		p := there.received()
		r.wantState(0, push, cota.Sent)
		wantInline(t, there.offer(p), smallFile)
		there.puback(p.PacketID)
		there.ping()
		r.wantState(0, push, cota.Fetched)
		there.publish(r.topic(alink.ConfigReport, 0), `{"id":"6","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 1, 6)
		there.answered200()
		there.wantPuback(6)
		r.wantState(0, push, cota.Applied)
		wantLink(t, other.offered())
		other.ping()
		r.wantState(1, push, cota.Received)

		late := r.inline(2, nil) // in the greeting too
		wantInline(t, late.offered(), smallFile)
		late.ping()
		r.wantState(2, push, cota.Fetched)

		there.idle(time.Hour)
		r.save(`{"a":"` + strings.Repeat("x", alink.MaxInline) + `"}`)
		push = r.push()
		wantLink(t, there.offered())
		there.ping()
		r.wantState(0, push, cota.Received)
	})
}

// answered200 reads the answer to a report.
func (w *wire) answered200() {
	w.t.Helper()
	if r, err := alink.DecodeReply(w.acknowledged().Payload); err != nil || r.Code != alink.CodeSuccess {
		w.t.Errorf("the report is answered %+v, %v; want 200", r, err)
	}
}

// A push_reply is as good as a PUBACK, of which some clients know nothing.
func TestPushReplyToAPushThatHoldsTheFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.inline(0, nil)
		r.save(smallFile)
		push := r.push()
		c := w.offer(w.received()) // not acknowledged
		w.publish(r.topic(alink.ConfigPushReply, 0), string(alink.AppendPushReply(nil, c.ID, alink.CodeSuccess)), 1, 3)
		w.wantPuback(3)
		r.wantState(0, push, cota.Fetched)
	})
}

func TestGetThatIsAnsweredWithTheFile(t *testing.T) {
	const ask = `{"id":"1","params":{"configScope":"product","getType":"inline"}}`
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		w := r.connect(0) // it need not have said so before
		r.save(smallFile)
		w.publish(r.topic(alink.ConfigGet, 0), ask, 0, 0)
		wantInline(t, w.answered(), smallFile)
		push := r.push()
		wantLink(t, w.offered())
		w.publish(r.topic(alink.ConfigGet, 0), ask, 1, 4)
		c := w.answered()
		wantInline(t, c, smallFile)
		w.wantPuback(4)
		w.ping()
		r.wantState(0, push, cota.Fetched)

		said := r.inline(1, nil)
		wantInline(t, said.offered(), smallFile)
		said.publish(r.topic(alink.ConfigGet, 1), askForConfig, 0, 0)
		wantLink(t, said.answered()) // as it asks
		r.save(`{"a":"` + strings.Repeat("x", alink.MaxInline) + `"}`)
		said.publish(r.topic(alink.ConfigGet, 1), ask, 0, 0)
		wantLink(t, said.answered())
	})
}

// What exceeds the Maximum Packet Size of an MQTT 5 device comes as a link,
// which does not.
func TestFileThatExceedsThePacketSize(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.inline(0, func(c *mqtt.Connect) {
			c.Version = mqtt.V5
			c.Properties = c.Properties.AppendUint(mqtt.MaximumPacketSize, 2000)
		})
		r.save(`{"a":"` + strings.Repeat("x", 1900) + `"}`)
		r.push()
		wantLink(t, w.offered())
		w.publish(r.topic(alink.ConfigGet, 0), `{"id":"1","params":{"configScope":"product","getType":"inline"}}`, 0, 0)
		wantLink(t, w.answered())
	})
}

// Sub-devices say nothing of what they take.
func TestSubdevicesOfAnInlineGatewayGetLinks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		h := &hub{r.inline(0, nil), r, 0}
		h.want200(alink.TopoAdd, 1)
		h.want200(alink.CombineLogin, 1)
		r.save(smallFile)
		r.push()
		for range 2 {
			p := h.acknowledged()
			if string(p.Topic) == r.topic(alink.ConfigPush, 1) {
				wantLink(t, h.offer(p))
			} else {
				wantInline(t, h.offer(p), smallFile)
			}
		}
	})
}
