package gateway

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

const (
	fuzzProduct = "a1Fuzzing00"
	fuzzDevice  = "dev-000001"
)

// FuzzSession has a device that has signed in say anything.
func FuzzSession(f *testing.F) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		f.Add(byte(v), uint16(3), talk(v))
	}
	f.Fuzz(func(t *testing.T, version byte, receiveMax uint16, said []byte) {
		c := fuzzed{t: t, template: fuzzTemplate(t)}
		c.signIn(mqtt.V31+mqtt.Version(version%3), max(receiveMax, 1))
		for c.say(said) {
			said = said[c.taken:]
		}
		c.check()
	})
}

// FuzzConnect has a device begin with anything.
func FuzzConnect(f *testing.F) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		c := fuzzConnect(v, 20)
		c.Will = mqtt.Will{QoS: 1, Topic: []byte("/a"), Payload: []byte("b")}
		f.Add(c.Append(nil))
	}
	f.Fuzz(func(t *testing.T, first []byte) {
		n, err := mqtt.Frame(first, maxPacket)
		if err != nil || n > len(first) {
			return
		}
		var s session
		w, err := s.handle(time.Unix(1e9, 0), first[:n])
		if w.signIn && w.register || (w.signIn || w.register) == (err != nil) {
			t.Fatalf("handle(%x) asks to sign in: %t, to register: %t; error %v", first[:n], w.signIn, w.register, err)
		}
		if len(s.out) == 0 {
			return
		}
		if c, err := mqtt.DecodeConnack(s.out, s.version); err != nil || c.Code == mqtt.Success {
			t.Fatalf("handle(%x) answers %x, which is %v, %v; want a CONNACK that refuses", first[:n], s.out, c.Code, err)
		}
	})
}

// fuzzed is one conversation, with what conn does for a session and without
// the rest of the server.
type fuzzed struct {
	t        *testing.T
	session  session
	now      time.Time
	template *template
	push     int64
	taken    int           // bytes of the packet that was said last
	heard    *bytes.Buffer // what the device was sent
	seen     []*device     // sub-devices that were ever logged in
}

func (c *fuzzed) signIn(v mqtt.Version, receiveMax uint16) {
	c.now, c.heard = time.Unix(1e9, 0), new(bytes.Buffer)
	connect := fuzzConnect(v, receiveMax)
	if w, err := c.session.handle(c.now, connect.Append(nil)); err != nil || !w.signIn {
		c.t.Fatalf("CONNECT: %v, sign in %t", err, w.signIn)
	}
	c.session.admit(control.Entrant{Device: control.Device{ID: 1, Product: fuzzProduct, Name: fuzzDevice}}, &product{key: fuzzProduct}, false)
	c.session.welcome()
}

// say has the device say its next packet, and reports whether it may go on.
func (c *fuzzed) say(b []byte) bool {
	n, err := mqtt.Frame(b, maxPacket)
	if err != nil || n > len(b) || c.session.unacknowledged() >= maxAcks {
		return false
	}
	c.taken = n
	c.now = c.now.Add(time.Duration(n) * 10 * time.Millisecond)
	w, err := c.session.handle(c.now, b[:n])
	if err != nil {
		return false
	}
	c.work(w)
	c.heard.Write(c.session.out)
	c.session.out = nil
	if c.session.timeout() < 45*time.Second || len(c.session.inflight()) > maxInflight || c.session.flow != nil && c.session.unacknowledged()+len(c.session.inflight()) == 0 {
		c.t.Fatalf("timeout %v, flow %+v", c.session.timeout(), c.session.flow)
	}
	if a := c.session.aliases; a != nil && (len(a.in) > maxAlias || len(a.out) > fuzzAliases) {
		c.t.Fatalf("%d aliases of the device, %d of the server", len(a.in), len(a.out))
	}
	size := 0
	for _, p := range w.props {
		size += len(p.Name) + len(p.Value)
	}
	if len(w.props) > maxProperties || size > maxPropertyBytes {
		c.t.Fatalf("%d user properties of %d bytes", len(w.props), size)
	}
	return true
}

func (c *fuzzed) work(w work) {
	switch {
	case w.signIn:
		c.t.Fatal("signs in twice")
	case w.get != nil:
		o := c.offer()
		c.session.answer(o, w, config(o, "http://f/c/"+string(tokenOf('a'))))
		c.session.acknowledge(w.ackID, mqtt.Success)
	case w.word != nil:
		if w.report != nil {
			c.session.answerReport(w, alink.CodeSuccess)
		}
		if len(w.word.Detail)%2 == 0 { // some are never recorded
			c.session.acknowledge(w.ackID, mqtt.Success)
		}
	case w.gateway != nil:
		c.gateway(w.gateway)
	default: // let pushes run beside
		c.push++
		c.offerTo(&c.session.device)
		if c.session.subs != nil {
			for _, d := range c.session.subs.devices {
				c.offerTo(d)
			}
		}
	}
}

// offerTo does what conn does when a push is to be offered, and then what it
// does when there is room.
func (c *fuzzed) offerTo(d *device) {
	if !c.session.hasRoom() {
		c.session.wait(d)
	} else {
		c.session.push(d, c.offer(), c.template, tokenOf('b'))
	}
	if d := c.session.next(); d != nil {
		c.session.push(d, c.offer(), c.template, tokenOf('b'))
	}
}

// gateway grants whatever a gateway asks, to up to ten sub-devices.
func (c *fuzzed) gateway(r *request) {
	subs := c.session.subs.devices
	for _, d := range r.Devices {
		here := subs[d.ProductKey+"/"+d.DeviceName]
		switch {
		case r.kind == alink.CombineLogin && here == nil && len(subs) < 10:
			d := c.session.enter(control.Entrant{Device: control.Device{ID: int64(len(subs) + 2), Product: d.ProductKey, Name: d.DeviceName}}, &product{key: d.ProductKey})
			c.session.welcomeAll([]*device{d})
			c.seen = append(c.seen, d)
		case r.kind == alink.CombineLogout && here != nil:
			c.session.leave(here)
		case r.kind == alink.TopoDelete && here != nil:
			c.session.logOut(here, alink.CodeNoTopology)
		}
	}
	c.session.answerGateway(r, alink.CodeSuccess, identitiesOf(r.Devices))
	if n := len(c.session.subs.queue); n > len(subs) {
		c.t.Fatalf("%d of %d sub-devices wait", n, len(subs))
	}
}

func (c *fuzzed) offer() control.Offer {
	return control.Offer{Push: c.push, Version: fuzzVersion(c.push + 1), Expires: c.now.Add(time.Minute)}
}

// check reads what the device was sent as a device would.
func (c *fuzzed) check() {
	known := make(map[uint32][]byte) // topics by their alias
	for b := c.heard.Bytes(); len(b) > 0; {
		n, err := mqtt.Frame(b, mqtt.MaxSize)
		if err != nil || n > len(b) {
			c.t.Fatalf("sent % x: frame of %d, %v", b, n, err)
		}
		v := c.session.version
		switch mqtt.TypeOf(b) {
		case mqtt.TypePublish:
			var p mqtt.Publish
			p, err = mqtt.DecodePublish(b[:n], v)
			if alias, ok := p.Properties.Uint(mqtt.TopicAlias); ok && len(p.Topic) > 0 {
				known[alias] = p.Topic
			} else if ok {
				p.Topic = known[alias]
			}
			topic := alink.ParseTopic(p.Topic)
			ours := topic.Of(fuzzProduct, fuzzDevice) || slices.ContainsFunc(c.seen, func(d *device) bool { return topic.Of(d.key(), d.name()) })
			if !ours || len(known) > fuzzAliases {
				c.t.Fatalf("sent to topic %q, with %d aliases", p.Topic, len(known))
			}
		case mqtt.TypePuback:
			_, err = mqtt.DecodeAck(b[:n], v)
		case mqtt.TypeSuback:
			_, err = mqtt.DecodeSuback(b[:n], v)
		case mqtt.TypeUnsuback:
			_, err = mqtt.DecodeUnsuback(b[:n], v)
		case mqtt.TypeConnack:
			_, err = mqtt.DecodeConnack(b[:n], v)
		case mqtt.TypePingresp:
		default:
			c.t.Fatalf("sent %v", mqtt.TypeOf(b))
		}
		if err != nil {
			c.t.Fatalf("sent % x: %v", b[:n], err)
		}
		b = b[n:]
	}
}

func fuzzConnect(v mqtt.Version, receiveMax uint16) mqtt.Connect {
	c := mqtt.Connect{
		Version: v, CleanStart: true, KeepAlive: 60, ClientID: []byte("x|securemode=3|"),
		Username: []byte(fuzzDevice + "&" + fuzzProduct), Password: []byte("00"),
	}
	if v == mqtt.V5 {
		c.Properties = c.Properties.AppendUint(mqtt.ReceiveMaximum, uint32(receiveMax)).AppendUint(mqtt.TopicAliasMaximum, fuzzAliases)
	}
	return c
}

// fuzzAliases is how many topic aliases the device takes.
const fuzzAliases = 2

func fuzzVersion(n int64) *cota.Version {
	return &cota.Version{Number: n, ConfigID: "0123456789abcdef0123456789abcdef", SHA256: cota.Digest("{}"), Size: 2}
}

func fuzzTemplate(t *testing.T) *template {
	c := config(control.Offer{Version: fuzzVersion(1)}, "http://f/c/")
	c.ID = "1"
	message, err := alink.NewPushTemplate(c)
	if err != nil {
		t.Fatal(err)
	}
	return &template{push: 1, message: message}
}

// talk5 appends what only MQTT 5 has words for.
func talk5(b []byte, topic func(alink.Kind) []byte) []byte {
	get := mqtt.Publish{Topic: topic(alink.ConfigGet), Payload: []byte(`{"id":"1","params":{"configScope":"product","getType":"file"}}`)}
	get.Properties = get.Properties.AppendUint(mqtt.TopicAlias, 20).
		AppendBytes(mqtt.ResponseTopic, []byte("/"+fuzzProduct+"/"+fuzzDevice+"/user/a")).
		AppendBytes(mqtt.CorrelationData, []byte{0, 0xff}).
		AppendUser([]byte("firmware"), []byte("1.2.3")).AppendUser([]byte("a token"), nil)
	b = get.Append(b, mqtt.V5)
	get.Topic, get.Properties = nil, mqtt.Properties(nil).AppendUint(mqtt.TopicAlias, 20)
	return get.Append(b, mqtt.V5)
}

// tokenOf is a token of one letter.
func tokenOf(letter byte) []byte { return bytes.Repeat([]byte{letter}, alink.TokenSize) }

// talk is one packet of each kind that a device has reason to send.
func talk(v mqtt.Version) (b []byte) {
	topic := func(k alink.Kind) []byte { return alink.AppendTopic(nil, k, fuzzProduct, fuzzDevice) }
	publish := func(k alink.Kind, qos byte, payload string) {
		p := mqtt.Publish{QoS: qos, PacketID: uint16(k), Topic: topic(k), Payload: []byte(payload)}
		b = p.Append(b, v)
	}
	b = mqtt.AppendPingreq(b)
	s := mqtt.Subscribe{PacketID: 1, Subscriptions: mqtt.Subscriptions(nil).Append(mqtt.Subscription{Filter: topic(alink.ConfigPush), QoS: 1})}
	b = s.Append(b, v)
	u := mqtt.Unsubscribe{PacketID: 2, Filters: mqtt.Filters(nil).Append(topic(alink.ConfigPush))}
	b = u.Append(b, v)
	publish(alink.ConfigGet, 0, `{"id":"123","params":{"configScope":"product","getType":"file"}}`)
	publish(alink.ConfigGet, 1, `{"id":1,"params":{"configScope":"device"}}`)
	publish(alink.ConfigPushReply, 1, `{"id":"1","code":200,"data":{}}`)
	publish(alink.ConfigReport, 1, `{"id":"7","params":{"configId":"0123456789abcdef0123456789abcdef","state":"failed","message":"no"}}`)
	publish(alink.OTAProgress, 1, `{"id":1,"params":{"step":"-2","desc":""}}`)
	publish(alink.OTAInform, 1, `{}`)
	publish(alink.TopoGet, 0, `{"id":"1","params":"{}"}`)
	publish(alink.CombineLogin, 0, `{"id":"1","params":{"productKey":"pk","deviceName":"dev-01","clientId":"x","signMethod":"hmacsha1","sign":"00"}}`)
	publish(alink.CombineLogout, 1, `{"id":"1","params":{"productKey":"pk","deviceName":"dev-02"}}`)
	sub := mqtt.Publish{Topic: alink.AppendTopic(nil, alink.ConfigGet, "pk", "dev-01"), Payload: []byte(`{"id":"5","params":{"configScope":"product","getType":"file"}}`)}
	b = sub.Append(b, v)
	publish(alink.TopoDelete, 0, `{"id":"1","params":[{"productKey":"pk","deviceName":"dev-01"}]}`)
	if v == mqtt.V5 {
		b = talk5(b, topic)
	}
	b = u.Append(b, v)
	b = s.Append(b, v)
	b = mqtt.Ack{Type: mqtt.TypePuback, PacketID: 1}.Append(b, v)
	return mqtt.Disconnect{}.Append(b, v)
}

// FuzzRegistered has a device that has registered say anything: it asks for
// nothing any more.
func FuzzRegistered(f *testing.F) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		f.Add(byte(v), talk(v))
	}
	f.Fuzz(func(t *testing.T, version byte, said []byte) {
		var s session
		c := fuzzConnect(mqtt.V31+mqtt.Version(version%3), 1)
		c.ClientID = []byte("x|authType=register,random=1|")
		if w, err := s.handle(time.Unix(1e9, 0), c.Append(nil)); err != nil || !w.register {
			t.Fatalf("CONNECT: %v, register %t", err, w.register)
		}
		s.grant(granted{[]string{alink.TopicRegister}, []byte("{}")})
		s.out = nil
		for {
			n, err := mqtt.Frame(said, maxPacket)
			if err != nil || n > len(said) {
				return
			}
			w, err := s.handle(time.Unix(1e9, 0), said[:n])
			if w.signIn || w.register || w.get != nil || w.word != nil || w.gateway != nil {
				t.Fatalf("handle(%x) asks for %+v", said[:n], w)
			}
			if err != nil {
				return
			}
			said = said[n:]
		}
	})
}
