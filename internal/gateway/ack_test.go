package gateway_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// report is a report on version v, to which no answer is wanted.
func report(v cota.Version, state alink.State) string {
	return fmt.Sprintf(`{"id":"7","sys":{"ack":0},"params":{"configId":"%s","state":"%s"}}`, v.ConfigID, state)
}

func TestPubacksFollowTheCommitInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		push := r.push()
		w := r.connect(0)
		w.offered()
		synctest.Wait()
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigReport, 0), report(v, alink.Applied), 1, 31)
		w.publish(r.topic(alink.OTAInform, 0), `{}`, 1, 12) // goes nowhere, but came later
		w.publish(r.topic(alink.OTAProgress, 0), `{"id":1,"params":{"step":"100","desc":""}}`, 1, 23)
		w.wantNothing(20 * time.Second)
		w.ping() // it is not the connection that waits
		release()
		for _, id := range []uint16{31, 12, 23} {
			w.wantPuback(id)
		}
		r.wantState(0, push, cota.Applied)
	})
}

func TestReportIsAnsweredAfterTheCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect(0)
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigReport, 0), fmt.Sprintf(`{"id":5,"params":{"configId":"%s","state":"applied"}}`, v.ConfigID), 0, 0)
		w.wantNothing(20 * time.Second)
		release()
		if topic, reply := w.message(); topic != r.topic(alink.ConfigReportReply, 0) || reply["id"] != "5" || reply["code"] != 200.0 {
			t.Errorf("got %v on %s; want a report_reply", reply, topic)
		}
	})
}

func TestSameIDTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect(0)
		release := r.holdWrites()
		p := mqtt.Publish{QoS: 1, PacketID: 4, Topic: []byte(r.topic(alink.ConfigReport, 0)), Payload: []byte(report(v, alink.Applied))}
		w.write(p.Append(nil, w.version))
		p.Dup = true
		w.write(p.Append(nil, w.version))
		release()
		w.wantPuback(4)
		w.wantPuback(4)
		w.wantNothing(time.Second)
	})
}

func TestBurstIsHeldBackAndNotLost(t *testing.T) {
	const burst = 150
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{}`)
		w, other := r.connect(0), r.connect(1)
		synctest.Wait()
		release := r.holdWrites()
		var taken atomic.Int32
		go func() {
			for id := range uint16(burst) {
				p := mqtt.Publish{QoS: 1, PacketID: id + 1, Topic: []byte(r.topic(alink.ConfigReport, 0)), Payload: []byte(report(v, alink.Applied))}
				if _, err := w.nc.Write(p.Append(nil, w.version)); err != nil {
					return
				}
				taken.Add(1)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n < 64 || n > 70 {
			t.Errorf("%d messages were taken before any was on disk; want about 64", n)
		}
		other.ping()
		release()
		for id := range uint16(burst) {
			w.wantPuback(id + 1)
		}
	})
}

func TestDeviceThatFloodsIsCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		w, other := r.connect5(0), r.connect(1)
		step := mqtt.Publish{Topic: []byte(r.topic(alink.OTAProgress, 0)), Payload: []byte(`{"id":1,"params":{"step":"5"}}`)}
		for range 200 {
			w.write(step.Append(nil, w.version))
		}
		time.Sleep(time.Second) // ten more
		for range 10 {
			w.write(step.Append(nil, w.version))
		}
		w.ping()
		w.write(step.Append(nil, w.version))
		w.wantDisconnect(mqtt.MessageRateTooHigh)
		other.ping()
	})
}

func TestShutdownAcknowledgesNothingThatIsNotRecorded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		w := r.connect5(0)
		synctest.Wait()
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigReport, 0), report(v, alink.Applied), 1, 3)
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- r.gateway.Close(context.Background()) }()
		w.wantDisconnect(mqtt.ServerShuttingDown)
		if err := <-closed; err != nil {
			t.Errorf("Close() = %v", err)
		}
		release()
	})
}

func TestShutdown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 4)
		five, three := r.connect5(0), r.connect(1)
		mute := r.dial(mqtt.V311)
		stuck := r.connect5(2) // does not read its last word
		synctest.Wait()
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- r.gateway.Close(context.Background()) }()
		five.wantDisconnect(mqtt.ServerShuttingDown)
		three.wantDisconnect(0)
		mute.wantDisconnect(0)
		if err := <-closed; err != nil {
			t.Errorf("Close() = %v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("closing took %v; want at most a second", took)
		}
		stuck.nc.Close()
		for i := range 3 {
			if d := r.state(i); d.Online {
				t.Errorf("device %d is still online", i)
			}
		}
	})
}
