package mqtt

// DecodePing checks a PINGREQ or PINGRESP, which must be all of b (sections
// 3.12 and 3.13). They hold nothing.
func DecodePing(b []byte, v Version) error {
	t := TypePingreq
	if len(b) > 0 && TypeOf(b) == TypePingresp {
		t = TypePingresp
	}
	r := open(b, t, v)
	return r.close()
}

// AppendPingreq appends a PINGREQ.
func AppendPingreq(dst []byte) []byte { return append(dst, byte(TypePingreq)<<4, 0) }

// AppendPingresp appends a PINGRESP.
func AppendPingresp(dst []byte) []byte { return append(dst, byte(TypePingresp)<<4, 0) }
