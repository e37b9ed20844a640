package control_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

func TestSaveVersion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		const content = "\r\n{ \"温度\" : 1.0e0 }\t\n"
		by := control.Actor{Name: "ann/laptop", Account: "ann"}
		v, err := r.SaveVersion(r.ctx, by, r.product, control.Draft{Content: content, Note: "first", Base: ptr(int64(0))})
		r.must(err)
		want := cota.Version{
			Number: 1, ConfigID: v.ConfigID, Content: content, SHA256: cota.Digest(content), Size: int64(len(content)),
			Note: "first", Author: "ann/laptop", CreatedAt: v.CreatedAt,
		}
		got, err := r.store.Version(r.ctx, r.product, 1)
		r.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the version on record (-want +got):\n%s", diff)
		}
		if len(v.ConfigID) != 32 {
			t.Errorf("ConfigID %q; want 32 digits", v.ConfigID)
		}
		if p, err := r.store.Product(r.ctx, r.product); err != nil || p.Current != 1 {
			t.Errorf("the product's current version is %d, %v; want 1", p.Current, err)
		}
	})
}

func TestSaveThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.policy(cota.PolicyPatch{MaxBytes: ptr(int64(10))})
		r.save(`{"n":1}`)
		r.save(`{"n":2}`)
		for _, tt := range []struct {
			name    string
			product string
			draft   control.Draft
			want    cota.Code
		}{
			{"the current text", r.product, control.Draft{Content: `{"n":2}`}, cota.Unchanged},
			{"the current text, from an older version", r.product, control.Draft{Content: `{"n":2}`, Base: ptr(int64(1))}, cota.Stale},
			{"made from an older version", r.product, control.Draft{Content: `{"n":3}`, Base: ptr(int64(1))}, cota.Stale},
			{"made from nothing", r.product, control.Draft{Content: `{"n":3}`, Base: ptr(int64(0))}, cota.Stale},
			{"made from a version yet to come", r.product, control.Draft{Content: `{"n":3}`, Base: ptr(int64(3))}, cota.Stale},
			{"no JSON", r.product, control.Draft{Content: `{`}, cota.Invalid},
			{"larger than the policy allows", r.product, control.Draft{Content: `{"n":1234}` + ` `}, cota.TooLarge},
			{"overlong note", r.product, control.Draft{Content: `{}`, Note: strings.Repeat("é", 501)}, cota.Invalid},
			{"note with a line break", r.product, control.Draft{Content: `{}`, Note: "a\nb"}, cota.Invalid},
			{"no such product", "a1nothing00", control.Draft{Content: `{}`}, cota.NotFound},
		} {
			_, err := r.SaveVersion(r.ctx, system, tt.product, tt.draft)
			r.refused(tt.name, err, tt.want)
		}
		if diff := cmp.Diff([]int64{2, 1}, r.kept()); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
		// An older text may come back, as a version of its own.
		if v := r.save(`{"n":1}`); v.Number != 3 {
			t.Errorf("saved as version %d; want 3", v.Number)
		}
	})
}

func TestSavesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.save(`{}`)
		const editors = 8
		all := make([]error, editors)
		var wait sync.WaitGroup
		for i := range editors {
			wait.Go(func() {
				_, all[i] = r.SaveVersion(r.ctx, system, r.product, control.Draft{Content: fmt.Sprintf("[%d]", i), Base: ptr(int64(1))})
			})
		}
		wait.Wait()
		won := 0
		for _, err := range all {
			if err == nil {
				won++
				continue
			}
			r.refused("the slower", err, cota.Stale)
		}
		if won != 1 || !slices.Equal(r.kept(), []int64{2, 1}) {
			t.Errorf("%d of %d saves won, versions %v are there; want 1, [2 1]", won, editors, r.kept())
		}
	})
}

func TestHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		wantKept := func(when string, want ...int64) {
			t.Helper()
			if diff := cmp.Diff(want, r.kept()); diff != "" {
				t.Errorf("%s, versions (-want +got):\n%s", when, diff)
			}
		}
		n := 0
		save := func() {
			n++
			r.save(fmt.Sprintf("[%d]", n))
		}
		for range 8 {
			save()
		}
		wantKept("links to all may be out", 8, 7, 6, 5, 4, 3, 2, 1)
		time.Sleep(30*time.Minute - time.Millisecond)
		save()
		wantKept("a moment before the links end", 9, 8, 7, 6, 5, 4, 3, 2, 1)
		time.Sleep(time.Minute)
		save()
		wantKept("the current and five before", 10, 9, 8, 7, 6, 5)

		r.policy(cota.PolicyPatch{History: ptr(int64(2)), CooldownSeconds: ptr(int64(0))})
		pushed := r.push() // version 10
		for range 5 {
			time.Sleep(31 * time.Minute)
			save()
		}
		wantKept("one is being pushed", 15, 14, 13, 10)

		second := r.push() // version 15 supersedes
		save()
		wantKept("it was pushed until now", 16, 15, 14, 10)
		time.Sleep(31 * time.Minute)
		save()
		wantKept("its links have ended", 17, 16, 15)
		time.Sleep(31 * time.Minute)
		save()
		save()
		time.Sleep(31 * time.Minute)
		_, err := r.StopPush(r.ctx, system, second.No, "")
		r.must(err)
		save()
		wantKept("stopped a moment ago", 20, 19, 18, 15)
		time.Sleep(31 * time.Minute)
		save()
		wantKept("stopped long ago", 21, 20, 19)
		if p, err := r.store.Push(r.ctx, pushed.No); err != nil || p.Version != 10 {
			t.Errorf("the push of a version that is gone is %+v, %v", p, err)
		}
	})
}

// Links were made under the policy of their time.
func TestHistoryAfterLinksWereMadeShorter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.policy(cota.PolicyPatch{History: ptr(int64(1)), LinkSeconds: ptr(int64(7200))})
		r.save(`[1]`)
		r.policy(cota.PolicyPatch{LinkSeconds: ptr(int64(1))})
		r.save(`[2]`)
		time.Sleep(time.Hour)
		r.save(`[3]`)
		if !slices.Contains(r.kept(), 1) {
			t.Errorf("versions %v; want 1 among them, to which links of two hours may be out", r.kept())
		}
		time.Sleep(time.Hour + time.Second)
		r.save(`[4]`)
		if diff := cmp.Diff([]int64{4, 3}, r.kept()); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	})
}
