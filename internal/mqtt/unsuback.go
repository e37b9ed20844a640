package mqtt

// Unsuback answers an UNSUBSCRIBE (section 3.11), in 5.0 with a [Code] for each
// filter in its order.
type Unsuback struct {
	PacketID   uint16
	Properties Properties // 5.0
	Codes      []byte     // 5.0
}

// DecodeUnsuback decodes an UNSUBACK, which must be all of b.
func DecodeUnsuback(b []byte, v Version) (u Unsuback, err error) {
	r := open(b, TypeUnsuback, v)
	u.PacketID = r.packetID()
	if v == V5 {
		u.Properties = r.properties(TypeUnsuback)
		u.Codes = r.codes(TypeUnsuback)
	}
	if err := r.close(); err != nil {
		return Unsuback{}, err
	}
	return u, nil
}

// Append appends the packet.
func (u Unsuback) Append(dst []byte, v Version) []byte {
	codes := u.Codes
	if v != V5 {
		codes = nil
	}
	return appendRequest(dst, TypeUnsuback, v, u.PacketID, u.Properties, codes)
}
