package control_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

// What a device can speak of, and which push its word counts for.
func TestReport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.policy(cota.PolicyPatch{CooldownSeconds: ptr(int64(0)), History: ptr(int64(3))})
		r.save(`[0]`) // to be forgotten
		r.push()
		time.Sleep(time.Hour)
		old := r.save(`[1]`)
		oldPush := r.push()
		onlySaved := r.save(`[2]`)
		pushed := r.save(`[3]`)
		push := r.push()
		time.Sleep(time.Hour)
		current := r.save(`[4]`)
		if _, err := r.store.VersionHead(r.ctx, r.product, 1); cota.CodeOf(err) != cota.NotFound {
			t.Fatalf("version 1: %v; want it forgotten", err)
		}
		tests := []struct {
			name string
			word control.Word
			push int64  // that it counts for
			runs string // that the device is on record as running
		}{
			{"what is pushed, by its name", control.Word{ConfigID: pushed.ConfigID}, push.No, pushed.ConfigID},
			{"what is pushed, by its number", control.Word{Version: pushed.Number}, push.No, pushed.ConfigID},
			{"what is pushed, by the push", control.Word{Push: push.No}, push.No, pushed.ConfigID},
			{"what was pushed before, by its name", control.Word{ConfigID: old.ConfigID}, oldPush.No, old.ConfigID},
			{"what was pushed before, by its number", control.Word{Version: old.Number}, oldPush.No, old.ConfigID},
			{"what was pushed before, by the push", control.Word{Push: oldPush.No}, oldPush.No, old.ConfigID},
			{"what is current", control.Word{Version: current.Number}, 0, current.ConfigID},
			{"what was only saved", control.Word{ConfigID: onlySaved.ConfigID}, 0, onlySaved.ConfigID},
			{"no such name", control.Word{ConfigID: "0123456789abcdef0123456789abcdef"}, 0, ""},
			{"no such version", control.Word{Version: 99}, 0, ""},
			{"a version that is forgotten", control.Word{Version: 1}, 0, ""},
			{"a push whose version is forgotten", control.Word{Push: 1}, 0, ""},
			{"no such push", control.Word{Push: 99}, 0, ""},
		}
		names := make([]string, len(tests))
		for i := range tests {
			names[i] = "dev-" + string(rune('a'+i))
		}
		for i, d := range r.devices(names...) {
			tt := tests[i]
			tt.word.Rung = cota.Applied
			r.report(d, tt.word)
			row, err := r.store.Device(r.ctx, r.product, d.Name)
			r.must(err)
			if row.Push != tt.push || row.ConfigID != tt.runs {
				t.Errorf("%s: counts for push %d, runs %q; want %d, %q", tt.name, row.Push, row.ConfigID, tt.push, tt.runs)
			}
		}
	})
}

// Of another product nothing can be said.
func TestReportOnAnotherProduct(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		r.save("[]")
		p, _, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, "other")
		r.must(err)
		r.must(r.SetConfig(r.ctx, system, p.Key, ptr(true), nil))
		v, err := r.SaveVersion(r.ctx, system, p.Key, control.Draft{Content: "{}"})
		r.must(err)
		push, err := r.StartPush(r.ctx, system, p.Key, 0)
		r.must(err)
		for _, w := range []control.Word{{ConfigID: v.ConfigID}, {Push: push.No}} {
			w.Rung = cota.Applied
			r.report(d, w)
			if row, err := r.store.Device(r.ctx, r.product, "dev-1"); err != nil || row.Push != 0 || row.ConfigID != "" {
				t.Errorf("after %+v the device is %+v, %v; want it untouched", w, row, err)
			}
		}
	})
}
