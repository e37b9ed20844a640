package mqtt

import "iter"

// Unsubscribe ends subscriptions (section 3.10).
type Unsubscribe struct {
	PacketID   uint16
	Properties Properties // 5.0
	Filters    Filters
}

// Filters is a list of topic filters as it stands on the wire: that of a
// decoded UNSUBSCRIBE, which has been checked and aliases it, or one built with
// Append. The zero value is empty.
type Filters []byte

// All iterates over the list without allocating. Filters alias f.
func (f Filters) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for r := (reader{b: f}); len(r.b) > 0; {
			if !yield(r.binary()) {
				return
			}
		}
	}
}

// Append appends one more and returns the extended list.
func (f Filters) Append(filter []byte) Filters { return appendBinary(f, filter) }

// DecodeUnsubscribe decodes an UNSUBSCRIBE, which must be all of b.
func DecodeUnsubscribe(b []byte, v Version) (u Unsubscribe, err error) {
	r := open(b, TypeUnsubscribe, v)
	u.PacketID = r.packetID()
	if v == V5 {
		u.Properties = r.properties(TypeUnsubscribe)
	}
	u.Filters = r.b
	if len(r.b) == 0 {
		r.fail(errNoFilters) // [MQTT-3.10.3-2]
	}
	for len(r.b) > 0 {
		r.filter(v)
	}
	if r.err != nil {
		return Unsubscribe{}, r.err
	}
	return u, nil
}

// Append appends the packet.
func (u Unsubscribe) Append(dst []byte, v Version) []byte {
	return appendRequest(dst, TypeUnsubscribe, v, u.PacketID, u.Properties, u.Filters)
}
