package alink

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// PreAuth is a device asking over HTTPS where to connect and with which iotId
// and iotToken ("Establish MQTT connections over TCP", an older copy; C SDK 2
// and 3 with pre-authentication).
type PreAuth struct {
	ProductKey string
	DeviceName string
	SignMethod SignMethod

	sign    string
	content string // what is signed
}

// Names that a pre-authentication does not sign. All others it does, whatever
// they are.
var preAuthUnsigned = []string{"sign", "signmethod", "version", "resources"}

var errPreAuthMissing = &Error{CodeBadParameters, "form: productKey, deviceName or sign is missing"}

// ParsePreAuth reads the body of a request for pre-authentication.
func ParsePreAuth(body []byte) (PreAuth, error) {
	f, err := parseForm(body)
	if err != nil {
		return PreAuth{}, err
	}
	p := PreAuth{ProductKey: f.get("productKey"), DeviceName: f.get("deviceName"), sign: f.get("sign"), content: f.content()}
	if p.ProductKey == "" || p.DeviceName == "" || p.sign == "" {
		return p, errPreAuthMissing
	}
	p.SignMethod, err = f.signed(p.ProductKey, p.DeviceName)
	return p, err
}

// content joins the names as they are written with their values, sorted by
// name.
func (f form) content() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if all := f[name]; !slices.Contains(preAuthUnsigned, strings.ToLower(name)) {
			b.WriteString(name)
			b.WriteString(all[len(all)-1])
		}
	}
	return b.String()
}

// Verify reports whether p is signed with the secret of its device, in
// constant time.
func (p *PreAuth) Verify(deviceSecret string) bool {
	return p.SignMethod.verify(deviceSecret, p.sign, []byte(p.content))
}

// AppendPreAuthorized appends the answer to a pre-authentication: with what to
// sign in, and where. C SDK 3.2 has room for 300 bytes of it.
func AppendPreAuthorized(dst []byte, iotID, iotToken, host string, port uint16) []byte {
	dst = append(dst, `{"code":200,"data":{"iotId":`...)
	dst = appendText(dst, iotID)
	dst = append(dst, `,"iotToken":`...)
	dst = appendText(dst, iotToken)
	dst = append(dst, `,"resources":{"mqtt":{"host":`...)
	dst = appendText(dst, host)
	dst = append(dst, `,"port":`...)
	dst = strconv.AppendUint(dst, uint64(port), 10)
	return append(dst, `}}},"message":"success"}`...)
}

// Bounds of an iotId, in letters and digits. What is shorter is a user name
// that somebody got wrong.
const (
	minIotID = 16
	maxIotID = 64
)

func validIotID(s string) bool {
	if len(s) < minIotID || len(s) > maxIotID {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) {
			return false
		}
	}
	return true
}
