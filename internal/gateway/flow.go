package gateway

import (
	"slices"
	"sync"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	// maxAcks bounds the QoS 1 messages of a device that wait to be on disk.
	maxAcks = 64
	// maxInflight bounds the QoS 1 messages to a device that wait for PUBACK.
	maxInflight = 8
)

// flow is what is under way on a connection: that the device signs in, and QoS 1
// messages. A session at rest has none.
type flow struct {
	login    *alink.Login // holds the password; nil but while it signs in
	acks     []ack        // what came and waits to be acknowledged, in order
	inflight []inflight   // what was sent and has not been acknowledged
	room     [1]inflight  // for most that is enough
}

type ack struct {
	id   uint16
	code mqtt.Code
	done bool
}

type inflight struct {
	device *device
	push   int64 // that it is an offer of; 0: none
	id     uint16
	inline bool // it holds the file
}

// flows are shared, as sessions need theirs for a moment only.
var flows = sync.Pool{New: func() any {
	f := new(flow)
	f.inflight = f.room[:0]
	return f
}}

// underWay is the session's flow, which there is from now on until it is empty.
func (s *session) underWay() *flow {
	if s.flow == nil {
		s.flow = flows.Get().(*flow)
	}
	return s.flow
}

// forgetLogin ends the sign-in.
func (s *session) forgetLogin() {
	s.flow.login = nil
	s.comeToRest()
}

// comeToRest gives the flow back if it is empty.
func (s *session) comeToRest() {
	if f := s.flow; f.login == nil && len(f.acks) == 0 && len(f.inflight) == 0 {
		flows.Put(f)
		s.flow = nil
	}
}

// unacknowledged is how many messages of the device wait to be acknowledged.
func (s *session) unacknowledged() int {
	if s.flow == nil {
		return 0
	}
	return len(s.flow.acks)
}

// inflight is what the device has not acknowledged.
func (s *session) inflight() []inflight {
	if s.flow == nil {
		return nil
	}
	return s.flow.inflight
}

// take has a message of the device wait to be acknowledged.
func (s *session) take(id uint16) {
	f := s.underWay()
	f.acks = append(f.acks, ack{id: id})
}

// acknowledge settles a message that came and sends the PUBACKs that are
// due: they go out in the order in which the messages came (MQTT 3.1.1
// section 4.6).
func (s *session) acknowledge(id uint16, code mqtt.Code) {
	if s.flow == nil {
		return
	}
	acks := s.flow.acks
	for i := range acks {
		if a := &acks[i]; a.id == id && !a.done {
			a.done, a.code = true, code
			break
		}
	}
	n := 0
	for ; n < len(acks) && acks[n].done; n++ {
		a := mqtt.Ack{Type: mqtt.TypePuback, PacketID: acks[n].id, Code: acks[n].code}
		s.out = a.Append(s.out, s.version)
	}
	s.flow.acks = slices.Delete(acks, 0, n)
	s.comeToRest()
}

// sent has a message to a device wait for its PUBACK.
func (s *session) sent(m inflight) {
	f := s.underWay()
	f.inflight = append(f.inflight, m)
}

// arrived takes the message out that a PUBACK is of, if there is one: it may
// have been acknowledged before, or was never sent.
func (s *session) arrived(id uint16) (m inflight, ok bool) {
	all := s.inflight()
	i := slices.IndexFunc(all, func(f inflight) bool { return f.id == id })
	if i < 0 {
		return inflight{}, false
	}
	m = all[i]
	s.flow.inflight = slices.Delete(all, i, i+1)
	s.comeToRest()
	return m, true
}

func (s *session) roomInFlight() bool { return len(s.inflight()) < int(s.receiveMax) }

// nextID is a packet id that is not in flight.
func (s *session) nextID() uint16 {
	for {
		s.lastID++
		if s.lastID != 0 && !slices.ContainsFunc(s.inflight(), func(f inflight) bool { return f.id == s.lastID }) {
			return s.lastID
		}
	}
}
