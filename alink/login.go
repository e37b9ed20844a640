package alink

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a login. The longest client id seen in the field has 163 bytes.
const (
	MaxClientID     = 512 // bytes of a whole client id
	MaxBareClientID = 64  // characters before the first | ("Establish MQTT connections over TCP")
	MaxPassword     = 256 // bytes
)

// A login is refused as one of two kinds. Wrapped errors say more; compare
// with errors.Is.
var (
	// ErrClientID is a client id that is malformed or too long, or one of its
	// parameters wrong: CONNACK 2 in MQTT 3.1.1.
	ErrClientID = errors.New("client id malformed")
	// ErrCredentials is a user name or password that cannot be one: CONNACK 4
	// in MQTT 3.1.1, as for a signature that Verify refuses.
	ErrCredentials = errors.New("bad user name or password")
	// ErrNoUserName is a user name that is empty, or that is & alone, as it is
	// of a device whose client certificate says who it is (vendor: Use X.509
	// certificates to authenticate devices). It wraps ErrCredentials, and comes
	// with what the client id says.
	ErrNoUserName = fmt.Errorf("%w: no user name", ErrCredentials)
)

// Devices retry a refused login about once a second, so refusals are made once.
var (
	errClientIDLong     = fmt.Errorf("%w: longer than %d bytes", ErrClientID, MaxClientID)
	errClientIDBareLong = fmt.Errorf("%w: longer than %d characters before |", ErrClientID, MaxBareClientID)
	errClientIDOpen     = fmt.Errorf("%w: parameters do not end with |", ErrClientID)
	errSignMethod       = fmt.Errorf("%w: unknown signmethod", ErrClientID)
	errRandom           = fmt.Errorf("%w: a registration without random", ErrClientID)
	errUserName         = fmt.Errorf("%w: user name is not deviceName&productKey", ErrCredentials)
	errPasswordLong     = fmt.Errorf("%w: password longer than %d bytes", ErrCredentials, MaxPassword)
)

// Login is what an MQTT CONNECT says about the device. Its strings are parts
// of the strings given to ParseLogin. It holds the password: do not log it.
type Login struct {
	ClientID     string // before the first |; may be empty
	DeviceName   string
	ProductKey   string
	IotID        string // the user name of a device that has pre-authenticated; then there are no names
	SignMethod   SignMethod
	Timestamp    string // as sent; never a time to rely on, the C SDKs send 2050-01-01
	HasTimestamp bool   // timestamp was there, so it is signed

	SecureMode    string   // securemode; 2 TLS, 3 TCP
	AutoSubscribe bool     // _ss=1: serve the system topics without SUBSCRIBE ("Automatic topic subscription")
	Inline        bool     // _inline=1: small configurations may come in the push itself (cota)
	Version       string   // _v, or v of old SDKs
	Language      string   // lan
	AuthType      AuthType // authType, if it has to do with dynamic registration
	Random        string   // random, of dynamic registration
	InstanceID    string   // instanceId

	password string
}

// ParseLogin reads the fields of an MQTT CONNECT
// ("Establish MQTT connections over TCP"): the client id
// "{clientId}|k=v,k=v|", the user name "{deviceName}&{productKey}", or the iotId
// of a device that has pre-authenticated, and the password. It checks form and
// bounds; Verify checks the signature.
//
// Parameters come in any order and case, with blanks and line breaks around
// them; unknown ones are passed over, and the last of two with one name
// counts. A client id without | is a bare client id with no parameters, hence
// hmacmd5 and no timestamp; an empty one is an empty bare client id.
//
// The error wraps ErrClientID or ErrCredentials. ParseLogin does not allocate.
func ParseLogin(clientID, userName, password string) (Login, error) {
	if len(clientID) > MaxClientID {
		return Login{}, errClientIDLong
	}
	l := Login{SignMethod: HMACMD5, password: password}
	bare, params, extended := strings.Cut(clientID, "|")
	if utf8.RuneCountInString(bare) > MaxBareClientID {
		return Login{}, errClientIDBareLong
	}
	l.ClientID = bare
	if extended {
		params, ok := strings.CutSuffix(strings.TrimRight(params, blanks), "|")
		if !ok || strings.Contains(params, "|") {
			return Login{}, errClientIDOpen
		}
		if err := l.readParams(params); err != nil {
			return Login{}, err
		}
	}
	if l.Registers() && l.Random == "" {
		return Login{}, errRandom
	}
	if userName == "" || userName == "&" {
		return l, ErrNoUserName
	}
	if !l.readUserName(userName) {
		return Login{}, errUserName
	}
	if len(password) > MaxPassword {
		return Login{}, errPasswordLong
	}
	return l, nil
}

const blanks = " \t\r\n"

func (l *Login) readUserName(userName string) bool {
	if l.AuthType == "" && validIotID(userName) {
		l.IotID = userName
		return true
	}
	l.DeviceName, l.ProductKey, _ = strings.Cut(userName, "&")
	return ValidDeviceName(l.DeviceName) && ValidProductKey(l.ProductKey)
}

func (l *Login) readParams(params string) error {
	for param := range strings.SplitSeq(params, ",") {
		name, value, _ := strings.Cut(param, "=")
		name, value = strings.Trim(name, blanks), strings.Trim(value, blanks)
		switch {
		case strings.EqualFold(name, "signmethod"):
			m, ok := signMethod(value)
			if !ok {
				return errSignMethod
			}
			l.SignMethod = m
		case strings.EqualFold(name, "timestamp"):
			l.Timestamp, l.HasTimestamp = value, true
		case strings.EqualFold(name, "securemode"):
			l.SecureMode = value
		case strings.EqualFold(name, "_ss"):
			l.AutoSubscribe = value == "1"
		case strings.EqualFold(name, "_inline"):
			l.Inline = value == "1"
		case strings.EqualFold(name, "_v"), strings.EqualFold(name, "v"):
			l.Version = value
		case strings.EqualFold(name, "lan"):
			l.Language = value
		case strings.EqualFold(name, "authtype"):
			l.AuthType = authType(value)
		case strings.EqualFold(name, "random"):
			l.Random = value
		case strings.EqualFold(name, "instanceid"):
			l.InstanceID = value
		}
	}
	return nil
}

// Verify reports whether the password is the signature of l under the device's
// secret, in hexadecimal of either case. The comparison takes constant time.
// Nothing verifies under an empty secret, nor does the zero Login. The
// passwords of dynamic registration (AuthType) are made otherwise and do not
// verify here.
func (l *Login) Verify(secret string) bool {
	var content [256]byte
	return l.SignMethod.verify(secret, l.password, l.appendContent(content[:0]))
}

// Password is the password as it was sent. It is a token, not a signature, in
// the login of AuthToken and in one with an IotID.
func (l *Login) Password() string { return l.password }

// appendContent appends the text that a login signs: names and values, sorted
// by name, with nothing between ("Establish MQTT connections over TCP"). The
// word clientId stands there even if its value is empty: LinkSDK 4 signs so
// when it lets an MQTT 5 server assign the id (field).
func (l *Login) appendContent(dst []byte) []byte {
	dst = append(append(dst, "clientId"...), l.ClientID...)
	dst = append(append(dst, "deviceName"...), l.DeviceName...)
	dst = append(append(dst, "productKey"...), l.ProductKey...)
	if l.HasTimestamp {
		dst = append(append(dst, "timestamp"...), l.Timestamp...)
	}
	return dst
}
