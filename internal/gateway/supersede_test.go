package gateway_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

func TestNewPushSupersedes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.noCooldown()
		r.save(`{"n": 1}`)
		first := r.push()
		r.save(`{"n": 2}`)
		second := r.push()
		w := r.connect(0)
		if got := w.offered(); r.grant(got).Push != second.No {
			t.Errorf("offered by push %d; want %d, the newest", r.grant(got).Push, second.No)
		}
		w.wantNothing(time.Minute)
		if p, err := r.store.Push(t.Context(), first.No); err != nil || p.State != cota.Superseded || p.Pending != p.Total {
			t.Errorf("the first push is %+v, %v; want superseded, all pending", p, err)
		}
	})
}

func TestLateAcknowledgementDoesNotCountForTheNewPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		w := r.connect(0)
		r.save(`{"n": 1}`)
		r.push()
		old := w.received()
		r.save(`{"n": 2}`)
		second := r.push()
		now := w.received()
		r.wantState(0, second, cota.Sent)
		w.puback(old.PacketID)
		r.wantState(0, second, cota.Sent)
		w.puback(now.PacketID)
		r.wantState(0, second, cota.Received)
	})
}

// A device may have asked for another version before it acknowledges a push.
func TestAcknowledgementCountsForItsOwnPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{"n": 1}`)
		push := r.push()
		p := w.received()
		r.save(`{"n": 2}`)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		r.wantState(0, push, cota.Sent)
		w.puback(p.PacketID)
		r.wantState(0, push, cota.Received)
	})
}

func TestDeviceIsNeverOfferedAnOlderVersion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		r.save(`{"n": 1}`)
		first := r.push()
		newer := r.save(`{"n": 2}`) // and not pushed

		w := r.connect(0)
		if got := w.offered(); r.grant(got).Push != first.No {
			t.Fatalf("offered %+v; want what push %d delivers", got, first.No)
		}
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		if got := w.answered(); got.ConfigID != newer.ConfigID {
			t.Fatalf("answered with %s; want %s", got.ConfigID, newer.ConfigID)
		}
		w.idle(2 * time.Hour)
		w.nc.Close()
		synctest.Wait()

		again := r.connect(0)
		again.idle(2 * time.Hour)
		third := r.save(`{"n": 3}`)
		push := r.push()
		if got := again.offered(); got.ConfigID != third.ConfigID || r.grant(got).Push != push.No {
			t.Errorf("offered %s; want %s", got.ConfigID, third.ConfigID)
		}
	})
}

// What a device asked for before it was pushed is still pushed to it: nobody
// can know whether it came for the file.
func TestVersionThatWasAskedForBeforeItsPush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect(0)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
		push := r.push()
		if got := w.offered(); got.ConfigID != v.ConfigID || r.grant(got).Push != push.No {
			t.Errorf("offered %s by push %d; want %s by %d", got.ConfigID, r.grant(got).Push, v.ConfigID, push.No)
		}
	})
}

// What a device is sent on its older connection while it signs in again counts
// for the new one, though it was not on record when the device was looked up.
func TestDeviceIsAnsweredWhileItSignsInAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{"n": 1}`)
		push := r.push()
		older := r.connect(0)
		older.offered()
		newer := r.save(`{"n": 2}`) // and not pushed
		r.wantState(0, push, cota.Received)

		c := r.login(0)
		login, err := alink.ParseLogin(string(c.ClientID), string(c.Username), string(c.Password))
		r.must(err)
		here, there := net.Pipe()
		defer here.Close()
		enter, err := r.gateway.SignInInTwo(t.Context(), there, login)
		r.must(err)
		older.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		if got := older.answered(); got.ConfigID != newer.ConfigID {
			t.Fatalf("answered with %s; want %s", got.ConfigID, newer.ConfigID)
		}
		at, err := enter()
		r.must(err)
		older.wantClosed()
		if at.Offered != newer.Number || at.Due(push.No, push.Version) {
			t.Errorf("it stands at %+v; want it offered version %d, and owed nothing of push %d", at, newer.Number, push.No)
		}
	})
}

// Nor is a device answered on a connection that its next one has ended.
func TestNoAnswerOnceTheDeviceHasSignedInAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{"n": 1}`)
		older := r.connect(0)
		older.publish(r.topic(alink.ConfigReport, 0), `{"id":"1","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 0, 0)
		synctest.Wait() // the answer is on its way, and nobody takes it
		release := r.holdWrites()
		older.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		synctest.Wait()
		r.connect(0)
		release()
		synctest.Wait()
		older.received() // the report's answer
		older.wantClosed()
	})
}
