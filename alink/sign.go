package alink

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
)

// SignMethod is the hash behind a login's HMAC. MD5 and SHA-1 are here because
// devices in the field use them; HMAC does not need a hash without collisions.
type SignMethod string

const (
	HMACMD5    SignMethod = "hmacmd5" // what a device means that names none
	HMACSHA1   SignMethod = "hmacsha1"
	HMACSHA256 SignMethod = "hmacsha256"
)

// signMethod finds the method called name in any case; none is hmacmd5
// ("Establish MQTT connections over TCP").
func signMethod(name string) (SignMethod, bool) {
	if name == "" {
		return HMACMD5, true
	}
	for _, m := range [...]SignMethod{HMACSHA256, HMACSHA1, HMACMD5} {
		if strings.EqualFold(name, string(m)) {
			return m, true
		}
	}
	return "", false
}

// size is the length of m's digest, 0 if there is no such method.
func (m SignMethod) size() int {
	switch m {
	case HMACMD5:
		return md5.Size
	case HMACSHA1:
		return sha1.Size
	case HMACSHA256:
		return sha256.Size
	}
	return 0
}

// appendSum appends the HMAC of text under secret. m must be one of the three.
func (m SignMethod) appendSum(dst []byte, secret string, text []byte) []byte {
	var mac hash.Hash
	switch m {
	case HMACSHA256:
		mac = hmac.New(sha256.New, []byte(secret))
	case HMACSHA1:
		mac = hmac.New(sha1.New, []byte(secret))
	default:
		mac = hmac.New(md5.New, []byte(secret))
	}
	mac.Write(text)
	return mac.Sum(dst)
}

// verify reports whether sign is the HMAC of text under secret, in hexadecimal
// of either case. The comparison takes constant time. Nothing verifies under
// an empty secret.
func (m SignMethod) verify(secret, sign string, text []byte) bool {
	size := m.size()
	if secret == "" || size == 0 || len(sign) != 2*size {
		return false
	}
	var sent, want [sha256.Size]byte
	var digits [2 * sha256.Size]byte
	n := copy(digits[:], sign)
	if _, err := hex.Decode(sent[:], digits[:n]); err != nil {
		return false
	}
	return hmac.Equal(m.appendSum(want[:0], secret, text), sent[:size])
}

// ConnectParams are the three fields of an MQTT CONNECT that log a device in.
type ConnectParams struct {
	ClientID string
	UserName string
	Password string
}

// SignOptions vary a login. The zero value is a plain TCP login as
// "{productKey}.{deviceName}", signed with hmacsha256, without a timestamp.
type SignOptions struct {
	ClientID      string     // bare client id; empty: productKey.deviceName
	NoClientID    bool       // leave the bare client id empty, as LinkSDK 4 does over MQTT 5
	Method        SignMethod // empty: HMACSHA256
	Timestamp     string     // empty: none
	TLS           bool       // securemode 2, not 3
	AutoSubscribe bool       // _ss=1: be served without subscribing
	Inline        bool       // _inline=1: take small configurations in the push itself
	Version       string     // _v, empty: none
	Language      string     // lan, empty: none
}

// Sign makes the login of a device ("Establish MQTT connections over TCP").
// It refuses names and options that a server would read differently from what
// was meant, and an empty secret.
func Sign(productKey, deviceName, deviceSecret string, o SignOptions) (ConnectParams, error) {
	if deviceSecret == "" {
		return ConnectParams{}, errors.New("sign login: no device secret")
	}
	l := Login{
		ClientID:      o.ClientID,
		DeviceName:    deviceName,
		ProductKey:    productKey,
		SignMethod:    o.Method,
		Timestamp:     o.Timestamp,
		HasTimestamp:  o.Timestamp != "",
		SecureMode:    "3",
		AutoSubscribe: o.AutoSubscribe,
		Inline:        o.Inline,
		Version:       o.Version,
		Language:      o.Language,
	}
	if l.ClientID == "" && !o.NoClientID {
		l.ClientID = productKey + "." + deviceName
	}
	if l.SignMethod == "" {
		l.SignMethod = HMACSHA256
	}
	if o.TLS {
		l.SecureMode = "2"
	}
	c := ConnectParams{ClientID: l.extended(), UserName: deviceName + "&" + productKey}
	read, err := ParseLogin(c.ClientID, c.UserName, "")
	if err != nil {
		return ConnectParams{}, err
	}
	if read != l {
		return ConnectParams{}, errors.New("sign login: an option holds blanks or one of | , =")
	}
	c.Password = hex.EncodeToString(l.SignMethod.appendSum(nil, deviceSecret, l.appendContent(nil)))
	return c, nil
}

// extended is the client id of l as CONNECT carries it.
func (l *Login) extended() string {
	var b strings.Builder
	b.WriteString(l.ClientID)
	b.WriteString("|securemode=" + l.SecureMode)
	b.WriteString(",signmethod=" + string(l.SignMethod))
	if l.HasTimestamp {
		b.WriteString(",timestamp=" + l.Timestamp)
	}
	if l.AutoSubscribe {
		b.WriteString(",_ss=1")
	}
	if l.Inline {
		b.WriteString(",_inline=1")
	}
	if l.Version != "" {
		b.WriteString(",_v=" + l.Version)
	}
	if l.Language != "" {
		b.WriteString(",lan=" + l.Language)
	}
	b.WriteByte('|')
	return b.String()
}
