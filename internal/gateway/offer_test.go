package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

func TestOfferIsNotRepeatedOnceFetched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		push := r.push()
		w.offered()
		second := w.offeredWithin(time.Hour)
		r.fetch(second)
		w.idle(6 * time.Hour)
		r.wantState(0, push, cota.Fetched)
		// Node's SDK says nothing more, and connects again.
		w.nc.Close()
		synctest.Wait()
		r.connect(0).idle(6 * time.Hour)
	})
}

func TestGetPutsTheNextOfferOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		r.push()
		w.offered()
		w.idle(29 * time.Minute)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		w.idle(29 * time.Minute) // that link lives
		w.offeredWithin(2 * time.Minute)
	})
}

func TestEachConnectionIsOfferedAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		r.push()
		for range 8 { // more often than a connection is
			w := r.connect(0)
			w.offered()
			w.nc.Close()
			synctest.Wait()
		}
	})
}

func TestFailuresThatAreOfferedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 6)
		v := r.save(`{}`)
		push := r.push()
		progress := func(step string) (alink.Kind, string) {
			return alink.OTAProgress, `{"id":1,"params":{"step":"` + step + `","desc":""}}`
		}
		reply := func(code string) (alink.Kind, string) {
			return alink.ConfigPushReply, `{"id":"1","code":` + code + `,"data":{}}`
		}
		for i, tt := range []struct {
			say   func(string) (alink.Kind, string)
			code  string
			again bool
		}{
			{progress, "-1", false},
			{progress, "-2", true},
			{progress, "-3", true},
			{progress, "-4", false},
			{reply, "429", true},
			{reply, "400", false},
		} {
			w := r.connect(i)
			w.offered()
			kind, payload := tt.say(tt.code)
			w.publish(r.topic(kind, i), payload, 1, 2)
			w.wantPuback(2)
			r.wantState(i, push, cota.Failed)
			w.nc.Close()
			synctest.Wait()
			again := r.connect(i)
			if !tt.again {
				again.wantNothing(time.Minute)
				continue
			}
			if got := again.offered(); got.ConfigID != v.ConfigID {
				t.Errorf("after code %s it is offered %s; want %s", tt.code, got.ConfigID, v.ConfigID)
			}
			again.publish(r.topic(alink.ConfigReport, i), report(v, alink.Applied), 1, 3)
			again.wantPuback(3)
			r.wantState(i, push, cota.Applied)
		}
		if n := r.counts(push); n.Failed != 3 || n.Applied != 3 || n.Pending != 0 {
			t.Errorf("the push counts %+v; want three failed, three applied", n)
		}
	})
}

func TestDeviceThatIsAddedLaterIsPushedTo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		push := r.push()
		more, err := r.control.AddDevices(t.Context(), control.System, r.product, []string{"late-comer"})
		r.must(err)
		r.creds = append(r.creds, more...)
		r.connect(1).offered()
		r.wantState(1, push, cota.Received)
		if n := r.counts(push); n.Total != 2 || n.Pending != 1 || n.Received != 1 {
			t.Errorf("the push counts %+v; want one of two received", n)
		}
	})
}

func TestPushMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`[1, 2, 3]`)
		r.push()
		p := w.received()
		c := w.offer(p)
		want := `{"id":"1","version":"1.0","params":{"configId":"` + v.ConfigID + `","configSize":9,"sign":"` + v.SHA256 +
			`","signMethod":"Sha256","url":"` + c.URL + `","getType":"file"},"method":"thing.config.push"}`
		if string(p.Payload) != want || p.QoS != 1 || p.Dup || p.Retain {
			t.Errorf("pushed %s with QoS %d, dup %t, retain %t; want %s", p.Payload, p.QoS, p.Dup, p.Retain, want)
		}
		if len(c.URL) >= 120 {
			t.Errorf("the link has %d characters; want less than 120", len(c.URL))
		}
	})
}
