package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	// maxPacket bounds what a device may send at once (vendor: Limits).
	maxPacket = 256 << 10
	// Keep-alive times that are allowed (vendor: Establish MQTT connections
	// over TCP), in seconds. MQTT 5 clients are told the nearest.
	minKeepAlive = 30
	maxKeepAlive = 1200
	// maxOffers bounds how often a device is offered one push on a connection.
	maxOffers = 5
)

// session is the conversation on one connection: its packets, and the devices
// that they are from, which is one unless that is a gateway. It does no I/O:
// given a packet and the time it says what to send (out), what else to do (work)
// and, by an error, when to close. Transports bring it packets one after the
// other and guard it with a lock.
type session struct {
	flow    *flow    // nil: nothing is under way
	subs    *subs    // the devices behind the connection's own; nil unless that acts as a gateway
	aliases *aliases // nil: none was used
	out     []byte   // to be sent
	device  device   // the connection's own

	version    mqtt.Version // 0 until CONNECT
	certified  bool         // it presented a client certificate
	registered bool         // it has registered, and is about to leave
	receiveMax uint8        // MQTT 5: how many may be in flight
	aliasMax   uint8        // MQTT 5: the highest topic alias that is taken
	lastID     uint16
	packetMax  uint32 // MQTT 5: the largest packet that is taken
	keepAlive  uint16 // seconds
}

// work is what a packet asks for beyond the session: at most one of these.
type work struct {
	signIn   bool
	register bool
	props    []cota.Property // user properties of the packet, for the timeline
	device   *device         // whose get or word it is
	get      *alink.Get
	getQoS   byte
	response *response // to get or report
	word     *control.Word
	ackID    uint16        // to be acknowledged when the work is on disk; 0: nothing
	report   *alink.Report // to be answered then; nil: nothing
	hasRoom  bool          // offers that waited may be made now
	hears    []string      // products: offers that a device of theirs did not want may be made now
	gateway  *request      // what the device asks as a gateway
}

// closed ends a connection. code tells an MQTT 5 device why.
type closed struct {
	code mqtt.Code
	why  string
	bad  bool // the device broke the protocol
}

func (c *closed) Error() string { return c.why }

func bad(code mqtt.Code, why string) error { return &closed{code, why, true} }

var errByDevice = &closed{mqtt.Success, "by device", false}

// timeout is how long the device may take for its next packet. Keep-alive is
// enforced at one and a half times (MQTT 3.1.1 section 3.1.2.10).
func (s *session) timeout() time.Duration {
	if !s.device.signedIn {
		return connectTimeout
	}
	return time.Duration(s.keepAlive) * time.Second * 3 / 2
}

// handle takes one whole packet.
func (s *session) handle(now time.Time, b []byte) (work, error) {
	t := mqtt.TypeOf(b)
	if s.version == 0 {
		if t != mqtt.TypeConnect {
			return work{}, bad(mqtt.ProtocolError, "first packet is not CONNECT")
		}
		return s.connect(b)
	}
	if s.registered {
		return s.leaving(now, t, b)
	}
	switch t {
	case mqtt.TypePublish:
		return s.publish(now, b)
	case mqtt.TypePuback:
		return s.puback(b)
	case mqtt.TypeSubscribe:
		return s.subscribe(now, b)
	case mqtt.TypeUnsubscribe:
		return work{}, s.unsubscribe(b)
	case mqtt.TypePingreq:
		if err := mqtt.DecodePing(b, s.version); err != nil {
			return work{}, malformed(err)
		}
		s.out = mqtt.AppendPingresp(s.out)
		return work{}, nil
	case mqtt.TypeDisconnect:
		if _, err := mqtt.DecodeDisconnect(b, s.version); err != nil {
			return work{}, malformed(err)
		}
		return work{}, errByDevice
	}
	return work{}, bad(mqtt.ProtocolError, "unexpected "+t.String())
}

// malformed is the end of a connection on which a packet could not be read.
func malformed(err error) error {
	if e, ok := errors.AsType[*mqtt.Error](err); ok {
		return bad(e.Code, e.Msg)
	}
	return bad(mqtt.UnspecifiedError, err.Error())
}

// connect reads CONNECT and asks for the device to be signed in. Whatever is
// refused here has its CONNACK in out.
func (s *session) connect(b []byte) (work, error) {
	c, err := mqtt.DecodeConnect(b)
	if err != nil {
		s.version = c.Version
		if e, ok := errors.AsType[*mqtt.Error](err); ok && answered(c.Version, e.Code) {
			s.refuse(e.Code)
		}
		return work{}, malformed(err)
	}
	s.version = c.Version
	s.keepAlive = c.KeepAlive
	if c.Properties.Bytes(mqtt.AuthMethod) != nil {
		s.refuse(mqtt.BadAuthenticationMethod)
		return work{}, bad(mqtt.BadAuthenticationMethod, "enhanced authentication is not supported")
	}
	rm, _ := c.Properties.Uint(mqtt.ReceiveMaximum)
	s.receiveMax = uint8(min(rm, maxInflight))
	pm, _ := c.Properties.Uint(mqtt.MaximumPacketSize)
	s.packetMax = pm
	am, _ := c.Properties.Uint(mqtt.TopicAliasMaximum)
	s.aliasMax = uint8(min(am, maxAlias))

	// The login outlives the packet.
	login, err := alink.ParseLogin(string(c.ClientID), string(c.Username), string(c.Password))
	s.underWay().login = &login
	switch {
	case errors.Is(err, alink.ErrNoUserName) && s.certified: // and that says who it is
	case errors.Is(err, alink.ErrClientID):
		s.refuse(mqtt.ClientIDNotValid)
		return work{}, bad(mqtt.ClientIDNotValid, err.Error())
	case err != nil:
		s.refuse(mqtt.BadUserNameOrPassword)
		return work{}, bad(mqtt.BadUserNameOrPassword, err.Error())
	case login.Registers(): // whatever its keep-alive
		return work{register: true}, nil
	}
	if s.version != mqtt.V5 && (s.keepAlive < minKeepAlive || s.keepAlive > maxKeepAlive) {
		s.refuse(mqtt.ClientIDNotValid)
		return work{}, bad(mqtt.ClientIDNotValid, fmt.Sprintf("keep-alive of %d s is not within %d to %d s", s.keepAlive, minKeepAlive, maxKeepAlive))
	}
	return work{signIn: true, props: userProperties(c.Properties, c.Password)}, nil
}

// answered reports whether a CONNECT that could not be read is answered. 3.1.1
// has words for two faults only; any other ends the connection in silence
// (3.1.1 section 3.1.4). v is 0 if there is nobody to understand the answer.
func answered(v mqtt.Version, code mqtt.Code) bool {
	return v == mqtt.V5 || v != 0 && (code == mqtt.UnsupportedVersion || code == mqtt.ClientIDNotValid)
}

// refuse writes a CONNACK that is not a success.
func (s *session) refuse(code mqtt.Code) {
	c := mqtt.Connack{Code: code}
	s.out = c.Append(s.out, s.version)
}

// refused answers a login that control refused, and says how to close. A device
// whose iotToken is no longer good is told 3, upon which it asks for another
// (vendor: Establish MQTT connections over TCP).
func (s *session) refused(err error) *closed {
	code, why, bad := mqtt.ServerUnavailable, err.Error(), false
	switch cota.CodeOf(err) {
	case cota.Internal:
		why = "sign-in failed"
	case cota.Unauthenticated:
		code, bad = mqtt.BadUserNameOrPassword, true
	case cota.NotFound, cota.Disabled, cota.Forbidden:
		code, bad = mqtt.NotAuthorized, true
	case cota.RateLimited: // put off, which is not refused: it was not looked at
		code = mqtt.ConnectionRateExceeded
		if errors.Is(err, errFight) {
			code = mqtt.QuotaExceeded
		}
	}
	if s.flow.login.IotID != "" && (code == mqtt.BadUserNameOrPassword || cota.CodeOf(err) == cota.NotFound) {
		code = mqtt.ServerUnavailable
	}
	s.refuse(code)
	return &closed{code, why, bad}
}

// admit is told whose connection this is, and whether the device takes small
// files in the push itself.
func (s *session) admit(as control.Entrant, p *product, inline bool) *device {
	s.device = newDevice(as, p)
	s.device.inline = inline
	return &s.device
}

// welcome answers a login that was accepted. No session outlives its
// connection here, so none is ever present.
func (s *session) welcome() {
	s.device.signedIn = true
	c := mqtt.Connack{}
	if s.version == mqtt.V5 {
		c.Properties = s.connackProperties()
	}
	s.out = c.Append(s.out, s.version)
	s.forgetLogin()
}

// connackProperties says what this server does (vendor: Optimized device-cloud
// interactions, all of whose properties are there though the absence of some
// would mean the same). One differs: whatever session expiry the device asked
// for, it is told 0, since no session outlives its connection here.
func (s *session) connackProperties() mqtt.Properties {
	p := mqtt.Properties(nil).
		AppendUint(mqtt.SessionExpiry, 0).
		AppendUint(mqtt.ReceiveMaximum, maxAcks).
		AppendUint(mqtt.MaximumQoS, 1).
		AppendUint(mqtt.RetainAvailable, 1).
		AppendUint(mqtt.MaximumPacketSize, maxPacket).
		AppendUint(mqtt.TopicAliasMaximum, maxAlias).
		AppendUint(mqtt.WildcardAvailable, 1).
		AppendUint(mqtt.SubscriptionIDAvailable, 0).
		AppendUint(mqtt.SharedAvailable, 1)
	if k := allowed(s.keepAlive); k != s.keepAlive {
		s.keepAlive = k
		p = p.AppendUint(mqtt.ServerKeepAlive, uint32(k))
	}
	if s.flow.login.ClientID == "" {
		p = p.AppendBytes(mqtt.AssignedClientID, []byte(s.device.key()+"."+s.device.name()))
	}
	return p
}

// allowed is the keep-alive nearest to what was asked for. 0 asks for none.
func allowed(asked uint16) uint16 {
	if asked == 0 {
		return maxKeepAlive
	}
	return min(max(asked, minKeepAlive), maxKeepAlive)
}

// subscribe grants what lies in the namespaces of the devices on this
// connection.
func (s *session) subscribe(now time.Time, b []byte) (w work, err error) {
	p, err := mqtt.DecodeSubscribe(b, s.version)
	if err != nil {
		return work{}, malformed(err)
	}
	if _, ok := p.Properties.Uint(mqtt.SubscriptionID); ok {
		return work{}, bad(mqtt.SubscriptionIDsNotSupported, "subscription identifiers are not supported")
	}
	answer := mqtt.Suback{PacketID: p.PacketID}
	for sub := range p.Subscriptions.All() {
		code := min(sub.QoS, 1)
		d := s.listener(string(sub.Filter))
		switch {
		case d == nil:
			code = byte(mqtt.NotAuthorized)
			foreignTopics.Inc()
		case d.subscriptions.subscribe(sub.Filter, d.key(), d.name()):
			w.hears = append(w.hears, d.key())
		case d.offered.times > 0 && matches(sub.Filter, alink.ConfigPush, d.key(), d.name()):
			d.offerAgain(now)
		}
		answer.Codes = append(answer.Codes, code)
	}
	s.out = answer.Append(s.out, s.version)
	return w, nil
}

func (s *session) unsubscribe(b []byte) error {
	p, err := mqtt.DecodeUnsubscribe(b, s.version)
	if err != nil {
		return malformed(err)
	}
	answer := mqtt.Unsuback{PacketID: p.PacketID}
	for filter := range p.Filters.All() {
		code := mqtt.NoSubscriptionExisted
		if d := s.listener(string(filter)); d != nil && d.subscriptions.unsubscribe(filter, d.key(), d.name()) {
			code = mqtt.Success
		}
		answer.Codes = append(answer.Codes, byte(code))
	}
	s.out = answer.Append(s.out, s.version)
	return nil
}

// disconnect tells an MQTT 5 device why the server ends the connection. A
// device that has not been welcomed has its CONNACK instead.
func (s *session) disconnect(code mqtt.Code) {
	if s.version == mqtt.V5 && s.device.signedIn && code != mqtt.Success {
		d := mqtt.Disconnect{Code: code}
		s.out = d.Append(s.out, s.version)
	}
}

// bucket allows a burst of events and then one per interval.
type bucket struct {
	full int64 // Unix nanoseconds
}

func (b *bucket) take(now time.Time, every time.Duration, burst int) bool {
	return b.takeSome(now, every, burst, 1)
}

// takeSome takes n events, or none.
func (b *bucket) takeSome(now time.Time, every time.Duration, burst, n int) bool {
	at := now.UnixNano()
	b.full = max(b.full, at-int64(every)*int64(burst))
	next := b.full + int64(every)*int64(n)
	if next > at {
		return false
	}
	b.full = next
	return true
}
