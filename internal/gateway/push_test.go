package gateway_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
)

func TestPushReachesAConnectedDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		v := r.save(`{"interval": 10}`)
		push := r.push()
		got := w.offered()
		if got.ConfigID != v.ConfigID || got.Size != v.Size || got.Sign != v.SHA256 || got.ID != "1" {
			t.Errorf("offered %+v; want version %+v", got, v)
		}
		r.wantState(0, push, cota.Received)
	})
}

func TestLateDeviceIsOfferedWhenItConnects(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		r.push()
		time.Sleep(30 * 6 * time.Hour)
		r.connect(0).offered()
	})
}

func TestUnusedOfferIsRepeatedWhenItsLinkExpires(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		r.save(`{}`)
		r.push()
		start := time.Now()
		first := w.offered()
		for n := 2; n <= 5; n++ {
			again := w.offeredWithin(time.Hour)
			if again.URL == first.URL {
				t.Fatal("the old link was offered again")
			}
			if at := time.Since(start); at < time.Duration(n-1)*30*time.Minute || at > time.Duration(n-1)*31*time.Minute {
				t.Errorf("offer %d came after %v", n, at)
			}
		}
		w.idle(6 * time.Hour)
	})
}
