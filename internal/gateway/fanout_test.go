package gateway_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

func TestPushRate(t *testing.T) {
	const devices, rate, burst = 120, 2, 100
	bubble(t, func(t *testing.T) {
		r := newRatedRig(t, devices, rate)
		crowd := r.crowd(devices)
		r.save(`{}`)
		start := time.Now()
		push := r.push()
		time.Sleep(time.Minute)
		synctest.Wait()
		got := crowd.got()
		if len(got) != devices {
			t.Fatalf("%d devices were offered; want %d", len(got), devices)
		}
		seen := make(map[int]bool)
		for n, d := range got {
			if allowed := burst + int(rate*d.at.Sub(start).Seconds()); n+1 > allowed {
				t.Fatalf("message %d came after %v; want at most %d by then", n+1, d.at.Sub(start), allowed)
			}
			seen[d.device] = true
		}
		if last := got[devices-1].at.Sub(start); len(seen) != devices || last != 10*time.Second {
			t.Errorf("%d different devices in %v; want %d in 10s", len(seen), last, devices)
		}
		if n := r.counts(push); n.Received != devices {
			t.Errorf("the push counts %+v; want all received", n)
		}
	})
}

func TestNothingIsSentOnceAPushHasEnded(t *testing.T) {
	const devices, first = 120, 100 // the second page is due after 10 s
	for name, end := range map[string]func(r *rig, p cota.Push){
		"stopped":      func(r *rig, p cota.Push) { r.stop(p) },
		"switched off": func(r *rig, p cota.Push) { r.enable(false) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRatedRig(t, devices, 2)
				crowd := r.crowd(devices - 1)
				r.save(`{}`)
				push := r.push()
				time.Sleep(6 * time.Second)
				synctest.Wait()
				if n := len(crowd.got()); n != first {
					t.Fatalf("%d devices were offered by then; want to be in the middle, at %d", n, first)
				}
				end(r, push)
				late := r.connect(devices - 1)
				late.wantNothing(time.Second)
				crowd.add(devices-1, late)
				time.Sleep(15 * time.Minute)
				synctest.Wait()
				if n := len(crowd.got()); n != first || crowd.ended() != 0 {
					t.Errorf("%d more devices were offered, %d connections ended; want none", n-first, crowd.ended())
				}
				if p, err := r.store.Push(t.Context(), push.No); err != nil || p.State != cota.Stopped || p.Received != first || p.Pending != devices-first {
					t.Errorf("the push is %+v, %v; want stopped with %d received", p, err, first)
				}
			})
		})
	}
}

func TestSwitchingOnSendsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		crowd := r.crowd(1)
		r.save(`{}`)
		r.enable(false)
		r.enable(true)
		r.save(`{"n": 2}`)
		r.push()
		r.enable(false)
		synctest.Wait()
		before := len(crowd.got())
		r.enable(true)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := len(crowd.got()); n != before {
			t.Errorf("%d offers after the switch was turned on; want none", n-before)
		}
	})
}

func TestSupersedingInTheMiddleOfAFanOut(t *testing.T) {
	const devices = 120
	bubble(t, func(t *testing.T) {
		r := newRatedRig(t, devices, 2)
		r.noCooldown()
		crowd := r.crowd(devices)
		r.save(`{"n": 1}`)
		first := r.push()
		time.Sleep(time.Second)
		r.save(`{"n": 2}`)
		second := r.push()
		superseded := len(crowd.got())
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		newest := make(map[int]int64)
		for n, d := range crowd.got() {
			push := r.grant(d.Config).Push
			if push == first.No && n >= superseded {
				t.Fatalf("message %d is of the first push, after the second was started", n+1)
			}
			newest[d.device] = max(newest[d.device], push)
		}
		for i := range devices {
			if newest[i] != second.No {
				t.Fatalf("device %d was offered push %d; want %d", i, newest[i], second.No)
			}
		}
	})
}

// What could not be sent before a push was stopped is not sent later.
func TestOfferDoesNotWaitBehindAStuckWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		w.write(mqtt.AppendPingreq(nil)) // and does not read the answer for a while
		synctest.Wait()
		push := r.push()
		synctest.Wait()
		r.stop(push)
		w.want(mqtt.TypePingresp)
		w.wantNothing(50 * time.Second)
		r.wantState(0, cota.Push{}, cota.Pending)
	})
}

func TestOfferIsMadeOnceAStuckWriteIsThrough(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		w.write(mqtt.AppendPingreq(nil))
		synctest.Wait()
		push := r.push()
		time.Sleep(5 * time.Second)
		w.want(mqtt.TypePingresp)
		w.offered()
		r.wantState(0, push, cota.Received)
	})
}

func TestDeviceThatDoesNotReadIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		stuck := r.connect(1)
		crowd := r.crowd(1)
		crowd.add(2, r.connect(2))
		synctest.Wait()
		r.save(`{}`)
		start := time.Now()
		push := r.push()
		synctest.Wait()
		if n := len(crowd.got()); n != 2 || time.Since(start) > 0 {
			t.Errorf("%d others were offered after %v; want 2 at once", n, time.Since(start))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		stuck.wantClosed()
		if d := r.state(1); d.Online {
			t.Error("the stuck device is still online")
		}
		// It is told when it comes again.
		r.connect(1).offered()
		r.wantState(1, push, cota.Received)
	})
}

func TestDeviceThatTalksAndDoesNotReadIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{}`)
		w, other := r.connect(0), r.connect(1)
		start := time.Now()
		w.publish(r.topic(alink.ConfigReport, 0), `{"id":"1","params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, 0, 0)
		synctest.Wait() // the answer is on its way, and nobody takes it
		ask := mqtt.Publish{Topic: []byte(r.topic(alink.ConfigGet, 0)), Payload: []byte(`{"id":"` + strings.Repeat("1", 64) + `"}`)}
		packet := ask.Append(nil, w.version)
		sent := 0
		for ; sent < 10_000; sent++ {
			if _, err := w.nc.Write(packet); err != nil {
				break
			}
		}
		if took := time.Since(start); sent == 10_000 || took > time.Second {
			t.Errorf("%d questions were taken in %v; want it cut off before", sent, took)
		}
		synctest.Wait()
		if lines := r.log.about("does not read what it is sent"); len(lines) != 1 {
			t.Errorf("log says %q; want one line", lines)
		}
		other.ping()
	})
}

func TestFanOutOutlivesABrokenDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		r.push()
		w.offered()
		w.idle(29 * time.Minute)
		r.sql(`ALTER TABLE device RENAME TO hidden`)
		w.idle(3 * time.Minute) // the link expires, and nobody knows whether it was used
		r.sql(`ALTER TABLE hidden RENAME TO device`)
		w.offeredWithin(2 * time.Second)
		if len(r.log.about("fan-out interrupted")) == 0 {
			t.Error("the log says nothing")
		}
	})
}
