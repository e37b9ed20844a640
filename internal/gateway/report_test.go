package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

func TestReportApplied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`{}`)
		push := r.push()
		w.offered()
		w.publish(r.topic(alink.ConfigReport, 0), `{"id":"7","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 1, 3)
		_, reply := w.message()
		if reply["id"] != "7" || reply["code"] != 200.0 {
			t.Errorf("report_reply %v", reply)
		}
		w.wantPuback(3)
		d := r.state(0)
		if d.State != cota.Applied || d.ConfigID != v.ConfigID || d.ConfigVersion != v.Number {
			t.Errorf("stands at %+v", d)
		}
		p, err := r.store.Push(t.Context(), push.No)
		if err != nil {
			t.Fatal(err)
		}
		if p.State != cota.Completed || p.Applied != 1 || p.Pending != 0 {
			t.Errorf("push is %+v; want completed", p)
		}
	})
}

func TestReportFailedAndReverted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`{}`)
		push := r.push()
		w.offered()
		say := func(state string) {
			w.publish(r.topic(alink.ConfigReport, 0), fmt.Sprintf(
				`{"id":"7","params":{"configId":"%s","state":"%s","code":100007,"message":"interval out of range"}}`, v.ConfigID, state), 0, 0)
			if _, reply := w.message(); reply["code"] != 200.0 || reply["id"] != "7" {
				t.Errorf("report_reply %v to %q; want 200", reply, state)
			}
		}
		wantRecord := func(rung cota.Rung, code int, detail, runs string) {
			t.Helper()
			r.wantState(0, push, rung)
			if d := r.state(0); d.Code != code || d.Detail != detail || d.ConfigID != runs {
				t.Errorf("on record: code %d, detail %q, runs %q; want %d, %q, %q", d.Code, d.Detail, d.ConfigID, code, detail, runs)
			}
		}
		say("failed")
		wantRecord(cota.Failed, 100007, "interval out of range", "")
		say("applied")
		wantRecord(cota.Applied, 0, "interval out of range", v.ConfigID)
		say("failed") // applied is above failed
		wantRecord(cota.Applied, 0, "interval out of range", v.ConfigID)
		say("reverted")
		wantRecord(cota.Failed, 100007, "interval out of range", "")
		if events := r.events(0); !strings.HasSuffix(events, "failed applied reverted") {
			t.Errorf("timeline %q; want it to end in failed, applied, reverted", events)
		}
		if n := r.counts(push); n.Failed != 1 || n.Applied != 0 {
			t.Errorf("the push counts %+v; want one failed", n)
		}
	})
}

func TestReportThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`{}`)
		push := r.push()
		w.offered()
		for _, tt := range []struct{ name, payload, id string }{
			{"no such state", `{"id":"7","params":{"configId":"` + v.ConfigID + `","state":"melted"}}`, "7"},
			{"no configId", `{"id":"7","params":{"state":"applied"}}`, "7"},
			{"code not a number", `{"id":"7","params":{"configId":"` + v.ConfigID + `","state":"failed","code":{}}}`, "7"},
			{"no params", `{"id":7}`, "7"},
			{"not JSON", `{"id":"7",`, "0"},
		} {
			w.publish(r.topic(alink.ConfigReport, 0), tt.payload, 1, 4)
			got := w.received()
			if want := string(alink.AppendReportReply(nil, tt.id, alink.CodeBadParameters)); string(got.Payload) != want {
				t.Errorf("%s: report_reply %s; want %s", tt.name, got.Payload, want)
			}
			w.wantPuback(4)
		}
		r.wantState(0, push, cota.Received)
	})
}

func TestReportOnAnUnknownConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		push := r.push()
		w.offered()
		r.wantState(0, push, cota.Received)
		before := r.events(0)
		w.publish(r.topic(alink.ConfigReport, 0), `{"id":"7","params":{"configId":"0123456789abcdef0123456789abcdef","state":"applied"}}`, 1, 4)
		w.message()
		w.wantPuback(4)
		r.wantState(0, push, cota.Received)
		if d := r.state(0); d.ConfigID != "" {
			t.Errorf("it is on record as running %q; want nothing", d.ConfigID)
		}
		if events := r.events(0); events != before {
			t.Errorf("timeline %q; want %q as before", events, before)
		}
	})
}

// A report names its configuration, so it counts for that one's push and no
// other.
func TestReportOnAnOlderConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		w := r.connect(0)
		old := r.save(`{"n": 1}`)
		r.push()
		w.offered()
		r.save(`{"n": 2}`)
		second := r.push()
		w.offered()
		w.publish(r.topic(alink.ConfigReport, 0), report(old, alink.Applied), 1, 4)
		w.wantPuback(4)
		r.wantState(0, second, cota.Received)
		if d := r.state(0); d.ConfigID != old.ConfigID || d.ConfigVersion != old.Number {
			t.Errorf("it is on record as running version %d; want %d", d.ConfigVersion, old.Number)
		}
	})
}

func TestReportOfAStoppedPushStillCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		w, other := r.connect(0), r.connect(1)
		v := r.save(`{}`)
		push := r.push()
		w.offered()
		other.offered()
		synctest.Wait()
		r.stop(push)
		w.publish(r.topic(alink.ConfigReport, 0), report(v, alink.Applied), 1, 4)
		w.wantPuback(4)
		other.publish(r.topic(alink.OTAProgress, 1), `{"id":1,"params":{"step":"100"}}`, 1, 4)
		other.wantPuback(4)
		r.wantState(0, push, cota.Applied)
		r.wantState(1, push, cota.Applied)
		w.wantNothing(time.Second)
	})
}
