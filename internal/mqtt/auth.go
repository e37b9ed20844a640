package mqtt

// Auth carries one step of an extended authentication (5.0 section 3.15). It
// exists in 5.0 only.
type Auth struct {
	Code       Code // Success, ContinueAuthentication or Reauthenticate
	Properties Properties
}

// DecodeAuth decodes an AUTH, which must be all of b. All but the empty form
// must have an AuthMethod (5.0 section 3.15.2.2.2).
func DecodeAuth(b []byte, v Version) (a Auth, err error) {
	r := open(b, TypeAuth, v)
	empty := len(r.b) == 0
	a.Code, a.Properties = r.outcome(TypeAuth)
	if !empty && a.Properties.Bytes(AuthMethod) == nil {
		r.fail(errAuthMethod)
	}
	if err := r.close(); err != nil {
		return Auth{}, err
	}
	return a, nil
}

// Append appends the packet.
func (a Auth) Append(dst []byte) []byte {
	n := outcomeSize(a.Code, a.Properties, V5)
	dst = appendHeader(dst, byte(TypeAuth)<<4, n)
	return appendOutcome(dst, a.Code, a.Properties, n)
}
