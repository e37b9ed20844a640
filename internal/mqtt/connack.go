package mqtt

// Connack answers a CONNECT (section 3.2). In 3.1 and 3.1.1 the code stands on
// the wire as the return code that [Code.ReturnCode] gives for it.
type Connack struct {
	SessionPresent bool // 3.1.1 and 5.0; only with Success
	Code           Code
	Properties     Properties // 5.0
}

// DecodeConnack decodes a CONNACK, which must be all of b.
func DecodeConnack(b []byte, v Version) (c Connack, err error) {
	r := open(b, TypeConnack, v)
	flags := r.byte()
	if flags > 1 || flags == 1 && v == V31 { // section 3.2.2.1, 5.0 [MQTT-3.2.2-1]
		r.fail(errConnackFlags)
	}
	c.SessionPresent = flags == 1
	if v == V5 {
		c.Code = r.code(TypeConnack)
		c.Properties = r.properties(TypeConnack)
	} else {
		c.Code = r.returnCode()
	}
	if c.SessionPresent && c.Code != Success { // [MQTT-3.2.2-4], 5.0 [MQTT-3.2.2-6]
		r.fail(errSessionPresent)
	}
	if err := r.close(); err != nil {
		return Connack{}, err
	}
	return c, nil
}

// returnCode reads a connect return code.
func (r *reader) returnCode() Code {
	c := ReturnCode(r.byte())
	if int(c) >= len(returnCodes) {
		r.fail(errCode)
	}
	return c.Code()
}

// Append appends the packet. SessionPresent is written only where it may be set.
func (c Connack) Append(dst []byte, v Version) []byte {
	flags := byte(0)
	if c.SessionPresent && c.Code == Success && v != V31 {
		flags = 1
	}
	if v != V5 {
		return append(dst, byte(TypeConnack)<<4, 2, flags, byte(c.Code.ReturnCode()))
	}
	dst = appendHeader(dst, byte(TypeConnack)<<4, 2+c.Properties.size())
	return c.Properties.append(append(dst, flags, byte(c.Code)))
}
