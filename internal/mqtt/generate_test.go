package mqtt

import "pgregory.net/rapid"

// generator draws packets that the specification allows. An empty one knows
// every form; a plain one leaves out what the oracles cannot express.
type generator struct {
	*rapid.T
	v     Version
	plain bool
}

func (g generator) flag() bool             { return rapid.Bool().Draw(g.T, "flag") }
func (g generator) number(max int) int     { return rapid.IntRange(0, max).Draw(g.T, "number") }
func (g generator) id() uint16             { return uint16(1 + g.number(0xfffe)) }
func (g generator) match(re string) []byte { return []byte(rapid.StringMatching(re).Draw(g.T, re)) }
func (g generator) data() []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(g.T, "data")
}
func (g generator) text() []byte {
	return g.match(`[\x01-\x7f\x{80}-\x{d7ff}\x{e000}-\x{10ffff}]{1,20}`)
}
func (g generator) topic() []byte { return g.match(`[a-c$/é中]{1,12}`) }
func (g generator) filter() []byte {
	return g.match(`/?(\+|[a-c$é]{1,3})(/(\+|[a-c]{0,3})){0,3}(/#)?`)
}

func (g generator) code(t Type) Code {
	var all []Code
	for c := range codes {
		if Code(c).Valid(t) {
			all = append(all, Code(c))
		}
	}
	if t == TypeConnack && g.v != V5 {
		all = returnCodes[:]
	}
	return rapid.SampledFrom(all).Draw(g.T, "code")
}

// properties draws properties that a packet of type t may have, in any order.
func (g generator) properties(t Type) (p Properties) {
	if g.v != V5 {
		return nil
	}
	var ids []Property
	for id := range Property(len(properties)) {
		rule := properties[id]
		switch {
		case !rule.in.has(t), id == AuthMethod, id == AuthData:
		case g.plain && t == typeWill && id != WillDelay && id != UserProperty:
		default:
			ids = append(ids, id)
			if id.repeats(t) && !g.plain {
				ids = append(ids, id, id)
			}
		}
	}
	ids = rapid.Permutation(ids).Draw(g.T, "order")
	for _, id := range ids[:g.number(len(ids))] {
		p = g.property(p, id)
	}
	switch {
	case t == TypeAuth, properties[AuthMethod].in.has(t) && g.flag():
		p = p.AppendBytes(AuthMethod, g.text())
		if g.flag() {
			p = p.AppendBytes(AuthData, g.text())
		}
	}
	return p
}

func (g generator) property(p Properties, id Property) Properties {
	least := 0
	if properties[id].nonzero {
		least = 1
	}
	switch id.kind() {
	case kindBit:
		return p.AppendUint(id, uint32(g.number(1)))
	case kindUint16:
		return p.AppendUint(id, uint32(least+g.number(0xffff-least)))
	case kindUint32:
		return p.AppendUint(id, uint32(least+g.number(0xffffffff-least)))
	case kindVarint:
		return p.AppendUint(id, uint32(least+g.number(maxVarint-least)))
	case kindTopic:
		return p.AppendBytes(id, g.topic())
	case kindPair:
		return p.AppendUser(g.text(), g.text())
	}
	return p.AppendBytes(id, g.text())
}

// packet draws a packet of any type that the version has.
func (g generator) packet() any {
	last := TypeDisconnect
	if g.v == V5 {
		last = TypeAuth
	}
	switch t := Type(1 + g.number(int(last)-1)); t {
	case TypeConnect:
		return g.connect()
	case TypeConnack:
		c := Connack{Code: g.code(t), Properties: g.properties(t)}
		c.SessionPresent = c.Code == Success && g.v != V31 && g.flag()
		return c
	case TypePublish:
		return g.publish()
	case TypePuback, TypePubrec, TypePubrel, TypePubcomp:
		a := Ack{Type: t, PacketID: g.id(), Properties: g.properties(t)}
		if g.v == V5 {
			a.Code = g.code(t)
		}
		return a
	case TypeSubscribe:
		return g.subscribe()
	case TypeSuback:
		s := Suback{PacketID: g.id(), Properties: g.properties(t)}
		for range 1 + g.number(3) {
			c := g.code(t)
			if g.v != V5 && c > UnspecifiedError {
				c = UnspecifiedError
			}
			s.Codes = append(s.Codes, byte(c))
		}
		return s
	case TypeUnsubscribe:
		u := Unsubscribe{PacketID: g.id(), Properties: g.properties(t)}
		for range 1 + g.number(3) {
			u.Filters = u.Filters.Append(g.filter())
		}
		return u
	case TypeUnsuback:
		u := Unsuback{PacketID: g.id(), Properties: g.properties(t)}
		for range 1 + g.number(3) {
			if g.v == V5 {
				u.Codes = append(u.Codes, byte(g.code(t)))
			}
		}
		return u
	case TypeDisconnect:
		if g.v == V5 {
			return Disconnect{Code: g.code(t), Properties: g.properties(t)}
		}
		return Disconnect{}
	case TypeAuth:
		return Auth{Code: g.code(t), Properties: g.properties(t)}
	default:
		return t
	}
}

func (g generator) connect() Connect {
	c := Connect{Version: g.v, CleanStart: g.flag(), KeepAlive: uint16(g.number(0xffff)), Properties: g.properties(TypeConnect)}
	if (g.v == V31 || g.v == V311 && !c.CleanStart) || g.flag() {
		c.ClientID = g.text()
	}
	if g.flag() {
		c.Will = Will{QoS: byte(g.number(2)), Retain: g.flag(), Properties: g.properties(typeWill), Topic: g.topic(), Payload: g.data()}
	}
	if g.flag() {
		c.Username = g.text()
	}
	if (c.Username != nil || g.v == V5) && g.flag() {
		c.Password = append([]byte{}, g.data()...)
	}
	return c
}

func (g generator) publish() Publish {
	p := Publish{QoS: byte(g.number(2)), Retain: g.flag(), Topic: g.topic(), Properties: g.properties(TypePublish), Payload: g.data()}
	if p.QoS > 0 {
		p.PacketID = g.id()
		p.Dup = g.flag()
	}
	if _, ok := p.Properties.Uint(TopicAlias); ok && g.flag() {
		p.Topic = nil
	}
	return p
}

func (g generator) subscribe() Subscribe {
	s := Subscribe{PacketID: g.id(), Properties: g.properties(TypeSubscribe)}
	for range 1 + g.number(3) {
		sub := Subscription{Filter: g.filter(), QoS: byte(g.number(2))}
		if g.v == V5 {
			sub.NoLocal, sub.RetainAsPublished, sub.RetainHandling = g.flag(), g.flag(), byte(g.number(2))
			if !sub.NoLocal && g.flag() {
				sub.Filter = append([]byte("$share/g/"), sub.Filter...)
			}
		}
		s.Subscriptions = s.Subscriptions.Append(sub)
	}
	return s
}
