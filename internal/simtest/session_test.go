package simtest

import (
	"net"
	"slices"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// session is one connection of a device.
type session struct {
	*device
	wire   *conn
	agenda []entry
	lastID uint16
	words  map[uint16]*word // that wait for PUBACK
	report map[string]*word // that wait for report_reply, by id
	asked  map[string][]time.Time
	said   int
	offers []*offer
	spoke  time.Time
	sent   time.Time // when the server wrote the first byte of the packet that is read
	over   bool
	secret string
	began  time.Time
}

// entry is something that a device will do.
type entry struct {
	at time.Time
	do func()
}

// run is the life of a connection.
func (s *session) run() (in bool) {
	m := s.w.model
	m.mu.Lock()
	s.secret = s.id.secret
	if n := len(s.id.stale); n > 0 && s.rng.IntN(3) == 0 && !s.calm() {
		s.secret = s.id.stale[n-1].secret
	}
	m.mu.Unlock()
	s.write(s.style.connect(s))
	asked := time.Now()
	s.wire.SetReadDeadline(asked.Add(30 * time.Second))
	ack, rest, err := s.connack()
	if err != nil {
		s.wire.Close()
		return false
	}
	if !s.welcome(ack, asked) {
		s.wire.Close()
		return false
	}
	s.plan()
	s.style.greet(s)
	if s.chance(s.char.asks) {
		s.ask()
	}
	s.converse(rest)
	s.leave()
	return true
}

// leave notes what the device asked and will not hear the answer to.
func (s *session) leave() {
	m := s.w.model
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, waiting := range s.asked {
		s.id.unheard = s.id.unheard || len(waiting) > 0
	}
}

// welcome judges the answer to CONNECT.
func (s *session) welcome(ack mqtt.Connack, asked time.Time) bool {
	m, id, sent := s.w.model, s.id, s.wire.sentAt()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trace.add(s.who, "connect: %v", ack.Code)
	good := s.secret == id.secret
	if ack.Code != mqtt.Success {
		refused := ack.Code.ReturnCode() == 4 || ack.Code.ReturnCode() == 5
		if refused && good && !id.maybeShut.touch(asked, sent) {
			m.breach("%s was refused with %v at %s; its secret is right", id, ack.Code, m.time(sent))
		}
		return false
	}
	if id.shut.throughout(asked, sent) {
		m.breach("%s was let in at %s though it was shut out", id, m.time(sent))
	}
	for _, old := range id.stale {
		if old.secret == s.secret && asked.After(old.since) {
			m.breach("%s was let in at %s with a secret that was replaced at %s", id, m.time(sent), m.time(old.since))
		}
	}
	id.signedIn = true
	s.online, s.nc = time.Now(), s.wire
	return true
}

// plan decides how the connection will end.
func (s *session) plan() {
	now := time.Now()
	if s.calm() {
		s.at(s.w.overAt.Add(s.between(0, time.Second)), s.disconnect)
		return
	}
	end := now.Add(time.Duration(s.rng.ExpFloat64() * float64(s.char.online))).Add(s.between(0, time.Second))
	if !end.Before(s.w.calmAt) && s.char.saint {
		s.at(s.w.overAt.Add(s.between(0, time.Second)), s.disconnect)
	} else if !end.Before(s.w.calmAt) {
		// One that has not come for what it was offered is not told for ever
		// on the same connection.
		s.at(s.w.calmAt.Add(s.between(0, time.Second)), s.disconnect)
	} else if s.chance(s.char.drops) {
		s.at(end, []func(){s.close, s.cut, s.vanish}[s.rng.IntN(3)])
	} else {
		s.at(end, s.disconnect)
	}
	if s.char.polls {
		s.poll()
	}
	if s.chance(s.char.deaf) {
		s.at(now.Add(s.between(0, time.Hour)), s.goDeaf)
	}
	if s.chance(s.char.liar) {
		s.at(now.Add(s.between(0, time.Minute)), s.lie)
	}
	if s.chance(s.char.shouts) {
		s.at(now.Add(s.between(0, time.Hour)), s.shout)
	}
}

// poll has the device ask at the next time to, and so on.
func (s *session) poll() {
	s.at(s.w.nextPoll(time.Now()).Add(s.between(0, time.Minute)), func() {
		s.ask()
		s.poll()
	})
}

func (s *session) disconnect() {
	s.write(mqtt.Disconnect{}.Append(nil, s.style.version))
	s.close()
}

func (s *session) close() { s.wire.Close(); s.over = true }

func (s *session) cut() { s.wire.cut(); s.wire.Close(); s.over = true }

// vanish is the loss of power: the server is not told.
func (s *session) vanish() { s.wire.abandon(); s.over = true }

// goDeaf stops reading for a while, though what it is sent still arrives.
func (s *session) goDeaf() {
	s.setOnline(time.Time{})
	pause(s.w.over, min(s.between(time.Second, time.Hour), time.Until(s.w.calmAt)))
}

func (s *session) at(at time.Time, do func()) {
	i, _ := slices.BinarySearchFunc(s.agenda, at, func(e entry, at time.Time) int { return e.at.Compare(at) })
	s.agenda = slices.Insert(s.agenda, i, entry{at, do})
}

func (s *session) after(d time.Duration, do func()) { s.at(time.Now().Add(d), do) }

// write sends a packet. A device that cannot write ends its connection.
func (s *session) write(b []byte) {
	if s.over {
		return
	}
	s.spoke = time.Now()
	s.wire.SetWriteDeadline(s.spoke.Add(20 * time.Second))
	if _, err := s.wire.Write(b); err != nil {
		s.over = true
		s.wire.Close()
	}
}

// connack reads the answer to CONNECT, and returns what came behind it.
func (s *session) connack() (ack mqtt.Connack, rest []byte, err error) {
	buf := make([]byte, 0, 512)
	for {
		n, err := mqtt.Frame(buf, 1<<20)
		if err != nil {
			return ack, nil, err
		}
		if n <= len(buf) {
			ack, err = mqtt.DecodeConnack(buf[:n], s.style.version)
			return ack, buf[n:], err
		}
		got, err := s.wire.Read(buf[len(buf):cap(buf)])
		if buf = buf[:len(buf)+got]; err != nil {
			return ack, nil, err
		}
	}
}

// converse reads packets and does what is due until the connection ends.
func (s *session) converse(rest []byte) {
	buf := append(make([]byte, 0, 4096), rest...)
	s.sent = s.wire.sentAt()
	for !s.over {
		n, err := mqtt.Frame(buf, 1<<20)
		if err != nil {
			s.w.model.fail("%s was sent what is not MQTT: %v", s.id, err)
			return
		}
		if n <= len(buf) {
			s.packet(buf[:n])
			buf = buf[:copy(buf, buf[n:])]
			s.sent = s.wire.sentAt()
			continue
		}
		if s.due() {
			continue
		}
		s.wire.SetReadDeadline(s.next())
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		got, err := s.wire.Read(buf[len(buf):cap(buf)])
		if len(buf) == 0 {
			s.sent = s.wire.sentAt()
		}
		buf = buf[:len(buf)+got]
		if ne, ok := err.(net.Error); got == 0 && err != nil && !(ok && ne.Timeout()) {
			s.w.trace.add(s.who, "connection ended: %v", err)
			s.wire.Close()
			return
		}
	}
}

// due does what is to be done by now, and says whether there was anything.
func (s *session) due() bool {
	now := time.Now()
	if len(s.agenda) > 0 && !s.agenda[0].at.After(now) {
		e := s.agenda[0]
		s.agenda = s.agenda[1:]
		e.do()
		return true
	}
	if !now.Before(s.spoke.Add(s.style.keepAlive)) {
		s.write(mqtt.AppendPingreq(nil))
		return true
	}
	return false
}

func (s *session) next() time.Time {
	at := s.spoke.Add(s.style.keepAlive)
	if len(s.agenda) > 0 && s.agenda[0].at.Before(at) {
		at = s.agenda[0].at
	}
	return at
}

// packet takes one packet from the server.
func (s *session) packet(b []byte) {
	v := s.style.version
	switch mqtt.TypeOf(b) {
	case mqtt.TypePublish:
		p, err := mqtt.DecodePublish(b, v)
		if err != nil {
			s.w.model.fail("%s was sent a broken PUBLISH: %v", s.id, err)
			return
		}
		s.message(&p)
	case mqtt.TypePuback:
		if a, err := mqtt.DecodeAck(b, v); err == nil && a.Code < mqtt.UnspecifiedError {
			if w := s.words[a.PacketID]; w != nil {
				delete(s.words, a.PacketID)
				s.w.model.acknowledged(s.id, w)
			}
		}
	}
}

// message takes a message from the server.
func (s *session) message(p *mqtt.Publish) {
	sent := s.sent
	t := alink.ParseTopic(p.Topic)
	if !t.Of(s.id.p.key, s.id.name) {
		s.w.model.fail("%s was sent a message of topic %s", s.id, p.Topic)
		return
	}
	mute := s.chance(s.char.mute)
	if p.QoS == 1 && !mute {
		if t.Kind == alink.ConfigPush || t.Kind == alink.ConfigGetReply { // what a push delivers comes by both
			s.w.model.says(s.id, &word{rung: received})
		}
		s.write(mqtt.Ack{Type: mqtt.TypePuback, PacketID: p.PacketID}.Append(nil, s.style.version))
	}
	switch t.Kind {
	case alink.ConfigPush:
		c, err := alink.DecodePush(p.Payload)
		if err != nil {
			s.w.model.fail("%s was sent a push that cannot be read: %v", s.id, err)
			return
		}
		s.offered(c, sent, true, mute)
	case alink.ConfigGetReply:
		s.answered(p.Payload, sent, mute)
	case alink.ConfigReportReply:
		if r, err := alink.DecodeReply(p.Payload); err == nil && r.Code == alink.CodeSuccess {
			if w := s.report[r.ID]; w != nil {
				delete(s.report, r.ID)
				s.w.model.acknowledged(s.id, w)
			}
		}
	}
}
