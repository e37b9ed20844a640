package gateway

import (
	"slices"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// due says whether the session may owe its device an offer of push, and
// whether that has to be looked up: once the device was offered it, only the
// store knows whether it came for the file.
func (s *session) due(now time.Time, push, version int64) (due, lookup bool) {
	switch {
	case !s.signedIn || s.settled == push || s.newest > version || s.offered.push > push:
		return false, false
	case s.offered.push < push:
		return true, false
	}
	return s.offered.times < maxOffers && !now.Before(s.offered.expires), true
}

// nextDue is when the session may owe another offer of push; never, for the
// zero time.
func (s *session) nextDue(push int64) time.Time {
	if s.settled == push || s.offered.push != push || s.offered.times >= maxOffers {
		return time.Time{}
	}
	return s.offered.expires
}

// push sends an offer that belongs to a push, in the template's words with
// the device's own token. It reports whether it did.
func (s *session) push(o control.Offer, t *alink.PushTemplate, token []byte) bool {
	if s.newest > o.Version.Number {
		return false
	}
	if !s.roomInFlight() {
		s.waiting = true
		return false
	}
	if !s.send(alink.ConfigPush, 1, o.Push, func(dst []byte) []byte { return t.Append(dst, token) }) {
		return false
	}
	s.note(o)
	s.offered.times++
	return true
}

// answer sends a configuration that the device asked for, with the QoS of the
// question.
func (s *session) answer(o control.Offer, g *alink.Get, qos byte, c alink.Config) {
	c.ID = g.ID
	s.send(alink.ConfigGetReply, qos, o.Push, func(dst []byte) []byte { return alink.AppendGetReply(dst, c) })
	s.note(o)
}

// note remembers what the device was offered last.
func (s *session) note(o control.Offer) {
	times := 0
	if s.offered.push == o.Push {
		times = s.offered.times
	}
	s.offered = offered{push: o.Push, version: o.Version.Number, expires: o.Expires, times: times}
	s.newest = max(s.newest, o.Version.Number)
	s.remember(o.Push)
}

// remembered bounds how many pushes are remembered for late answers.
const remembered = 8

// remember notes a push, unless it is 0, for answers that name it.
func (s *session) remember(push int64) {
	if push == 0 || slices.Contains(s.pushes, push) {
		return
	}
	s.pushes = append(s.pushes, push)
	if n := len(s.pushes) - remembered; n > 0 {
		s.pushes = slices.Delete(s.pushes, 0, n)
	}
}

// config is what the wire says of an offer.
func config(o control.Offer, url string) alink.Config {
	return alink.Config{ConfigID: o.Version.ConfigID, Size: o.Version.Size, Sign: o.Version.SHA256, URL: url}
}
