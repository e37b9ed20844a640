package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// askForConfig is a get as LinkSDK 4's demo sends it.
const askForConfig = `{"id":"123","params":{"configScope":"product","getType":"file"}}`

func TestGet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{"interval": 10}`)
		w := r.connect(0)
		const params = `"params":{"configScope":"product","getType":"file","attributeKeys":""}`
		for _, tt := range []struct{ name, payload, id string }{
			{"LinkSDK 4", askForConfig, "123"},
			{"C SDK 3", `{"id" : 0,"version":"1.0",` + params + `,"method":"thing.config.get"}`, "0"},
			{"a number", `{"id":4294967295,` + params + `}`, "4294967295"},
			{"wants an answer", `{"id":"7","sys":{"ack":1},` + params + `}`, "7"},
			{"no id", `{` + params + `}`, "0"},
		} {
			for qos := range byte(2) {
				w.publish(r.topic(alink.ConfigGet, 0), tt.payload, qos, 5)
				got := w.acknowledged()
				c, err := alink.DecodeGetReply(got.Payload)
				if err != nil {
					t.Fatalf("%s: get_reply %s: %v", tt.name, got.Payload, err)
				}
				want := fmt.Sprintf(`{"code":200,"data":{"configId":"%s","configSize":16,"getType":"file","sign":"%s",`+
					`"signMethod":"Sha256","url":"%s"},"id":"%s","method":"thing.config.get","version":"1.0"}`, v.ConfigID, v.SHA256, c.URL, tt.id)
				if string(got.Payload) != want || string(got.Topic) != r.topic(alink.ConfigGetReply, 0) || got.QoS != qos {
					t.Errorf("%s, QoS %d: get_reply %s on %s with QoS %d; want %s", tt.name, qos, got.Payload, got.Topic, got.QoS, want)
				}
				if !strings.HasPrefix(c.URL, filesURL+"/c/") || len(c.URL) > 250 {
					t.Errorf("%s: link %s", tt.name, c.URL)
				}
				if qos == 1 {
					w.wantPuback(5)
				}
			}
		}
	})
}

func TestGetThatWantsNoAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.save(`{}`)
		w := r.connect(0)
		push := r.push()
		w.offered()
		silent := r.connect(1)
		silent.offered()
		r.save(`{"new": true}`)
		for _, payload := range []string{
			`{"id":"7","sys":{"ack":0},"params":{"configScope":"product","getType":"file"}}`,
			`{"id":"7","sys":{"ack":0},"params":{"configScope":"device","getType":"file"}}`,
		} {
			w.publish(r.topic(alink.ConfigGet, 0), payload, 1, 5)
			w.wantPuback(5)
			w.wantNothing(time.Second)
		}
		// What was not sent is not on record as sent.
		r.wantState(0, push, cota.Received)
		if a, b := r.state(0).Offered, r.state(1).Offered; a != b {
			t.Errorf("the silent device was offered version %d; want %d, as the other", a, b)
		}
	})
}

func TestGetThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		refused := func(name, payload string, code alink.Code, id string) {
			t.Helper()
			for qos := range byte(2) {
				w.publish(r.topic(alink.ConfigGet, 0), payload, qos, 6)
				got := w.acknowledged()
				want := string(alink.AppendGetError(nil, id, code))
				if string(got.Payload) != want || got.QoS != qos {
					t.Errorf("%s, QoS %d: get_reply %s with QoS %d; want %s", name, qos, got.Payload, got.QoS, want)
				}
				if qos == 1 {
					w.wantPuback(6)
				}
			}
		}
		refused("nothing saved", askForConfig, alink.CodeNoData, "123")
		r.save(`{}`)
		r.enable(false)
		refused("switched off", askForConfig, alink.CodeConfigOff, "123")
		r.enable(true)
		for name, payload := range map[string]string{
			"wrong scope":     `{"id":"123","params":{"configScope":"device","getType":"file"}}`,
			"wrong type":      `{"id":"123","params":{"configScope":"product","getType":"content"}}`,
			"no type":         `{"id":"123","params":{"configScope":"product"}}`,
			"no params":       `{"id":"123"}`,
			"params a string": `{"id":"123","params":"configScope"}`,
		} {
			refused(name, payload, alink.CodeBadParameters, "123")
		}
		for name, payload := range map[string]string{
			"not JSON":      `{"id":"123",`,
			"no object":     `[1,2]`,
			"nothing":       ``,
			"id an object":  `{"id":{},"params":{"configScope":"product","getType":"file"}}`,
			"id with quote": `{"id":"1\"2","params":{"configScope":"product","getType":"file"}}`,
			"deep":          strings.Repeat(`{"a":`, 5000),
			"overlong":      `{"id":"1","x":"` + strings.Repeat("x", 20<<10) + `"}`,
		} {
			refused(name, payload, alink.CodeBadParameters, "0")
		}
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
	})
}

func TestGetsAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.save(`{}`)
		w, other := r.connect(0), r.connect(1)
		ask := func(w *wire, i int) float64 {
			w.publish(r.topic(alink.ConfigGet, i), askForConfig, 0, 0)
			_, reply := w.message()
			return reply["code"].(float64)
		}
		for n := range 20 {
			if code := ask(w, 0); code != 200 {
				t.Fatalf("get %d is answered %v; want 200", n+1, code)
			}
		}
		if code := ask(w, 0); code != 429 {
			t.Errorf("get 21 is answered %v; want 429", code)
		}
		if code := ask(other, 1); code != 200 {
			t.Errorf("another device is answered %v; want 200", code)
		}
		time.Sleep(time.Second)
		if code := ask(w, 0); code != 200 {
			t.Errorf("a second later it is answered %v; want 200", code)
		}
	})
}

func TestGetOfWhatIsPushedCountsForThePush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		push := r.push()
		w := r.connect(0)
		w.received() // and not acknowledged
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		c := w.answered()
		if g := r.grant(c); g.Push != push.No || g.Version != push.Version || g.Device != r.state(0).ID || g.Product != r.product {
			t.Errorf("the link grants %+v; want this device, version %d, push %d", g, push.Version, push.No)
		}
		r.wantState(0, push, cota.Sent)
		r.fetch(c)
		r.wantState(0, push, cota.Fetched)
	})
}

func TestGetOfWhatIsOnlySavedCountsForNoPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		push := r.push()
		w := r.connect(0)
		w.offered()
		saved := r.save(`{"new": true}`)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		c := w.answered()
		if c.ConfigID != saved.ConfigID {
			t.Errorf("answered with %s; want the saved version %s", c.ConfigID, saved.ConfigID)
		}
		if g := r.grant(c); g.Push != 0 || g.Version != saved.Number {
			t.Errorf("the link grants %+v; want version %d and no push", g, saved.Number)
		}
		r.fetch(c)
		r.wantState(0, push, cota.Received)
		if n := r.counts(push); n.Fetched != 0 || n.Received != 1 {
			t.Errorf("the push counts %+v; want it to count nothing of another version", n)
		}
		if got := r.state(0).Offered; got != saved.Number {
			t.Errorf("on record as offered version %d; want %d", got, saved.Number)
		}
	})
}

// A device that is told of a version when it asks has it on record before the
// answer goes out.
func TestGetIsAnsweredAfterTheCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		w := r.connect(0)
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 9)
		w.wantNothing(9 * time.Second) // and then it is refused
		release()
		w.answered()
		w.wantPuback(9)
	})
}

// An answer is never older than a save that was answered before it.
func TestGetThatMeetsASave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{"n": 1}`)
		w := r.connect(0)
		synctest.Wait()
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		synctest.Wait() // it waits to be on record
		saved := make(chan error)
		go func() {
			_, err := r.control.SaveVersion(t.Context(), control.System, r.product, control.Draft{Content: `{"n": 2}`})
			saved <- err
		}()
		synctest.Wait()
		release()
		r.must(<-saved)
		c := w.answered()
		if g := r.grant(c); g.Version != 2 {
			t.Errorf("answered with version %d; want 2", g.Version)
		}
		if got := r.state(0).Offered; got != 2 {
			t.Errorf("on record as offered version %d; want 2", got)
		}
	})
}
