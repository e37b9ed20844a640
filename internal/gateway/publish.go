package gateway

import (
	"strconv"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// How much a device may ask and say: a burst, and then one per interval. Gets
// beyond it are answered 429; a device that talks beyond it is cut off, since
// what was not recorded must not be acknowledged.
const (
	getBurst  = 20
	getEvery  = time.Second
	wordBurst = 200
	wordEvery = 100 * time.Millisecond
)

// publish takes a message from the device.
func (s *session) publish(now time.Time, b []byte) (work, error) {
	p, err := mqtt.DecodePublish(b, s.version)
	if err != nil {
		return work{}, malformed(err)
	}
	if p.QoS == 2 {
		return work{}, bad(mqtt.QoSNotSupported, "QoS 2 is not supported")
	}
	if p.Topic, err = s.topic(&p); err != nil {
		return work{}, err
	}
	if p.QoS == 1 {
		s.take(p.PacketID)
	}
	topic := alink.ParseTopic(p.Topic)
	d := s.whose(topic)
	if d == nil {
		foreignTopics.Inc()
		s.acknowledge(p.PacketID, mqtt.NotAuthorized)
		s.noSession(topic)
		return work{}, nil
	}
	if !logsIn(topic.Kind) {
		d.product.messages.up(d.id, &p)
	}
	w, err := s.message(now, d, topic.Kind, &p)
	if err != nil {
		return work{}, err
	}
	if w.word == nil && w.get == nil {
		s.acknowledge(p.PacketID, mqtt.Success) // nothing of it goes to disk
		return w, nil
	}
	if p.QoS == 1 {
		w.ackID = p.PacketID
	}
	w.props = userProperties(p.Properties, nil)
	return w, nil
}

// message reads what a device says, by topic. What cannot be read is answered
// where there is a topic for it.
func (s *session) message(now time.Time, d *device, kind alink.Kind, p *mqtt.Publish) (work, error) {
	if kind.OfGateway() {
		return s.request(now, d, kind, p), nil
	}
	switch kind {
	case alink.ConfigGet:
		return s.get(now, d, p), nil
	case alink.ConfigReport, alink.ConfigPushReply, alink.OTAProgress:
		if !d.words.take(now, wordEvery, wordBurst) {
			return work{}, bad(mqtt.MessageRateTooHigh, "too many messages")
		}
	}
	switch kind {
	case alink.ConfigReport:
		return s.report(d, p), nil
	case alink.ConfigPushReply:
		if r, err := alink.DecodeReply(p.Payload); err == nil {
			return work{device: d, word: d.replied(r)}, nil
		}
	case alink.OTAProgress:
		if r, err := alink.DecodeProgress(p.Payload); err == nil {
			return work{device: d, word: d.progressed(r)}, nil
		}
	}
	return work{}, nil // the device's own affair
}

func (s *session) get(now time.Time, d *device, p *mqtt.Publish) work {
	g, err := alink.DecodeGet(p.Payload)
	w := work{device: d, get: &g, getQoS: p.QoS, response: responseTo(d, p)}
	code := alink.CodeSuccess
	switch {
	case err != nil:
		code = err.(*alink.Error).Code
	case g.Silent, !d.subscriptions.deliver(w.response.kind(alink.ConfigGetReply)):
		return work{} // there is no other way to give it what it asks for
	case !d.gets.take(now, getEvery, getBurst):
		code = alink.CodeTooManyRequests
	default:
		return w
	}
	s.refuseGet(w, code)
	return work{}
}

func (s *session) report(d *device, p *mqtt.Publish) work {
	r, err := alink.DecodeReport(p.Payload)
	to := responseTo(d, p)
	if err != nil {
		s.answerReport(work{device: d, report: &r, response: to}, err.(*alink.Error).Code)
		return work{}
	}
	w := control.Word{ConfigID: r.ConfigID, Code: int(r.Code), Detail: r.Message, Rung: cota.Failed}
	switch r.State {
	case alink.Applied:
		w.Rung, w.Code = cota.Applied, 0
	case alink.Reverted:
		w.Reverted = true
	}
	return work{device: d, word: &w, report: &r, response: to}
}

// replied understands a push_reply. Its id is the push's number, but not all
// devices get it right: one that is not of a push that the device was offered
// is taken to be the last one's. Nil if there is nothing that it could speak
// of.
func (d *device) replied(r alink.Reply) *control.Word {
	push := d.pushes.last
	if push == 0 {
		return nil
	}
	if no, err := strconv.ParseInt(r.ID, 10, 64); err == nil && d.pushes.has(no) {
		push = no
	}
	w := &control.Word{Push: push, Rung: received(d.offered.inline && d.offered.push == push)}
	if r.Code != alink.CodeSuccess {
		w.Rung, w.Code, w.Detail = cota.Failed, int(r.Code), r.Message
	}
	return w
}

// progressed understands the progress of stock SDKs, which speaks of the file
// that they were offered last. Nil if there is nothing to record.
func (d *device) progressed(r alink.Progress) *control.Word {
	if d.offered.version == 0 || r.Module != "" {
		return nil
	}
	w := &control.Word{Version: d.offered.version}
	switch {
	case r.Done():
		w.Rung = cota.Applied
	case r.Step < 0:
		w.Rung, w.Code, w.Detail = cota.Failed, r.Step, r.Failure()
		if r.Desc != "" {
			w.Detail += ": " + r.Desc
		}
	default:
		return nil
	}
	return w
}

// puback takes the acknowledgement of what was sent.
func (s *session) puback(b []byte) (work, error) {
	a, err := mqtt.DecodeAck(b, s.version)
	if err != nil {
		return work{}, malformed(err)
	}
	m, ok := s.arrived(a.PacketID)
	if !ok {
		return work{}, nil
	}
	w := work{device: m.device, hasRoom: true}
	if m.push != 0 && m.push >= m.device.offered.push && a.Code < mqtt.UnspecifiedError { // an older push is over
		w.word = &control.Word{Push: m.push, Rung: received(m.inline)}
	}
	return w, nil
}

// refuseGet says why there is no configuration.
func (s *session) refuseGet(w work, code alink.Code) {
	if !w.get.Silent {
		s.send(w.device, alink.ConfigGetReply, w.getQoS, 0, w.response, func(dst []byte) []byte { return alink.AppendGetError(dst, w.get.ID, code) })
	}
}

func (s *session) answerReport(w work, code alink.Code) {
	if !w.report.Silent {
		s.send(w.device, alink.ConfigReportReply, 0, 0, w.response, func(dst []byte) []byte { return alink.AppendReportReply(dst, w.report.ID, code) })
	}
}

// send writes a message to one of a device's topics. What it has ended its
// subscription to, or is too large for it, does not go out; what finds no room
// in flight goes without an acknowledgement.
func (s *session) send(d *device, kind alink.Kind, qos byte, push int64, to *response, payload func([]byte) []byte) bool {
	if !d.subscriptions.deliver(to.kind(kind)) {
		return false
	}
	var topic [alink.MaxTopic]byte
	scratch := outBuffers.Get().(*[outBuffer]byte)
	defer outBuffers.Put(scratch)
	m := mqtt.Publish{Topic: alink.AppendTopic(topic[:0], kind, d.key(), d.name()), Payload: payload(scratch[:0])}
	if qos == 1 && s.roomInFlight() {
		m.QoS, m.PacketID = 1, s.nextID()
	}
	byAlias := true
	if to != nil && to.correlation != nil {
		m.Properties = m.Properties.AppendBytes(mqtt.CorrelationData, to.correlation)
	}
	if to != nil && to.topic != nil {
		m.Topic, byAlias = to.topic, false // it may name another one each time
	}
	if !(byAlias && s.writeByAlias(m)) && !s.write(&m) {
		return false
	}
	if m.QoS == 1 {
		s.sent(inflight{id: m.PacketID, device: d, push: push})
	}
	if !logsIn(kind) {
		d.product.messages.down(d.id, &m)
	}
	return true
}

// write adds a message to what is to be sent, unless it is too large for the
// device (5.0 section 3.1.2.11.4).
func (s *session) write(m *mqtt.Publish) bool {
	before := len(s.out)
	s.out = m.Append(s.out, s.version)
	if len(s.out)-before > int(s.packetMax) {
		s.out = s.out[:before]
		return false
	}
	return true
}
