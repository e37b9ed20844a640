package control_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

func TestStartPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1", "dev-2", "dev-3")
		r.save(`{}`)
		by := control.Actor{Name: "ann/laptop", Account: "ann"}
		got, err := r.StartPush(r.ctx, by, r.product, 1)
		r.must(err)
		want := cota.Push{
			No: 1, Product: r.product, ProductName: "meter", Version: 1, State: cota.Running, Counts: cota.Counts{Total: 3, Pending: 3},
			StartedBy: "ann/laptop", StartedAt: got.StartedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("StartPush (-want +got):\n%s", diff)
		}
		onRecord, err := r.store.Push(r.ctx, 1)
		r.must(err)
		if diff := cmp.Diff(want, onRecord, cmp.Transformer("UTC", time.Time.UTC)); diff != "" {
			t.Errorf("the push on record (-want +got):\n%s", diff)
		}
	})
}

func TestPushThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		refused := func(what string, version int64, want cota.Code) error {
			t.Helper()
			_, err := r.StartPush(r.ctx, system, r.product, version)
			r.refused(what, err, want)
			return err
		}
		_, err := r.StartPush(r.ctx, system, "a1nothing00", 0)
		r.refused("no such product", err, cota.NotFound)
		refused("nothing saved", 0, cota.NoConfig)
		r.save(`[1]`)
		r.enable(false)
		refused("switched off", 0, cota.Disabled)
		r.enable(true)
		refused("no such version", 7, cota.NotCurrent)
		r.save(`[2]`)
		refused("not the current version", 1, cota.NotCurrent)
		start := time.Now()
		r.push()
		r.tell(d)
		refused("pushed before", 0, cota.AlreadyPushed)
		refused("pushed before, by its number", 2, cota.AlreadyPushed)
		time.Sleep(time.Hour)
		refused("pushed an hour ago", 2, cota.AlreadyPushed)
		r.save(`[3]`)
		r.push() // the hour is over
		r.save(`[4]`)
		r.tell(d)
		e, _ := errors.AsType[*cota.Error](refused("too soon", 0, cota.Cooldown))
		if want := start.Add(2 * time.Hour); e == nil || !e.Until.Equal(want) {
			t.Errorf("the refusal ends at %v; want %v", e, want)
		}
		time.Sleep(time.Hour - time.Millisecond)
		refused("a moment too soon", 0, cota.Cooldown)
		time.Sleep(time.Millisecond)
		r.push()
		if all, err := r.store.Pushes(r.ctx, store.PushFilter{Product: r.product}, 0, 10); err != nil || len(all) != 3 {
			t.Errorf("%d pushes are on record, %v; want 3", len(all), err)
		}
	})
}

func TestPushThatToldNobodyDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		r.save(`[1]`)
		told := r.push()
		r.tell(d)
		time.Sleep(50 * time.Minute)
		r.save(`[2]`)
		_, err := r.StartPush(r.ctx, system, r.product, 0)
		r.refused("ten minutes too soon", err, cota.Cooldown)
		time.Sleep(10 * time.Minute)
		nobody := r.push()
		r.save(`[3]`)
		third := r.push() // at once: the one before told nobody
		for no, want := range map[int64]cota.PushState{told.No: cota.Superseded, nobody.No: cota.Superseded, third.No: cota.Running} {
			if p, err := r.store.Push(r.ctx, no); err != nil || p.State != want {
				t.Errorf("push %d is %v, %v; want %v", no, p.State, err, want)
			}
		}
	})
}

// What was sent a moment ago counts, though it is not on disk yet.
func TestCooldownSeesWhatWasJustSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		r.save(`[1]`)
		r.push()
		r.must(r.Supply(r.ctx, r.product, func(o control.Offer) error { return r.Sent(r.ctx, d, o) }))
		r.save(`[2]`)
		_, err := r.StartPush(r.ctx, system, r.product, 0)
		r.refused("at once", err, cota.Cooldown)
	})
}

func TestCooldownCountsStoppedPushes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1")[0]
		r.save(`[1]`)
		push := r.push()
		r.tell(d)
		_, err := r.StopPush(r.ctx, system, push.No, "")
		r.must(err)
		r.save(`[2]`)
		_, err = r.StartPush(r.ctx, system, r.product, 0)
		r.refused("after a push that was stopped", err, cota.Cooldown)
	})
}

func TestPushesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.save(`{}`)
		all := make([]error, 8)
		var wait sync.WaitGroup
		for i := range all {
			wait.Go(func() { _, all[i] = r.StartPush(r.ctx, system, r.product, 0) })
		}
		wait.Wait()
		won := 0
		for _, err := range all {
			switch cota.CodeOf(err) {
			case "":
				won++
			case cota.AlreadyPushed, cota.PushRunning:
			default:
				t.Errorf("the slower: %v; want already_pushed or push_running", err)
			}
		}
		if pushes, err := r.store.Pushes(r.ctx, store.PushFilter{Product: r.product}, 0, 10); won != 1 || err != nil || len(pushes) != 1 {
			t.Errorf("%d of %d were started, %d are on record, %v; want 1, 1", won, len(all), len(pushes), err)
		}
	})
}

func TestStopPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.devices("dev-1")
		r.save(`{}`)
		push := r.push()
		_, err := r.StopPush(r.ctx, system, push.No, "two\nlines")
		r.refused("a reason of two lines", err, cota.Invalid)
		_, err = r.StopPush(r.ctx, system, 99, "")
		r.refused("no such push", err, cota.NotFound)
		time.Sleep(time.Minute)
		got, err := r.StopPush(r.ctx, system, push.No, "wrong unit")
		r.must(err)
		if got.State != cota.Stopped || got.Reason != "wrong unit" || got.EndedAt == nil || !got.EndedAt.Equal(push.StartedAt.Add(time.Minute)) {
			t.Errorf("StopPush = %+v; want stopped now", got)
		}
		_, err = r.StopPush(r.ctx, system, push.No, "")
		r.refused("stopped before", err, cota.NotRunning)
		f, err := r.Facts(r.ctx, r.product)
		r.must(err)
		if f.Push != 0 || f.Pushed != nil {
			t.Errorf("the devices still converge to push %d", f.Push)
		}
	})
}

func TestSwitchingOffStopsThePush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.save(`{}`)
		push := r.push()
		r.enable(false)
		if p, err := r.store.Push(r.ctx, push.No); err != nil || p.State != cota.Stopped || p.Reason == "" || p.EndedAt == nil {
			t.Errorf("the push is %+v, %v; want stopped for a reason", p, err)
		}
		r.enable(true)
		if f, err := r.Facts(r.ctx, r.product); err != nil || !f.Enabled || f.Push != 0 {
			t.Errorf("switched on again, Facts = %+v, %v; want no push", f, err)
		}
	})
}

func TestPushIsCompleted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		d := r.devices("dev-1", "dev-2")
		v := r.save(`{}`)
		push := r.push()
		r.report(d[0], control.Word{ConfigID: v.ConfigID, Rung: cota.Applied})
		if p, err := r.store.Push(r.ctx, push.No); err != nil || p.State != cota.Running {
			t.Errorf("with one of two: %+v, %v; want running", p, err)
		}
		r.report(d[1], control.Word{Push: push.No, Rung: cota.Failed, Code: 400, Detail: "no"})
		p, err := r.store.Push(r.ctx, push.No)
		r.must(err)
		if want := (cota.Counts{Total: 2, Applied: 1, Failed: 1}); p.State != cota.Completed || p.Counts != want || p.EndedAt == nil {
			t.Errorf("with both: %+v; want completed, %+v", p, want)
		}
		_, err = r.StopPush(r.ctx, system, push.No, "")
		r.refused("to stop what is completed", err, cota.NotRunning)
	})
}

// While something is being sent, a command that ends it waits. (Not in a
// bubble, whose clock stands still while somebody waits for a lock.)
func TestCommandsWaitForWhatIsBeingSent(t *testing.T) {
	for name, command := range map[string]func(r *rig, push cota.Push) error{
		"stop": func(r *rig, push cota.Push) error {
			_, err := r.StopPush(r.ctx, system, push.No, "")
			return err
		},
		"switch off": func(r *rig, push cota.Push) error {
			return r.SetConfig(r.ctx, system, r.product, ptr(false), nil)
		},
		"save": func(r *rig, push cota.Push) error {
			_, err := r.SaveVersion(r.ctx, system, r.product, control.Draft{Content: "[2]"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.save(`[1]`)
			push := r.push()
			ended := make(chan error, 1)
			r.must(r.Supply(r.ctx, r.product, func(o control.Offer) error {
				go func() { ended <- command(r, push) }()
				for range 100 { // time enough for a command that does not wait
					p, err := r.store.Product(r.ctx, r.product)
					if err != nil || !p.Enabled || p.Current != 1 || p.Push != push.No {
						return fmt.Errorf("the product is %+v, %v; want the command to wait", p, err)
					}
				}
				return nil
			}))
			r.must(<-ended)
		})
	}
}
