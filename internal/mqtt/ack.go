package mqtt

// Ack is one of the four packets that acknowledge a PUBLISH (sections 3.4 to
// 3.7): PUBACK for QoS 1; PUBREC, PUBREL and PUBCOMP, in this order, for QoS 2.
type Ack struct {
	Type       Type // which of the four
	PacketID   uint16
	Code       Code       // 5.0
	Properties Properties // 5.0
}

// DecodeAck decodes a PUBACK, PUBREC, PUBREL or PUBCOMP, which must be all of b.
func DecodeAck(b []byte, v Version) (a Ack, err error) {
	a.Type = TypePuback
	if len(b) > 0 && TypePubrec <= TypeOf(b) && TypeOf(b) <= TypePubcomp {
		a.Type = TypeOf(b)
	}
	r := open(b, a.Type, v)
	a.PacketID = r.packetID()
	if v == V5 {
		a.Code, a.Properties = r.outcome(a.Type)
	}
	if err := r.close(); err != nil {
		return Ack{}, err
	}
	return a, nil
}

// Append appends the packet.
func (a Ack) Append(dst []byte, v Version) []byte {
	n := outcomeSize(a.Code, a.Properties, v)
	dst = appendHeader(dst, byte(a.Type)<<4|firstFlags[a.Type&0x0f], 2+n)
	return appendOutcome(appendUint16(dst, a.PacketID), a.Code, a.Properties, n)
}

// outcome reads the reason code and properties with which a 5.0 packet of type
// t ends. Both may be left out, or the properties alone (5.0 section 3.4.2.1).
func (r *reader) outcome(t Type) (c Code, p Properties) {
	if len(r.b) > 0 {
		c = r.code(t)
	}
	if len(r.b) > 0 {
		p = r.properties(t)
	}
	return c, p
}

// outcomeSize returns the size of the shortest form of an outcome.
func outcomeSize(c Code, p Properties, v Version) int {
	switch {
	case v != V5, c == Success && len(p) == 0:
		return 0
	case len(p) == 0:
		return 1
	}
	return 1 + p.size()
}

// appendOutcome appends the form of an outcome that has n bytes.
func appendOutcome(dst []byte, c Code, p Properties, n int) []byte {
	if n > 0 {
		dst = append(dst, byte(c))
	}
	if n > 1 {
		dst = p.append(dst)
	}
	return dst
}
