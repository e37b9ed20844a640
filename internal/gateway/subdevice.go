package gateway

import (
	"slices"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// How much a gateway may ask: so many sub-devices at once, and then one per
// interval (vendor: 200 a second). It may add as many as can be behind it, and
// log them in, at once.
const (
	askBurst = 2 * cota.MaxSubdevices
	askEvery = 5 * time.Millisecond
	// listCost is what a list of all sub-devices counts for.
	listCost = 20
)

// subs are the devices behind a gateway, as far as they are logged in on its
// connection. Each is served as if it had a connection of its own.
type subs struct {
	devices map[string]*device // by "productKey/deviceName"
	queue   []*device          // whose offers wait for room, in that order
	asked   bucket
	notices uint64
}

// request is what a gateway asks about sub-devices.
type request struct {
	alink.GatewayRequest
	kind alink.Kind
}

// whose is the device on this connection that a topic belongs to; nil if it is
// another's.
func (s *session) whose(t alink.Topic) *device {
	switch {
	case t.Of(s.device.key(), s.device.name()):
		return &s.device
	case s.subs == nil || t.DeviceName == nil:
		return nil
	}
	var key [alink.MaxTopic]byte
	path := append(key[:0], t.ProductKey...)
	path = append(append(path, '/'), t.DeviceName...)
	return s.subs.devices[string(path)]
}

// listener is the device on this connection that a filter belongs to; nil if it
// is another's.
func (s *session) listener(filter string) *device {
	if alink.OwnFilter(filter, s.device.key(), s.device.name()) {
		return &s.device
	}
	if s.subs == nil {
		return nil
	}
	product, name := alink.FilterOwner(filter)
	if !alink.OwnFilter(filter, product, name) {
		return nil
	}
	return s.subs.devices[product+"/"+name]
}

// request reads what the connection's device asks as a gateway. Devices behind
// it are none themselves.
func (s *session) request(now time.Time, d *device, kind alink.Kind, p *mqtt.Publish) work {
	if d != &s.device {
		return work{}
	}
	asked, err := alink.DecodeGatewayRequest(kind, p.Payload)
	r := request{asked, kind}
	cost := len(r.Devices)
	if kind == alink.TopoGet {
		cost = listCost
	}
	switch {
	case err != nil:
		s.answerGateway(&r, err.(*alink.Error).Code, nil)
	case !s.behind().asked.takeSome(now, askEvery, askBurst, cost):
		s.answerGateway(&r, alink.CodeTooManyRequests, nil)
	default:
		return work{gateway: &r}
	}
	return work{}
}

// answerGateway answers a request (vendor: these messages have QoS 0).
func (s *session) answerGateway(r *request, code alink.Code, of []alink.Identity) {
	if r.Silent {
		return
	}
	reply := func(dst []byte) []byte { return alink.AppendGatewayReply(dst, r.kind, r.ID, code, of) }
	if !s.send(&s.device, r.kind.Reply(), 0, 0, nil, reply) && code == alink.CodeSuccess {
		s.answerGateway(r, alink.CodeServerError, nil) // the list is longer than it takes
	}
}

// enter makes a device that is let in one of the session's, though nothing is
// sent to it before welcome.
func (s *session) enter(as control.Entrant, p *product) *device {
	d := newDevice(as, p)
	s.subs.devices[as.Product+"/"+as.Name] = &d
	return &d
}

// leave takes a sub-device out of the session, if it is there still.
func (s *session) leave(d *device) bool {
	key := d.key() + "/" + d.name()
	if s.subs.devices[key] != d {
		return false
	}
	delete(s.subs.devices, key)
	if d.waiting {
		s.subs.queue = slices.DeleteFunc(s.subs.queue, func(other *device) bool { return other == d })
	}
	d.signedIn, d.waiting = false, false
	return true
}

// logOut takes a sub-device out of the session and tells the gateway why. It
// reports whether it was logged in. One that is about to be is told of when the
// gateway knows that it was.
func (s *session) logOut(d *device, code alink.Code) bool {
	was := d.signedIn
	switch {
	case !s.leave(d):
		return false
	case was:
		s.notice(code, alink.Identity{ProductKey: d.key(), DeviceName: d.name()})
	default:
		d.gone = code
	}
	return was
}

// welcomeAll notes that the gateway knows that these are logged in, and returns
// those that are no longer.
func (s *session) welcomeAll(all []*device) (gone []*device) {
	for _, d := range all {
		if d.gone == 0 {
			d.signedIn = true
			continue
		}
		s.notice(d.gone, alink.Identity{ProductKey: d.key(), DeviceName: d.name()})
		gone = append(gone, d)
	}
	return gone
}

// noSession tells a gateway that it speaks for a device that is not logged in.
func (s *session) noSession(t alink.Topic) {
	of := alink.Identity{ProductKey: string(t.ProductKey), DeviceName: string(t.DeviceName)}
	if s.subs != nil && alink.ValidProductKey(of.ProductKey) && alink.ValidDeviceName(of.DeviceName) {
		s.notice(alink.CodeNoSession, of)
	}
}

// notice tells a gateway that a sub-device has no session (vendor: Error codes
// for sub-device development).
func (s *session) notice(code alink.Code, of alink.Identity) {
	id := s.subs.nextNotice()
	s.send(&s.device, alink.SessionError, 0, 0, nil, func(dst []byte) []byte { return alink.AppendSessionError(dst, id, code, of) })
}
