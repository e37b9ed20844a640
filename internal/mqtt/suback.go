package mqtt

// Suback answers a SUBSCRIBE (section 3.9), with a [Code] for each subscription
// in its order: the QoS granted, or why it was refused. In 3.1 and 3.1.1 every
// refusal is UnspecifiedError.
type Suback struct {
	PacketID   uint16
	Properties Properties // 5.0
	Codes      []byte
}

// DecodeSuback decodes a SUBACK, which must be all of b. A refusal is taken in
// 3.1 too: its specification has none, its servers do.
func DecodeSuback(b []byte, v Version) (s Suback, err error) {
	r := open(b, TypeSuback, v)
	s.PacketID = r.packetID()
	if v == V5 {
		s.Properties = r.properties(TypeSuback)
	}
	s.Codes = r.codes(TypeSuback)
	if v != V5 && r.err == nil {
		for _, c := range s.Codes {
			if Code(c) > GrantedQoS2 && Code(c) != UnspecifiedError { // [MQTT-3.9.3-2]
				r.fail(errCode)
			}
		}
	}
	if r.err != nil {
		return Suback{}, r.err
	}
	return s, nil
}

// codes reads reason codes of a packet of type t to its end. There is one at least.
func (r *reader) codes(t Type) []byte {
	if len(r.b) == 0 {
		r.fail(errNoCodes)
	}
	codes := r.rest()
	for _, c := range codes {
		if !Code(c).Valid(t) {
			r.fail(errCode)
		}
	}
	return codes
}

// Append appends the packet.
func (s Suback) Append(dst []byte, v Version) []byte {
	dst = appendRequest(dst, TypeSuback, v, s.PacketID, s.Properties, s.Codes)
	if v != V5 {
		codes := dst[len(dst)-len(s.Codes):]
		for i, c := range codes {
			if Code(c) >= UnspecifiedError {
				codes[i] = byte(UnspecifiedError)
			}
		}
	}
	return dst
}
