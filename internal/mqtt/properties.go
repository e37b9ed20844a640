package mqtt

import (
	"encoding/binary"
	"iter"
)

// Properties are the properties of one MQTT 5 packet, or of a will, as they
// stand on the wire without the length ahead of them. Those of a decoded packet
// have been checked and alias it. Others are built with the Append methods,
// which like append may write into p's array and return what replaces p:
//
//	ack.Properties = ack.Properties.AppendUint(mqtt.MaximumQoS, 1)
//
// The zero value has no properties. Nothing here allocates, except an Append
// that must grow.
type Properties []byte

// Uint returns the value of a property that is a number or a flag. Without it,
// ok is false and value what the specification says its absence means:
// 65,535 for ReceiveMaximum, 2 for MaximumQoS, 1 for RequestProblemInfo,
// RetainAvailable, WildcardAvailable, SubscriptionIDAvailable and
// SharedAvailable, [MaxSize] for MaximumPacketSize, 0 for all others.
func (p Properties) Uint(id Property) (value uint32, ok bool) {
	f, ok := p.find(id)
	if !ok {
		return properties[id].absent, false
	}
	return f.number, true
}

// Bytes returns the value of a property that is text or binary data, or nil
// without it. The value aliases p.
func (p Properties) Bytes(id Property) []byte {
	f, _ := p.find(id)
	return f.bytes
}

// User iterates over the names and values of the user properties, in order and
// with repetitions. Both alias p.
func (p Properties) User() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for r := (reader{b: p}); len(r.b) > 0; {
			if f := r.property(); f.id == UserProperty && !yield(f.name, f.bytes) {
				return
			}
		}
	}
}

// SubscriptionIDs iterates over the subscription identifiers of a PUBLISH: one
// for each subscription that it matched and that has one (5.0 section 3.3.2.3.8).
func (p Properties) SubscriptionIDs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for r := (reader{b: p}); len(r.b) > 0; {
			if f := r.property(); f.id == SubscriptionID && !yield(f.number) {
				return
			}
		}
	}
}

// AppendUint appends a property that is a number or a flag, and returns the
// extended properties. It panics if the property is of another kind.
func (p Properties) AppendUint(id Property, value uint32) Properties {
	p = append(p, byte(id))
	switch id.kind() {
	case kindBit:
		return append(p, byte(value))
	case kindUint16:
		return binary.BigEndian.AppendUint16(p, uint16(value))
	case kindUint32:
		return binary.BigEndian.AppendUint32(p, value)
	case kindVarint:
		return appendVarint(p, int(value))
	}
	panic("mqtt: not a property with a number")
}

// AppendBytes appends a property that is text or binary data, and returns the
// extended properties. It panics if the property is of another kind.
func (p Properties) AppendBytes(id Property, value []byte) Properties {
	switch id.kind() {
	case kindBinary, kindText, kindTopic:
		return appendBinary(append(p, byte(id)), value)
	}
	panic("mqtt: not a property with bytes")
}

// AppendUser appends a user property and returns the extended properties.
func (p Properties) AppendUser(name, value []byte) Properties {
	return appendBinary(appendBinary(append(p, byte(UserProperty)), name), value)
}

// size returns the number of bytes of p on the wire, with the length ahead.
func (p Properties) size() int { return varintWidth(len(p)) + len(p) }

// append appends p to dst with the length ahead.
func (p Properties) append(dst []byte) []byte { return append(appendVarint(dst, len(p)), p...) }

// field is one property and its value.
type field struct {
	id     Property
	number uint32
	name   []byte // of a user property
	bytes  []byte
}

// find returns the first property of that identifier.
func (p Properties) find(id Property) (f field, ok bool) {
	for r := (reader{b: p}); len(r.b) > 0; {
		if f := r.property(); f.id == id {
			return f, true
		}
	}
	return field{}, false
}

// property reads one property.
func (r *reader) property() (f field) {
	f.id = Property(r.byte()) // a variable byte integer, but none is above 127
	switch f.id.kind() {
	case kindBit:
		f.number = uint32(r.byte())
	case kindUint16:
		f.number = uint32(r.uint16())
	case kindUint32:
		f.number = r.uint32()
	case kindVarint:
		f.number = uint32(r.varint())
	case kindBinary:
		f.bytes = r.binary()
	case kindText:
		f.bytes = r.text()
	case kindTopic:
		f.bytes = r.topic()
	case kindPair:
		f.name, f.bytes = r.text(), r.text()
	default:
		r.fail(errProperty)
	}
	return f
}

// properties reads the properties of a packet of type t, with the length ahead,
// and checks them against the table. No properties are nil.
func (r *reader) properties(t Type) Properties {
	p := r.take(r.varint())
	if len(p) == 0 {
		return nil
	}
	var seen uint64 // bit n for property n
	in := reader{b: p}
	for len(in.b) > 0 {
		f := in.property()
		if in.err != nil {
			break
		}
		rule, bit := &properties[f.id], uint64(1)<<f.id
		switch {
		case !rule.in.has(t):
			in.fail(errProperty)
		case seen&bit != 0 && !f.id.repeats(t):
			in.fail(errPropertyTwice)
		case f.id == TopicAlias && f.number == 0:
			in.fail(errTopicAlias)
		case rule.nonzero && f.number == 0, rule.kind == kindBit && f.number > 1:
			in.fail(errPropertyValue)
		}
		seen |= bit
	}
	if seen&(1<<AuthData|1<<AuthMethod) == 1<<AuthData {
		in.fail(errAuthData)
	}
	if in.err != nil {
		r.fail(in.err)
		return nil
	}
	return p
}
