package gateway_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// Of each kind of bad client there are some, and each is dropped to the moment
// while a thousand others are served as if there were none.
func TestSlowClientsDisturbNobody(t *testing.T) {
	const good, each = 1000, 5
	bubble(t, func(t *testing.T) {
		r := newRig(t, good+2*each)
		crowd := r.crowd(good)
		start := time.Now()
		var bad sync.WaitGroup
		for n := range each {
			silent, slow := r.dial(mqtt.V311), r.dial(mqtt.V311)
			connect := r.login(good)
			slow.dribble(connect.Append(nil), time.Second)
			bad.Go(func() { silent.wantClosedAfter(start, connectLimit, 0) })
			bad.Go(func() { slow.wantClosedAfter(start, connectLimit, 0) })

			dribbling := r.connect(good + n)
			p := mqtt.Publish{Topic: []byte(r.topic(alink.OTAInform, good+n)), Payload: make([]byte, 1000)}
			dribbling.dribble(p.Append(nil, mqtt.V311), time.Second)
			bad.Go(func() { dribbling.wantClosedUnread(start, 90*time.Second) })
		}
		deaf := make([]*wire, each)
		for n := range deaf {
			deaf[n] = r.connect(good + each + n)
		}
		synctest.Wait()
		r.save(`{}`)
		push := r.push()
		synctest.Wait()
		if n := len(crowd.got()); n != good || time.Since(start) > 0 {
			t.Errorf("%d of %d were offered the push after %v; want all at once", n, good, time.Since(start))
		}
		time.Sleep(writeLimit - time.Millisecond)
		synctest.Wait()
		if n := r.gateway.Online(r.product); n != good+2*each {
			t.Errorf("%d devices are connected a moment before the limit; want %d", n, good+2*each)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := r.gateway.Online(r.product); n != good+each {
			t.Errorf("%d devices are connected once the deaf are dropped; want %d", n, good+each)
		}
		for _, w := range deaf {
			w.wantClosed()
		}
		bad.Wait()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := r.gateway.Online(r.product); n != good || crowd.ended() != 0 {
			t.Errorf("%d devices are connected, %d of the good were cut; want %d and none", n, crowd.ended(), good)
		}
		if n := r.counts(push); n.Received != good {
			t.Errorf("the push counts %+v; want %d received", n, good)
		}
	})
}

const (
	connectLimit = 10 * time.Second // for CONNECT to be there whole
	writeLimit   = 10 * time.Second // for the device to take what it is sent
)

// wantClosedUnread sees the connection end at d from start, whatever is sent
// before.
func (w *wire) wantClosedUnread(start time.Time, d time.Duration) {
	w.t.Helper()
	for err := error(nil); err == nil; {
		_, err = w.next()
	}
	if took := time.Since(start); took != d {
		w.t.Errorf("closed after %v; want %v", took, d)
	}
}
