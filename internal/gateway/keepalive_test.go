package gateway_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// wantClosedAfter sees the connection end at d from start, to the moment.
func (w *wire) wantClosedAfter(start time.Time, d time.Duration, code mqtt.Code) {
	w.t.Helper()
	w.wantDisconnect(code)
	if took := time.Since(start); took != d {
		w.t.Errorf("closed after %v; want %v", took, d)
	}
}

func TestConnectionWithoutConnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		start := time.Now()
		r.dial(mqtt.V311).wantClosedAfter(start, 10*time.Second, 0)
		synctest.Wait()
		if lines := r.log.about("connection"); len(lines) != 1 || !strings.Contains(lines[0], "level=INFO") {
			t.Errorf("log says %q; want one line at info", lines)
		}
	})
}

func TestConnectThatComesSlowly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.dial(mqtt.V311)
		start := time.Now()
		c := r.login(0)
		done := w.dribble(c.Append(nil), time.Second)
		w.wantClosedAfter(start, 10*time.Second, 0)
		<-done
	})
}

// dribble writes b byte by byte until the connection ends.
func (w *wire) dribble(b []byte, every time.Duration) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for i := range b {
			if _, err := w.nc.Write(b[i : i+1]); err != nil {
				return
			}
			time.Sleep(every)
		}
	}()
	return done
}

func TestByteNowAndThenDoesNotKeepAConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		start := time.Now()
		p := mqtt.Publish{Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: make([]byte, 1000)}
		done := w.dribble(p.Append(nil, w.version), 5*time.Second)
		w.wantClosedAfter(start, 90*time.Second, 0)
		<-done
	})
}

func TestKeepAliveIsEnforced(t *testing.T) {
	const almost = 45*time.Second - time.Millisecond
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			c := r.login(0)
			c.Version, c.KeepAlive = v, 30
			w := r.connectBy(c)
			start := time.Now()
			w.wantNothing(almost)
			w.wantClosedAfter(start, 45*time.Second, mqtt.KeepAliveTimeout)
		}
	})
}

func TestServerKeepAliveIsEnforced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		for asked, want := range map[uint16]time.Duration{1: 45 * time.Second, 0: 1800 * time.Second, 2000: 1800 * time.Second} {
			c := r.login(0)
			c.Version, c.KeepAlive = mqtt.V5, asked
			w := r.connectBy(c)
			w.wantClosedAfter(time.Now(), want, mqtt.KeepAliveTimeout)
		}
	})
}

func TestAnyPacketKeepsAConnectionAlive(t *testing.T) {
	const almost = 45*time.Second - time.Millisecond
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		inform := mqtt.Publish{Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: []byte(`{}`)}
		inform1 := inform
		inform1.QoS, inform1.PacketID = 1, 9
		for name, packet := range map[string][]byte{
			"PINGREQ":       mqtt.AppendPingreq(nil),
			"PUBLISH QoS 0": inform.Append(nil, mqtt.V311),
			"PUBLISH QoS 1": inform1.Append(nil, mqtt.V311),
			"PUBACK":        mqtt.Ack{Type: mqtt.TypePuback, PacketID: 7}.Append(nil, mqtt.V311),
			"SUBSCRIBE":     subscribe(1, r.topic(alink.ConfigPush, 0)).Append(nil, mqtt.V311),
			"UNSUBSCRIBE":   mqtt.Unsubscribe{PacketID: 2, Filters: mqtt.Filters(nil).Append([]byte("/a"))}.Append(nil, mqtt.V311),
		} {
			c := r.login(0)
			c.KeepAlive = 30
			w := r.connectBy(c)
			w.wantNothing(almost)
			w.write(packet)
			start := time.Now()
			switch name {
			case "PINGREQ", "PUBLISH QoS 1", "SUBSCRIBE", "UNSUBSCRIBE":
				if _, err := w.next(); err != nil {
					t.Fatalf("%s is not answered: %v", name, err)
				}
			}
			w.wantNothing(almost)
			w.wantClosedAfter(start, 45*time.Second, 0)
		}
	})
}

// A device must not be cut off for a database that is slow. What it asked is
// refused in time, so that it may ask again.
func TestHeldBackDeviceIsNotCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.save(`{}`)
		w := r.connect(0)
		release := r.holdWrites()
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.wantNothing(9 * time.Second)
		if _, reply := w.message(); reply["code"] != float64(alink.CodeServerError) {
			t.Errorf("get while the database is held = %v; want code %d", reply, alink.CodeServerError)
		}
		release()
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 0, 0)
		w.answered()
	})
}
