package gateway

import (
	"slices"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
	"github.com/cotahq/cota/internal/mqtt"
)

// registrationTime is how long a device that has registered may take to leave
// (vendor: MQTT-based dynamic registration).
const registrationTime = 15 * time.Second

// errNotSecure refuses a registration whose secret could be read on the way.
var errNotSecure = cota.Errorf(cota.Invalid, "registration without TLS")

// granted is what a device has registered for, and where it is published.
type granted struct {
	topics  []string
	payload []byte
}

// register gives a device what it signs in with, and time to leave. It stays
// on a connection that is in no fleet.
func (c *conn) register() error {
	c.mu.Lock()
	login := *c.session.flow.login
	c.mu.Unlock()
	what, err := c.enrol(login)
	registrations.WithLabelValues(outcome(err)).Inc()
	if err != nil {
		return c.refuseRegistration(login, err)
	}
	c.gw.log.Info("device registered", "product", login.ProductKey, "device", login.DeviceName, "addr", c.addr())
	c.mu.Lock()
	c.session.grant(what)
	c.mu.Unlock()
	c.via.expect(registrationTime)
	c.via.flush()
	return nil
}

// enrol has the device registered, unless too many were refused, or without
// being listed granted. What an unlisted device gets is published twice: on the
// topic for which every SDK waits, and then on the one that the documentation
// names. There, LinkSDK 4 passes over what holds no deviceSecret.
func (c *conn) enrol(login alink.Login) (granted, error) {
	switch {
	case c.gw.refusals.PutOff(c.addr(), c.identity(login)) != limit.None:
		return granted{}, errTooMany
	case c.tls == nil && !c.gw.registerPlain:
		return granted{}, errNotSecure
	}
	r := control.Registration{
		Product: login.ProductKey, Name: login.DeviceName, Verify: login.VerifyRegistration, From: "mqtt, " + c.addr().String(),
	}
	if login.AuthType == alink.AuthRegister {
		secret, err := c.gw.control.Register(c.gw.ctx, r)
		return granted{[]string{alink.TopicRegister}, alink.AppendSecret(nil, r.Product, r.Name, secret)}, err
	}
	if err := c.gw.newcomers.check(r.Product, c.addr()); err != nil {
		return granted{}, err
	}
	r.May = c.gw.newcomers.once(r.Product, c.addr())
	id, token, err := c.gw.control.RegisterUnlisted(c.gw.ctx, r, login.ClientID)
	payload := alink.AppendDeviceToken(nil, r.Product, r.Name, id, token)
	return granted{[]string{alink.TopicUnlisted, alink.TopicRegister}, payload}, err
}

// refuseRegistration tells the device that it is not registered, and says how
// to close.
func (c *conn) refuseRegistration(login alink.Login, err error) error {
	if cota.CodeOf(err) == cota.Internal && c.gw.ctx.Err() == nil {
		c.gw.log.Error("registration failed", "addr", c.addr(), "product", login.ProductKey, "device", login.DeviceName, "err", err)
	}
	c.mu.Lock()
	end := c.session.refusedRegistration(err)
	c.mu.Unlock()
	if end.bad && !slices.Contains(noLook, err) {
		c.gw.refusals.Refused(c.addr(), c.identity(login))
	}
	c.via.flush()
	return end
}

// noLook are refusals that are not counted as such: they took no look at the
// database, but for the one registration that is the first beyond the bound of
// newcomers.
var noLook = []error{errTooMany, errNotSecure, errNewcomers}

// refusedRegistration answers a registration that control refused, and says
// how to close. 3.1.1 has 2 for what cannot be understood, or comes without
// TLS, 4 for what may not be, and 3 for what may be later.
func (s *session) refusedRegistration(err error) *closed {
	end := &closed{mqtt.BadUserNameOrPassword, "registration refused: " + err.Error(), true}
	switch cota.CodeOf(err) {
	case cota.Internal, cota.Unavailable:
		end = &closed{mqtt.ServerUnavailable, "registration failed", false}
	case cota.Invalid:
		end.code = mqtt.ClientIDNotValid
	case cota.RateLimited:
		end.code = mqtt.ConnectionRateExceeded
	}
	s.refuse(end.code)
	return end
}

// grant answers a registration that was accepted. The device did not subscribe
// and is not going to; if the message is lost, it registers again.
func (s *session) grant(what granted) {
	s.registered = true
	s.forgetLogin()
	s.out = mqtt.Connack{}.Append(s.out, s.version)
	for _, topic := range what.topics {
		p := mqtt.Publish{Topic: []byte(topic), Payload: what.payload}
		s.out = p.Append(s.out, s.version)
	}
}

// leaving takes a packet of a device that has registered: it is about to leave
// and has nothing more to say.
func (s *session) leaving(now time.Time, t mqtt.Type, b []byte) (work, error) {
	switch t {
	case mqtt.TypeDisconnect:
		if _, err := mqtt.DecodeDisconnect(b, s.version); err != nil {
			return work{}, malformed(err)
		}
		return work{}, errByDevice
	case mqtt.TypePingreq:
		if err := mqtt.DecodePing(b, s.version); err != nil {
			return work{}, malformed(err)
		}
		s.out = mqtt.AppendPingresp(s.out)
		return work{}, nil
	case mqtt.TypeSubscribe: // clients that know no message without it
		return s.subscribe(now, b)
	}
	return work{}, bad(mqtt.ProtocolError, "unexpected "+t.String()+" after a registration")
}

// errRegistered ends the connection of a device that has registered and does
// not leave.
var errRegistered = &closed{mqtt.Success, "registered", false}
