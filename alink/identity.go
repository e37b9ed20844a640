package alink

// IdentityTopic is where a device that signed in by its certificate alone is
// told who it is. It need not subscribe ("Use X.509 certificates to
// authenticate devices").
const IdentityTopic = "/ext/auth/identity/response"

// AppendIdentity appends the message on IdentityTopic.
func AppendIdentity(dst []byte, productKey, deviceName string) []byte {
	dst = append(dst, `{"productKey":"`...)
	dst = append(dst, productKey...)
	dst = append(dst, `","deviceName":"`...)
	dst = append(dst, deviceName...) // neither has a character to escape
	return append(dst, `"}`...)
}
