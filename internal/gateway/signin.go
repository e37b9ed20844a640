package gateway

import (
	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
)

// signIn lets the device in, and offers it what it is owed. properties are the
// user properties of its CONNECT.
func (c *conn) signIn(properties []cota.Property) error {
	login := *c.login()
	if err := c.begin(login, properties, c.admit(login)); err != nil {
		return err
	}
	return c.greet()
}

// login is how the device signs in.
func (c *conn) login() *alink.Login {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.flow.login
}

// begin tells the device whether it was let in, as err says. If it was, that is
// put on record first.
func (c *conn) begin(login alink.Login, properties []cota.Property, err error) error {
	signIns.WithLabelValues(outcome(err)).Inc()
	if err != nil {
		return c.refuse(login, err)
	}
	d := c.device().who()
	if err := c.gw.control.Connected(c.gw.ctx, &d, c.device().connectedAt(), c.addr().String(), properties); err != nil {
		return err
	}
	c.mu.Lock()
	c.session.borrow()
	c.session.welcome()
	if c.tls != nil && c.tls.certified && login.ProductKey == "" {
		c.session.identify()
	}
	c.mu.Unlock()
	c.via.flush()
	return nil
}

// greet offers the device what it is owed.
func (c *conn) greet() error { return c.fleet().greet(c.member()) }

func outcome(err error) string {
	if err == nil {
		return "accepted"
	}
	return string(cota.CodeOf(err))
}

// admit checks the login, unless it is put off, and joins the fleet.
func (c *conn) admit(login alink.Login) error {
	if err := c.mayTry(login); err != nil {
		return err
	}
	changes := c.gw.changes.Load()
	by, err := c.entry(login)
	if err != nil {
		return err
	}
	d, err := by.signIn(c.gw.ctx)
	if err != nil {
		return err
	}
	return c.enter(d, login, by, changes)
}

// enter joins the fleet as d, which was let in when changes were counted.
func (c *conn) enter(d control.Entrant, login alink.Login, by entry, changes int64) error {
	again, err := c.join(d, login, changes)
	if !again || err != nil {
		return err
	}
	if err := by.recheck(c.gw.ctx, &d); err != nil {
		return err
	}
	c.stand(d.Standing)
	return nil
}

// join joins the fleet as d, which was let in when changes were counted. It
// reports whether the device is to be looked at again. For who is shut out from
// now on is found in the fleet; who was shut out while this one signed in was
// not. And what the device was offered meanwhile on its older connection, which
// has fallen silent, decides what it is owed.
func (c *conn) join(d control.Entrant, login alink.Login, changes int64) (again bool, err error) {
	// Before the greeting: whatever is pushed from now on finds the device there.
	f := c.gw.fleet(d.Product)
	c.mu.Lock()
	c.session.admit(d, &f.product, login.Inline)
	c.known = true
	c.mu.Unlock()
	c.gw.refusals.Accepted(c.addr(), c.identity(login))
	again = f.join(c.member())
	c.gw.joined(c)
	if again || d.Elsewhere {
		err = c.tookOver(login, again)
	}
	return again || c.gw.changes.Load() != changes, err
}

// stand takes up where the device stands, as it has been looked up again.
func (c *conn) stand(at cota.Standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.device().stand(at)
}

// mayTry puts a login off that is not to be looked at now, which costs no look
// at the database.
func (c *conn) mayTry(login alink.Login) error {
	who := c.identity(login)
	if c.gw.fights.slows(who) {
		putOff.WithLabelValues("takeover").Inc()
		return errFight
	}
	switch b := c.gw.refusals.PutOff(c.addr(), who); b {
	case limit.None:
		return nil
	default:
		putOff.WithLabelValues(string(b)).Inc()
		return errTooMany
	}
}

var (
	errTooMany = cota.Errorf(cota.RateLimited, "too many refused sign-ins")
	errFight   = cota.Errorf(cota.RateLimited, "too many sign-ins that end the device's connection")
)

// refuse tells the device that it is not let in, and says how to close. Only
// what took a look at the database counts as refused: the rest costs no more
// than to put it off.
func (c *conn) refuse(login alink.Login, err error) error {
	if cota.CodeOf(err) == cota.Internal && c.gw.ctx.Err() == nil {
		c.gw.log.Error("sign-in failed", "addr", c.addr(), "err", err)
	}
	c.mu.Lock()
	end := c.session.refused(err)
	c.mu.Unlock()
	if end.bad && c.device() == nil {
		c.gw.refusals.Refused(c.addr(), c.identity(login))
	}
	c.via.flush()
	return end
}
