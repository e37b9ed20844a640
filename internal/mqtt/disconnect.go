package mqtt

// Disconnect ends a connection (section 3.14). A server may send it in 5.0 only.
type Disconnect struct {
	Code       Code       // 5.0
	Properties Properties // 5.0
}

// DecodeDisconnect decodes a DISCONNECT, which must be all of b.
func DecodeDisconnect(b []byte, v Version) (d Disconnect, err error) {
	r := open(b, TypeDisconnect, v)
	if v == V5 {
		d.Code, d.Properties = r.outcome(TypeDisconnect)
	}
	if err := r.close(); err != nil {
		return Disconnect{}, err
	}
	return d, nil
}

// Append appends the packet.
func (d Disconnect) Append(dst []byte, v Version) []byte {
	n := outcomeSize(d.Code, d.Properties, v)
	dst = appendHeader(dst, byte(TypeDisconnect)<<4, n)
	return appendOutcome(dst, d.Code, d.Properties, n)
}
