package gateway_test

import (
	"bytes"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// segments is how many segments with data the device has got. There is one for
// each write, as nothing waits for more.
func (w *wire) segments() int {
	w.t.Helper()
	raw, err := w.nc.(*net.TCPConn).SyscallConn()
	check(w.t, err)
	var info *unix.TCPInfo
	check(w.t, raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }))
	check(w.t, err)
	return int(info.Data_segs_in)
}

// What answers packets that come together goes out together, and nothing of it
// waits for a packet that has not come whole.
func TestAnswersGoOutTogether(t *testing.T) {
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		w := r.connect(0)
		inform := mqtt.Publish{QoS: 1, PacketID: 7, Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: []byte(`{"id":"1"}`)}
		ping := mqtt.AppendPingreq(nil)
		for _, tt := range []struct {
			name     string
			sent     []byte
			pings    int
			pubacks  int
			segments int
		}{
			{"16 pings", bytes.Repeat(ping, 16), 16, 0, 1},
			{"others between", append(inform.Append(bytes.Repeat(ping, 3), w.version), ping...), 4, 1, 1},
			{"half a packet after", append(bytes.Repeat(ping, 2), ping[0]), 2, 0, 1},
			{"the other half", append(ping[1:2:2], ping...), 2, 0, 1},
		} {
			before := w.segments()
			w.write(tt.sent)
			for n := range tt.pings + tt.pubacks {
				b, err := w.next()
				check(t, err)
				switch mqtt.TypeOf(b) {
				case mqtt.TypePingresp:
					tt.pings--
				case mqtt.TypePuback:
					tt.pubacks--
				default:
					t.Fatalf("%s: answer %d is %v", tt.name, n, mqtt.TypeOf(b))
				}
			}
			if n := w.segments() - before; n != tt.segments || tt.pings != 0 || tt.pubacks != 0 {
				t.Errorf("%s: answered in %d writes, %d pings and %d messages not; want %d write of all", tt.name, n, tt.pings, tt.pubacks, tt.segments)
			}
		}
	})
}

// A flood is answered as it comes, with little of it kept.
func TestFloodOfPings(t *testing.T) {
	const pings = 20_000
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		w := r.connect(0)
		go w.nc.Write(bytes.Repeat(mqtt.AppendPingreq(nil), pings))
		for range pings {
			w.want(mqtt.TypePingresp)
		}
		if n := w.segments(); n > pings/100 {
			t.Errorf("answered in %d writes; want at most one for a hundred", n)
		}
	})
}
