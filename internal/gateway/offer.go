package gateway

import (
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// due says whether the device may be owed an offer of push, and whether that
// has to be looked up: once it was offered it, only the store knows whether it
// came for the file. One that waits for room is left to its connection.
func (d *device) due(now time.Time, push, version int64) (due, lookup bool) {
	switch {
	case !d.signedIn || d.waiting || !d.subscriptions.deliver(alink.ConfigPush) || d.settled == push || d.newest > version || d.offered.push > push:
		return false, false
	case d.offered.push < push:
		return true, false
	}
	return d.offered.times < maxOffers && now.UnixNano() >= d.offered.expires, true
}

// nextDue is when the device may be owed another offer of push; never, for the
// zero time.
func (d *device) nextDue(push int64) time.Time {
	if d.waiting || !d.subscriptions.deliver(alink.ConfigPush) || d.settled == push || d.offered.push != push || d.offered.expires == 0 || d.offered.times >= maxOffers {
		return time.Time{}
	}
	return time.Unix(0, d.offered.expires)
}

// hasRoom says whether an offer can go out at once. It does not wait behind
// what is to be sent already: by the time it went out, the push could have been
// stopped.
func (s *session) hasRoom() bool { return len(s.out) == 0 && s.roomInFlight() }

// wait has a device wait until there is room for its offer.
func (s *session) wait(d *device) {
	if !d.waiting && d != &s.device {
		s.subs.queue = append(s.subs.queue, d)
	}
	d.waiting = true
}

// waits says whether there is room for an offer that has waited.
func (s *session) waits() bool {
	return (s.device.waiting || s.subs != nil && len(s.subs.queue) > 0) && s.hasRoom()
}

// secondOffer is how long a device that subscribes after it was made an offer
// has to come for it before it is made again.
const secondOffer = 10 * time.Second

// offerAgain has a device offered again soon what it was offered on this
// connection, if it does not come for it meanwhile. C SDK 3 drops what comes
// before it has subscribed to it, though it acknowledges it (field); most
// clients that subscribe have heard it, and are not to fetch everything twice.
func (d *device) offerAgain(now time.Time) {
	d.offered.expires = min(d.offered.expires, now.Add(secondOffer).UnixNano())
}

// next is a device that waited and need not any more; nil if there is none, or
// no room.
func (s *session) next() *device {
	d := &s.device
	switch {
	case !s.hasRoom():
		return nil
	case d.waiting:
	case s.subs != nil && len(s.subs.queue) > 0:
		d, s.subs.queue = s.subs.queue[0], s.subs.queue[1:]
	default:
		return nil
	}
	d.waiting = false
	return d
}

// push sends a device an offer that belongs to a push, in the template's words
// with the file, or the device's own token. There must be room. It reports
// whether it did.
func (s *session) push(d *device, o control.Offer, t *template, token []byte) bool {
	if d.newest > o.Version.Number {
		return false
	}
	inline := s.inlines(d, t)
	payload := func(dst []byte) []byte { return t.message.Append(dst, token) }
	if inline {
		payload = func([]byte) []byte { return t.inline }
	}
	if !s.send(d, alink.ConfigPush, 1, o.Push, nil, payload) {
		return false
	}
	d.note(o)
	d.offered.times++
	if inline {
		s.sentInline(d)
	}
	return true
}

// answer sends a configuration that a device asked for, with the QoS of the
// question.
func (s *session) answer(o control.Offer, w work, c alink.Config) {
	c.ID = w.get.ID
	send := func() bool {
		return s.send(w.device, alink.ConfigGetReply, w.getQoS, o.Push, w.response, func(dst []byte) []byte { return alink.AppendGetReply(dst, c) })
	}
	w.device.note(o)
	if w.get.Inline && alink.FitsInline(o.Version.Content) {
		url := c.URL
		c.URL, c.Content = "", o.Version.Content
		if send() {
			s.sentInline(w.device)
			return
		}
		c.URL, c.Content = url, "" // which is shorter
	}
	send()
}

// note remembers what the device was offered last.
func (d *device) note(o control.Offer) {
	times := uint8(0)
	if d.offered.push == o.Push {
		times = d.offered.times
	}
	// Not inline, until that is said.
	d.offered = offered{push: o.Push, version: o.Version.Number, expires: o.Expires.UnixNano(), times: times}
	d.newest = max(d.newest, o.Version.Number)
	d.pushes.add(o.Push)
}

// config is what the wire says of an offer.
func config(o control.Offer, url string) alink.Config {
	return alink.Config{ConfigID: o.Version.ConfigID, Size: o.Version.Size, Sign: o.Version.SHA256, URL: url}
}
