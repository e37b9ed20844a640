package gateway

import (
	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// asked does what a gateway asks about devices behind it, and answers.
func (c *conn) asked(r *request) error {
	gateway := c.device().who()
	switch r.kind {
	case alink.TopoAdd:
		bad, err := c.gw.control.Attach(c.gw.ctx, &gateway, subdevicesOf(r.Devices))
		if cota.CodeOf(err) == cota.Unauthenticated {
			c.answer(r, alink.CodeBadAuth, r.Devices[bad:bad+1])
			return nil
		}
		c.answerFor(r, bad, err)
	case alink.TopoDelete:
		bad, err := c.gw.control.Detach(c.gw.ctx, &gateway, subdevicesOf(r.Devices))
		c.answerFor(r, bad, err)
	case alink.TopoGet:
		c.list(r)
	case alink.SubRegister:
		c.registerSubs(r)
	case alink.CombineLogin, alink.CombineBatchLogin:
		return c.logIn(r)
	case alink.CombineLogout, alink.CombineBatchLogout:
		c.logOut(r)
	}
	return nil
}

func subdevicesOf(all []alink.Subdevice) []control.Subdevice {
	them := make([]control.Subdevice, len(all))
	for i := range all {
		d := &all[i]
		them[i] = control.Subdevice{Product: d.ProductKey, Name: d.DeviceName, Verify: d.Verify}
	}
	return them
}

// answerFor answers a request that was carried out, or refused because of the
// device at bad.
func (c *conn) answerFor(r *request, bad int, err error) {
	if err != nil {
		c.refuseSub(r, bad, err)
		return
	}
	c.answer(r, alink.CodeSuccess, r.Devices)
}

// refuseSub refuses a request because of the device at bad.
func (c *conn) refuseSub(r *request, bad int, err error) {
	if cota.CodeOf(err) == cota.Internal && c.gw.ctx.Err() == nil {
		c.gw.log.Error("request of a gateway failed", "product", c.device().key(), "device", c.device().name(), "err", err)
	}
	c.answer(r, codeIn(subdeviceCodes, err), r.Devices[bad:bad+1])
}

func (c *conn) answer(r *request, code alink.Code, of []alink.Subdevice) {
	c.mu.Lock()
	c.session.answerGateway(r, code, identitiesOf(of))
	c.mu.Unlock()
	c.via.flush()
}

func identitiesOf(all []alink.Subdevice) []alink.Identity {
	names := make([]alink.Identity, len(all))
	for i := range all {
		names[i] = all[i].Identity
	}
	return names
}

// list answers with the devices behind the gateway.
func (c *conn) list(r *request) {
	gateway := c.device().who()
	all, err := c.gw.control.Behind(c.gw.ctx, &gateway)
	code, names := alink.CodeSuccess, make([]alink.Identity, len(all))
	if err != nil {
		code = codeIn(subdeviceCodes, err)
	}
	for i, d := range all {
		names[i] = alink.Identity{ProductKey: d.Product, DeviceName: d.Name}
	}
	c.mu.Lock()
	c.session.answerGateway(r, code, names)
	c.mu.Unlock()
	c.via.flush()
}

// logIn logs sub-devices in, all of them or none, and offers them what they are
// owed. One that is logged in here already goes on as it is.
func (c *conn) logIn(r *request) error {
	fresh, bad, err := c.admitSubs(r.Devices)
	signIns.WithLabelValues(outcome(err)).Add(float64(len(r.Devices)))
	switch {
	case err == errTooManySubs:
		c.answer(r, alink.CodeTooManySubDevices, nil)
		return nil
	case err != nil:
		c.refuseSub(r, bad, err)
		return nil
	}
	gateway := c.device().who()
	for _, d := range fresh {
		who := d.who()
		if err := c.gw.control.ConnectedThrough(c.gw.ctx, &gateway, &who, d.connectedAt()); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.session.answerGateway(r, alink.CodeSuccess, identitiesOf(r.Devices))
	gone := c.session.welcomeAll(fresh)
	c.mu.Unlock()
	c.via.flush()
	for _, d := range gone {
		c.subLeft(d, closedByServer)
	}
	for _, d := range fresh {
		if err := c.gw.fleet(d.key()).greet(member{c, d}); err != nil {
			return err
		}
	}
	return nil
}

var errTooManySubs = cota.Errorf(cota.TooLarge, "%d sub-devices are logged in already", cota.MaxSubdevices)

// admitSubs checks the logins of sub-devices and has them join their fleets:
// all of them, or none because of that at bad. fresh are those that were not
// logged in before.
func (c *conn) admitSubs(all []alink.Subdevice) (fresh []*device, bad int, err error) {
	gateway, changes := c.device().who(), c.gw.changes.Load()
	let, bad, err := c.gw.control.SignInThrough(c.gw.ctx, &gateway, subdevicesOf(all))
	if err != nil {
		return nil, bad, err
	}
	of := make(map[string]*product)
	for _, d := range let {
		of[d.Product] = &c.gw.fleet(d.Product).product
	}
	fresh, stale, err := c.enterAll(let, of)
	for _, d := range stale {
		c.subLeft(d, closedByServer)
	}
	if err != nil {
		return nil, 0, err
	}
	for _, d := range fresh {
		subdevices.Inc()
		c.gw.fleet(d.key()).join(member{c, d})
	}
	if c.gw.changes.Load() == changes {
		return fresh, 0, nil
	}
	// As in admit: who was shut out while these logged in was not found.
	for bad = range all {
		if err := c.gw.control.RecheckThrough(c.gw.ctx, &gateway, &let[bad], all[bad].Verify); err != nil {
			c.backOut(fresh)
			return nil, bad, err
		}
	}
	return fresh, 0, nil
}

// enterAll makes devices that are let in the session's own, as far as they are
// not yet. of are their products, by key. stale are some that have since been
// removed, and added again by the same names.
func (c *conn) enterAll(let []control.Entrant, of map[string]*product) (fresh, stale []*device, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var as []control.Entrant
	for _, d := range let {
		here := c.session.subs.devices[d.Product+"/"+d.Name]
		if here != nil && here.id == d.ID {
			continue
		}
		if here != nil && c.session.leave(here) {
			stale = append(stale, here)
		}
		as = append(as, d)
	}
	if len(c.session.subs.devices)+len(as) > cota.MaxSubdevices {
		return nil, stale, errTooManySubs
	}
	for _, d := range as {
		fresh = append(fresh, c.session.enter(d, of[d.Product]))
	}
	return fresh, stale, nil
}

// backOut takes devices out again that were not told that they are in.
func (c *conn) backOut(fresh []*device) {
	c.mu.Lock()
	for _, d := range fresh {
		c.session.leave(d)
	}
	c.mu.Unlock()
	for _, d := range fresh {
		subdevices.Dec()
		c.gw.fleet(d.key()).leave(member{c, d})
	}
}

// logOut logs sub-devices out because their gateway asks for it: all of them,
// or none if one is not logged in.
func (c *conn) logOut(r *request) {
	c.mu.Lock()
	out := make([]*device, 0, len(r.Devices))
	for i, d := range r.Devices {
		here := c.session.subs.devices[d.ProductKey+"/"+d.DeviceName]
		if here == nil {
			c.mu.Unlock()
			c.answer(r, alink.CodeNoSession, r.Devices[i:i+1])
			return
		}
		out = append(out, here)
	}
	for _, d := range out {
		c.session.leave(d)
	}
	c.session.answerGateway(r, alink.CodeSuccess, identitiesOf(r.Devices))
	c.mu.Unlock()
	c.via.flush()
	for _, d := range out {
		c.subLeft(d, "logged out by its gateway")
	}
}

// shutOut ends the connection of a sub-device that may not stay, or is wanted
// elsewhere.
func (c *conn) shutOut(d *device) {
	gateway, who := c.device().who(), d.who()
	err := c.gw.control.Expelled(c.gw.ctx, &gateway, &who)
	c.expel(d, codeIn(expelledCodes, err), closedByServer)
}

// expel ends the connection of a sub-device and tells the gateway why. It does
// not wait for the gateway to take it.
func (c *conn) expel(d *device, code alink.Code, why string) {
	c.mu.Lock()
	was := c.session.logOut(d, code)
	c.via.send()
	c.mu.Unlock()
	if was {
		c.subLeft(d, why)
	}
}

// leaveAll ends the connections of all sub-devices with the gateway's own.
func (c *conn) leaveAll(why string) {
	c.mu.Lock()
	var all []*device
	if c.session.subs != nil {
		c.session.subs.queue = nil
		for _, d := range c.session.subs.devices {
			all = append(all, d)
		}
	}
	for _, d := range all {
		c.session.leave(d)
	}
	c.mu.Unlock()
	for _, d := range all { // the recorder commits them together
		c.subLeft(d, "its gateway: "+why)
	}
}

func (c *conn) subLeft(d *device, why string) {
	subdevices.Dec()
	c.left(d, why)
}
