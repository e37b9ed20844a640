package gateway

import (
	"strconv"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// topologyStatuses are how a gateway is told what an operator has done.
var topologyStatuses = map[cota.TopologyEvent]alink.TopologyStatus{
	cota.SubdeviceRemoved:  alink.TopologyDeleted,
	cota.SubdeviceEnabled:  alink.TopologyEnabled,
	cota.SubdeviceDisabled: alink.TopologyDisabled,
}

// Tell has a gateway of a product, if it is connected here, told what an operator
// has done to a device behind it. It does not block.
func (g *Gateway) Tell(product string, c cota.TopologyChange) {
	g.mu.Lock()
	f := g.fleets[product]
	g.mu.Unlock()
	if f == nil {
		return
	}
	f.mu.Lock()
	m, here := f.members.get(c.Gateway)
	f.mu.Unlock()
	if here && m.own() {
		m.conn.tell(c)
	}
}

func (c *conn) tell(change cota.TopologyChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || !c.session.device.signedIn {
		return
	}
	c.session.topologyChanged(change)
	c.via.send()
}

// topologyChanged tells a gateway of a change (vendor: Manage topological
// relationships).
func (s *session) topologyChanged(c cota.TopologyChange) {
	id := s.behind().nextNotice()
	of := alink.Identity{ProductKey: c.Product, DeviceName: c.Name}
	s.send(&s.device, alink.TopoChange, 0, 0, nil, func(dst []byte) []byte {
		return alink.AppendTopologyChange(dst, id, topologyStatuses[c.Event], of)
	})
}

// behind is what is known of devices behind this one, which acts as a gateway.
func (s *session) behind() *subs {
	if s.subs == nil {
		s.subs = &subs{devices: make(map[string]*device)}
	}
	return s.subs
}

// nextNotice is the id of the next notice to the gateway.
func (s *subs) nextNotice() string {
	s.notices++
	return strconv.FormatUint(s.notices, 10)
}

// subRegisterCodes are how refusals of a SubRegister are said that have codes of
// their own.
var subRegisterCodes = map[error]alink.Code{
	control.ErrProductUnknown:  alink.CodeProductNotFound,
	control.ErrRegistrationOff: alink.CodeRegistrationOff,
	control.ErrActivated:       alink.CodeAlreadyActive,
}

// registerSubs gives the gateway secrets of devices behind it, all of them or
// none.
func (c *conn) registerSubs(r *request) {
	if c.tls == nil && !c.gw.registerPlain {
		registrations.WithLabelValues(outcome(errNotSecure)).Inc()
		c.answer(r, alink.CodeBadParameters, nil)
		return
	}
	gateway := c.device().who()
	got, bad, err := c.gw.control.RegisterBehind(c.gw.ctx, &gateway, subdevicesOf(r.Devices))
	registrations.WithLabelValues(outcome(err)).Add(float64(len(r.Devices)))
	if code, ok := subRegisterCodes[err]; ok {
		c.answer(r, code, r.Devices[bad:bad+1])
		return
	}
	if err != nil {
		c.refuseSub(r, bad, err)
		return
	}
	c.gw.log.Info("devices registered by a gateway", "product", c.device().key(), "device", c.device().name(), "addr", c.addr(), "registered", len(got))
	all := make([]alink.SubdeviceSecret, len(got))
	for i, d := range got {
		all[i] = alink.SubdeviceSecret{
			Identity: alink.Identity{ProductKey: d.Product, DeviceName: d.Name}, IotID: strconv.FormatInt(d.Device, 10), DeviceSecret: d.Secret,
		}
	}
	c.mu.Lock()
	c.session.send(&c.session.device, alink.SubRegisterReply, 0, 0, nil, func(dst []byte) []byte { return alink.AppendSubRegistered(dst, r.ID, all) })
	c.mu.Unlock()
	c.via.flush()
}
