package gateway_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

func TestPushReply(t *testing.T) {
	tests := []struct {
		name, payload string
		want          cota.Rung
		code          int
	}{
		{"as documented", `{"id":"1","code":200,"data":{}}`, cota.Received, 0},
		{"id a number", `{"id":1,"code":200,"data":{}}`, cota.Received, 0},
		{"code a string", `{"id":"1","code":"200","data":{}}`, cota.Received, 0},
		{"Go, with its constant id and data a string", `{"id":"1000","code":200,"data":"{}"}`, cota.Received, 0},
		{"no id", `{"code":200}`, cota.Received, 0},
		{"id not a number", `{"id":"abc","code":200}`, cota.Received, 0},
		{"C SDK 3.2, without its braces", ` "id":1000,"code":"400","data":{}`, cota.Failed, 400},
		{"busy", `{"id":"1","code":429,"message":"not now"}`, cota.Failed, 429},
		{"the vendor's own code", `{"id":"1","code":100001}`, cota.Failed, 100001},
		{"no code", `{"id":"1","data":{}}`, cota.Sent, 0},
		{"not JSON", `{"id":"1","code":2`, cota.Sent, 0},
		{"nothing", ``, cota.Sent, 0},
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, len(tests))
		r.save(`{}`)
		push := r.push()
		for i, tt := range tests {
			w := r.connect(i)
			w.received()                // and not acknowledged
			for id := range uint16(2) { // repeated
				w.publish(r.topic(alink.ConfigPushReply, i), tt.payload, 0, 0)
				w.publish(r.topic(alink.ConfigPushReply, i), tt.payload, 1, id+1)
				w.wantPuback(id + 1)
			}
			if d := r.state(i); d.Push != push.No || d.State != tt.want || d.Code != tt.code {
				t.Errorf("%s: stands on %v of push %d, code %d; want %v, %d", tt.name, d.State, d.Push, d.Code, tt.want, tt.code)
			}
			w.wantNothing(time.Second) // it is not echoed
		}
	})
}

func TestPushReplyBeforeAnyPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		say := func() {
			w.publish(r.topic(alink.ConfigPushReply, 0), `{"id":"1","code":400}`, 1, 2)
			w.wantPuback(2)
			w.publish(r.topic(alink.OTAProgress, 0), `{"id":1,"params":{"step":"-1"}}`, 1, 3)
			w.wantPuback(3)
			r.wantState(0, cota.Push{}, cota.Pending)
		}
		say()
		r.save(`{}`)
		say()
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		w.publish(r.topic(alink.ConfigPushReply, 0), `{"id":"1","code":400}`, 1, 2)
		w.wantPuback(2)
		r.wantState(0, cota.Push{}, cota.Pending)
	})
}

func TestPushReplyThatIsLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		w := r.connect(0)
		r.save(`{"n": 1}`)
		first := r.push()
		w.received()
		r.save(`{"n": 2}`)
		second := r.push()
		w.received()
		say := func(id int64, code int) {
			w.publish(r.topic(alink.ConfigPushReply, 0), fmt.Sprintf(`{"id":"%d","code":%d}`, id, code), 1, 2)
			w.wantPuback(2)
		}
		say(first.No, 200)
		r.wantState(0, second, cota.Sent)
		say(first.No, 400)
		r.wantState(0, second, cota.Sent)
		say(second.No, 200)
		r.wantState(0, second, cota.Received)
	})
}

// Go devices and C SDK 3.2 answer every push with the id 1000, which some day
// is an older push's number.
func TestConstantIDIsNotAnOlderPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		r.sql(`INSERT INTO counter (name, value) VALUES ('push', 1500)`)
		w := r.connect(0)
		r.save(`{}`)
		push := r.push()
		if push.No != 1501 {
			t.Fatalf("push %d; want 1501", push.No)
		}
		w.received()
		w.publish(r.topic(alink.ConfigPushReply, 0), ` "id":1000,"code":"400","data":{}`, 1, 2)
		w.wantPuback(2)
		r.wantState(0, push, cota.Failed)
	})
}

func TestProgress(t *testing.T) {
	tests := []struct {
		name, payload string
		want          cota.Rung
		code          int
		detail        string
	}{
		{"begun", `{"id":1, "params":{"step":"0","desc":""}}`, cota.Received, 0, ""},
		{"half way", `{"id":1,"params":{"step":"50","desc":""}}`, cota.Received, 0, ""},
		{"done", `{"id":1,"params":{"step":"100","desc":""}}`, cota.Applied, 0, ""},
		{"done, C SDK 3", `{"id":0,"params":{"step":"100","desc":"OTA success"}}`, cota.Applied, 0, ""},
		{"done, id a string, step a number", `{"id":"1","params":{"step":100}}`, cota.Applied, 0, ""},
		{"upgrade failed", `{"id":1,"params":{"step":"-1","desc":""}}`, cota.Failed, -1, "upgrade failed"},
		{"download failed", `{"id":1,"params":{"step":"-2","desc":"no space"}}`, cota.Failed, -2, "download failed: no space"},
		{"verification failed", `{"id":1,"params":{"step":-3}}`, cota.Failed, -3, "verification failed"},
		{"burn failed", `{"id":1,"params":{"step":"-4"}}`, cota.Failed, -4, "burn failed"},
		{"no such step", `{"id":1,"params":{"step":"-5"}}`, cota.Received, 0, ""},
		{"beyond the end", `{"id":1,"params":{"step":"101"}}`, cota.Received, 0, ""},
		{"of a firmware module", `{"id":1,"params":{"step":"100","module":"mcu"}}`, cota.Received, 0, ""},
		{"not JSON", `{"id":1,"params":{"step":"100"`, cota.Received, 0, ""},
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, len(tests))
		v := r.save(`{}`)
		push := r.push()
		for i, tt := range tests {
			w := r.connect(i)
			w.offered()
			w.publish(r.topic(alink.OTAProgress, i), tt.payload, 0, 0)
			w.publish(r.topic(alink.OTAProgress, i), tt.payload, 1, 3)
			w.wantPuback(3)
			d := r.state(i)
			runs := ""
			if tt.want == cota.Applied {
				runs = v.ConfigID
			}
			if d.Push != push.No || d.State != tt.want || d.Code != tt.code || d.Detail != tt.detail || d.ConfigID != runs {
				t.Errorf("%s: stands on %v of push %d, code %d, detail %q, runs %q; want %v, %d, %q, %q",
					tt.name, d.State, d.Push, d.Code, d.Detail, d.ConfigID, tt.want, tt.code, tt.detail, runs)
			}
		}
	})
}

func TestProgressAfterAReconnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`{}`)
		push := r.push()
		r.fetch(w.offered())
		w.nc.Close()
		synctest.Wait()
		again := r.connect(0)
		again.publish(r.topic(alink.OTAProgress, 0), `{"id":1,"params":{"step":"100"}}`, 1, 3)
		again.wantPuback(3)
		r.wantState(0, push, cota.Applied)
		if d := r.state(0); d.ConfigID != v.ConfigID {
			t.Errorf("it is on record as running %q; want %q", d.ConfigID, v.ConfigID)
		}
	})
}

// What a device says after it came back is of the version it was offered
// last, which need not be the one that is pushed.
func TestProgressOfWhatWasOnlySaved(t *testing.T) {
	for name, reconnect := range map[string]bool{"same connection": false, "after a reconnect": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, 1)
				w := r.connect(0)
				r.save(`{"n": 1}`)
				push := r.push()
				r.fetch(w.offered())
				saved := r.save(`{"n": 2}`)
				w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
				r.fetch(w.answered())
				if reconnect {
					w.nc.Close()
					synctest.Wait()
					w = r.connect(0)
				}
				w.publish(r.topic(alink.OTAProgress, 0), `{"id":1,"params":{"step":"100"}}`, 1, 3)
				w.wantPuback(3)
				r.wantState(0, push, cota.Fetched)
				if d := r.state(0); d.ConfigID != saved.ConfigID {
					t.Errorf("it is on record as running %q; want %q", d.ConfigID, saved.ConfigID)
				}
				r.counts(push)
			})
		})
	}
}

// What was asked for before it was pushed is the same version after.
func TestProgressOfWhatWasPushedMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		push := r.push()
		w.publish(r.topic(alink.OTAProgress, 0), `{"id":1,"params":{"step":"100"}}`, 0, 0)
		w.offered()
		r.wantState(0, push, cota.Applied)
	})
}
