package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

func (r *rig) connectWith(i int, property mqtt.Property, value uint32) *wire {
	r.t.Helper()
	c := r.login(i)
	c.Version = mqtt.V5
	c.Properties = c.Properties.AppendUint(property, value)
	return r.connectBy(c)
}

func TestReceiveMaximumOfTheDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		w := r.connectWith(0, mqtt.ReceiveMaximum, 1)
		r.save(`{"n": 1}`)
		r.push()
		first := w.received()
		r.save(`{"n": 2}`)
		second := r.push()
		w.wantNothing(time.Second)
		// What it asks for is not kept from it, but cannot be acknowledged.
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 9)
		if reply := w.received(); reply.QoS != 0 {
			t.Errorf("get_reply with QoS %d while one is in flight; want 0", reply.QoS)
		}
		w.wantPuback(9)
		w.puback(first.PacketID)
		synctest.Wait()
		if r.state(0).Push != second.No {
			t.Errorf("it stands at push %d; want %d", r.state(0).Push, second.No)
		}
	})
}

func TestOfferThatWaitsForAnAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.noCooldown()
		w := r.connectWith(0, mqtt.ReceiveMaximum, 1)
		r.save(`{"n": 1}`)
		r.push()
		first := w.received()
		r.save(`{"n": 2}`)
		second := r.push()
		w.wantNothing(time.Second)
		w.puback(first.PacketID)
		if got := w.offered(); r.grant(got).Push != second.No {
			t.Errorf("offered by push %d; want %d", r.grant(got).Push, second.No)
		}
		r.wantState(0, second, cota.Received)
	})
}

func TestNoMoreThanEightAreInFlight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		w := r.connect(0)
		ids := make(map[uint16]bool)
		for n := range 12 {
			w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 9)
			reply := w.received()
			if inFlight := reply.QoS == 1; inFlight != (n < 8) {
				t.Errorf("answer %d has QoS %d", n+1, reply.QoS)
			}
			if reply.QoS == 1 && (ids[reply.PacketID] || reply.PacketID == 0) {
				t.Errorf("packet id %d is in flight already", reply.PacketID)
			}
			ids[reply.PacketID] = true
			w.wantPuback(9)
		}
		w.puback(1)
		w.puback(1) // acknowledged before
		w.puback(60000)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 9)
		if reply := w.received(); reply.QoS != 1 || reply.PacketID != 9 {
			t.Errorf("with room again: QoS %d, id %d; want 1, 9", reply.QoS, reply.PacketID)
		}
	})
}

func TestMaximumPacketSizeOfTheDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		v := r.save(`{}`)
		push := r.push()
		probe := r.connect5(2)
		p := probe.received()
		size := uint32(len(p.Append(nil, mqtt.V5)))

		small := r.connectWith(0, mqtt.MaximumPacketSize, size-1)
		small.wantNothing(time.Minute)
		small.publish(r.topic(alink.ConfigReport, 0), report(v, alink.Applied), 1, 7) // it is still served
		small.wantPuback(7)
		fits := r.connectWith(1, mqtt.MaximumPacketSize, size)
		fits.offered()
		r.wantState(0, push, cota.Applied)
		r.wantState(1, push, cota.Received)
	})
}

func TestAcknowledgementThatRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect5(0)
		r.save(`{}`)
		push := r.push()
		a := mqtt.Ack{Type: mqtt.TypePuback, PacketID: w.received().PacketID, Code: mqtt.QuotaExceeded}
		w.write(a.Append(nil, w.version))
		w.ping()
		r.wantState(0, push, cota.Sent)
	})
}
