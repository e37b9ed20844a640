package mqtt

import "iter"

// Subscribe asks for the messages of some topics (section 3.8).
type Subscribe struct {
	PacketID      uint16
	Properties    Properties // 5.0
	Subscriptions Subscriptions
}

// Subscription is one entry of a SUBSCRIBE (section 3.8.3).
type Subscription struct {
	Filter            []byte
	QoS               byte // the highest to be sent
	NoLocal           bool // 5.0
	RetainAsPublished bool // 5.0
	RetainHandling    byte // 5.0: 0, 1 or 2
}

// The subscription options (5.0 section 3.8.3.1).
const (
	optionQoS               = 0x03
	optionNoLocal           = 0x04
	optionRetainAsPublished = 0x08
	optionRetainHandling    = 0x30

	retainHandlingShift = 4
)

// Subscriptions is a list of subscriptions as it stands on the wire: that of a
// decoded SUBSCRIBE, which has been checked and aliases it, or one built with
// Append. The zero value is empty.
type Subscriptions []byte

// All iterates over the list without allocating. Filters alias s.
func (s Subscriptions) All() iter.Seq[Subscription] {
	return func(yield func(Subscription) bool) {
		for r := (reader{b: s}); len(r.b) > 0; {
			if !yield(r.subscription()) {
				return
			}
		}
	}
}

// Append appends one more and returns the extended list.
func (s Subscriptions) Append(sub Subscription) Subscriptions {
	options := sub.QoS&optionQoS | sub.RetainHandling<<retainHandlingShift&optionRetainHandling
	if sub.NoLocal {
		options |= optionNoLocal
	}
	if sub.RetainAsPublished {
		options |= optionRetainAsPublished
	}
	return append(appendBinary(s, sub.Filter), options)
}

// subscription reads an entry that has been checked.
func (r *reader) subscription() Subscription {
	filter, options := r.binary(), r.byte()
	return Subscription{
		Filter:            filter,
		QoS:               options & optionQoS,
		NoLocal:           options&optionNoLocal != 0,
		RetainAsPublished: options&optionRetainAsPublished != 0,
		RetainHandling:    options & optionRetainHandling >> retainHandlingShift,
	}
}

// DecodeSubscribe decodes a SUBSCRIBE, which must be all of b.
func DecodeSubscribe(b []byte, v Version) (s Subscribe, err error) {
	r := open(b, TypeSubscribe, v)
	s.PacketID = r.packetID()
	if v == V5 {
		s.Properties = r.properties(TypeSubscribe)
	}
	s.Subscriptions = r.b
	if len(r.b) == 0 {
		r.fail(errNoFilters) // [MQTT-3.8.3-3]
	}
	for len(r.b) > 0 {
		r.checkSubscription(v)
	}
	if r.err != nil {
		return Subscribe{}, r.err
	}
	return s, nil
}

// checkSubscription reads an entry and checks it.
func (r *reader) checkSubscription(v Version) {
	filter, options := r.filter(v), r.byte()
	reserved := ^byte(optionQoS) // [MQTT-3-8.3-4]
	if v == V5 {
		reserved = 0xc0 // 5.0 [MQTT-3.8.3-5]
	}
	switch {
	case options&reserved != 0:
		r.fail(errSubscription)
	case options&optionQoS == optionQoS:
		r.fail(errQoS)
	case options&optionRetainHandling == optionRetainHandling:
		r.fail(errRetainHandling)
	}
	if options&optionNoLocal != 0 {
		if name, _, _ := Share(filter); name != nil { // 5.0 [MQTT-3.8.3-4]
			r.fail(errShareNoLocal)
		}
	}
}

// filter reads a topic filter.
func (r *reader) filter(v Version) []byte {
	f := r.text()
	switch {
	case r.err != nil:
	case len(f) == 0 || !wildcardsInPlace(f):
		r.fail(errFilter)
	case v == V5:
		if _, _, ok := Share(f); !ok { // 5.0 [MQTT-4.8.2-1], [MQTT-4.8.2-2]
			r.fail(errShare)
		}
	}
	return f
}

// Append appends the packet.
func (s Subscribe) Append(dst []byte, v Version) []byte {
	return appendRequest(dst, TypeSubscribe, v, s.PacketID, s.Properties, s.Subscriptions)
}

// appendRequest appends the form that SUBSCRIBE, UNSUBSCRIBE and their answers share.
func appendRequest(dst []byte, t Type, v Version, id uint16, p Properties, list []byte) []byte {
	remaining := 2 + len(list)
	if v == V5 {
		remaining += p.size()
	}
	dst = appendHeader(dst, byte(t)<<4|firstFlags[t], remaining)
	dst = appendUint16(dst, id)
	if v == V5 {
		dst = p.append(dst)
	}
	return append(dst, list...)
}
