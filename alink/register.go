package alink

import (
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// AuthType is how an MQTT login has to do with dynamic registration ("MQTT-based
// dynamic registration"). Other values that devices send are no AuthType.
type AuthType string

const (
	AuthRegister AuthType = "register" // a listed device asks for its secret
	AuthUnlisted AuthType = "regnwl"   // a device that is not listed asks for a token
	AuthToken    AuthType = "connwl"   // and signs in with it: it is the password
)

// authType finds the type called name in any case; "" if there is none.
func authType(name string) AuthType {
	for _, t := range [...]AuthType{AuthRegister, AuthUnlisted, AuthToken} {
		if strings.EqualFold(name, string(t)) {
			return t
		}
	}
	return ""
}

// Where the server publishes what a device registered for. It does not wait
// for a subscription. For AuthUnlisted the vendor's documentation names the
// first, while every SDK that registers so waits for the second (field).
const (
	TopicRegister = "/ext/register"
	TopicUnlisted = "/ext/regnwl"
)

// MaxForm bounds the form of a registration or a pre-authentication, in bytes.
const MaxForm = 2 << 10

// Registers reports whether l is a registration rather than a sign-in: its
// password is verified by VerifyRegistration.
func (l *Login) Registers() bool { return l.AuthType == AuthRegister || l.AuthType == AuthUnlisted }

// VerifyRegistration is Verify for a registration, which is signed with the
// ProductSecret ("MQTT-based dynamic registration").
func (l *Login) VerifyRegistration(productSecret string) bool {
	r := Registration{l.ProductKey, l.DeviceName, l.Random, l.SignMethod, l.password}
	return r.Verify(productSecret)
}

// Registration is a device asking for its secret over HTTPS ("HTTPS-based
// dynamic registration").
type Registration struct {
	ProductKey string
	DeviceName string
	Random     string
	SignMethod SignMethod

	sign string
}

var (
	errFormLong       = &Error{CodeBadParameters, "form: longer than 2 KiB"}
	errFormMalformed  = &Error{CodeBadParameters, "form: not form-encoded"}
	errFormMissing    = &Error{CodeBadParameters, "form: productKey, deviceName, random, sign or signMethod is missing"}
	errFormProductKey = &Error{CodeBadParameters, "form: productKey is malformed"}
	errFormDeviceName = &Error{CodeBadDeviceName, "form: deviceName is malformed"}
	errFormSignMethod = &Error{CodeBadSignMethod, "form: unknown signMethod"}
)

// ParseRegistration reads the body of a request for a registration. Fields
// come in any order; unknown ones are passed over.
func ParseRegistration(form []byte) (Registration, error) {
	f, err := parseForm(form)
	if err != nil {
		return Registration{}, err
	}
	r := Registration{
		ProductKey: f.get("productKey"), DeviceName: f.get("deviceName"), Random: f.get("random"), sign: f.get("sign"),
	}
	if r.ProductKey == "" || r.DeviceName == "" || r.Random == "" || r.sign == "" || f.get("signMethod") == "" {
		return r, errFormMissing
	}
	r.SignMethod, err = f.signed(r.ProductKey, r.DeviceName)
	return r, err
}

// Verify reports whether r is signed with the secret of its product, in
// constant time.
func (r *Registration) Verify(productSecret string) bool {
	var content [256]byte
	return r.SignMethod.verify(productSecret, r.sign, appendRegistration(content[:0], r.ProductKey, r.DeviceName, r.Random))
}

func appendRegistration(dst []byte, productKey, deviceName, random string) []byte {
	dst = append(append(dst, "deviceName"...), deviceName...)
	dst = append(append(dst, "productKey"...), productKey...)
	return append(append(dst, "random"...), random...)
}

// form is what a device sends form-encoded.
type form url.Values

func parseForm(body []byte) (form, error) {
	if len(body) > MaxForm {
		return nil, errFormLong
	}
	values, err := url.ParseQuery(strings.Trim(string(body), blanks))
	if err != nil {
		return nil, errFormMalformed
	}
	return form(values), nil
}

// get is the field called name, in any case if it is not there as written:
// devices send signMethod and signmethod. Of two the last counts.
func (f form) get(name string) string {
	all := f[name]
	if len(all) == 0 {
		for _, other := range slices.Sorted(maps.Keys(f)) {
			if strings.EqualFold(other, name) {
				all = f[other]
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// signed checks what every form has: names and the method that it is signed
// by.
func (f form) signed(productKey, deviceName string) (SignMethod, error) {
	switch {
	case !ValidProductKey(productKey):
		return "", errFormProductKey
	case !ValidDeviceName(deviceName):
		return "", errFormDeviceName
	}
	m, ok := signMethod(f.get("signMethod"))
	if !ok {
		return "", errFormSignMethod
	}
	return m, nil
}

// SignRegistration makes the body of a request for a registration, for a
// device. random is any text that the device makes up.
func SignRegistration(productKey, deviceName, productSecret, random string) (body string, err error) {
	sign, err := registrationSum(productKey, deviceName, productSecret, random)
	if err != nil {
		return "", err
	}
	return "productKey=" + url.QueryEscape(productKey) + "&deviceName=" + url.QueryEscape(deviceName) +
		"&random=" + url.QueryEscape(random) + "&sign=" + sign + "&signMethod=" + string(HMACSHA256), nil
}

// SignRegister makes the login by which a device registers over MQTT; t is
// AuthRegister or AuthUnlisted.
func SignRegister(productKey, deviceName, productSecret, random string, t AuthType) (ConnectParams, error) {
	sign, err := registrationSum(productKey, deviceName, productSecret, random)
	if err != nil {
		return ConnectParams{}, err
	}
	c := ConnectParams{
		ClientID: deviceName + "." + productKey + "|random=" + random + ",authType=" + string(t) + ",securemode=2,signmethod=" + string(HMACSHA256) + "|",
		UserName: deviceName + "&" + productKey, Password: sign,
	}
	l, err := ParseLogin(c.ClientID, c.UserName, c.Password)
	if err == nil && (!l.Registers() || l.AuthType != t || l.Random != random) {
		err = errors.New("sign registration: random holds blanks or one of | , =, or the type is none")
	}
	return c, err
}

func registrationSum(productKey, deviceName, productSecret, random string) (string, error) {
	if productSecret == "" || random == "" || !ValidProductKey(productKey) || !ValidDeviceName(deviceName) {
		return "", errors.New("sign registration: a secret or random is missing, or a name malformed")
	}
	return hex.EncodeToString(HMACSHA256.appendSum(nil, productSecret, appendRegistration(nil, productKey, deviceName, random))), nil
}

// TokenLogin is the login of a device that registered without being listed,
// with the client id and the token that it was given.
func TokenLogin(productKey, deviceName, clientID, token string) ConnectParams {
	return ConnectParams{
		ClientID: clientID + "|authType=" + string(AuthToken) + ",securemode=-2,_ss=1|",
		UserName: deviceName + "&" + productKey, Password: token,
	}
}

// AppendRegistered appends the answer to a registration over HTTPS. C SDK 3.2
// looks for text in it, and has room for 255 bytes.
func AppendRegistered(dst []byte, productKey, deviceName, deviceSecret string) []byte {
	dst = append(dst, `{"code":200,"data":`...)
	dst = AppendSecret(dst, productKey, deviceName, deviceSecret)
	return append(dst, `,"message":"success"}`...)
}

// DecodeRegistered reads the answer to a registration over HTTPS, for a device.
// A refusal is an *Error with its code.
func DecodeRegistered(answer []byte) (deviceSecret string, err error) {
	if err := checkObject(answer); err != nil {
		return "", err
	}
	var r Reply
	for name, value := range members(answer) {
		switch string(name) {
		case "code":
			r.Code, _ = code(value)
		case "message":
			r.Message = line(value)
		case "data":
			for name, value := range members(value) {
				if string(name) == "deviceSecret" {
					deviceSecret = text(value)
				}
			}
		}
	}
	switch {
	case r.Code != CodeSuccess:
		return "", &Error{r.Code, "registration refused: " + strconv.Itoa(int(r.Code)) + " " + r.Message}
	case deviceSecret == "":
		return "", &Error{CodeServerError, "registration: the answer holds no deviceSecret"}
	}
	return deviceSecret, nil
}

// AppendRefused appends the answer to a registration or pre-authentication
// over HTTPS that is refused.
func AppendRefused(dst []byte, c Code) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c), 10)
	dst = append(dst, `,"data":{}`...)
	if m := c.Message(); m != "" {
		dst = append(dst, `,"message":`...)
		dst = appendText(dst, m)
	}
	return append(dst, '}')
}

// AppendSecret appends what is published to a device that registered with
// AuthRegister.
func AppendSecret(dst []byte, productKey, deviceName, deviceSecret string) []byte {
	dst = appendNames(dst, productKey, deviceName)
	dst = append(dst, `,"deviceSecret":`...)
	dst = appendText(dst, deviceSecret)
	return append(dst, '}')
}

// AppendDeviceToken appends what is published to a device that registered with
// AuthUnlisted.
func AppendDeviceToken(dst []byte, productKey, deviceName, clientID, deviceToken string) []byte {
	dst = appendNames(dst, productKey, deviceName)
	dst = append(dst, `,"clientId":`...)
	dst = appendText(dst, clientID)
	dst = append(dst, `,"deviceToken":`...)
	dst = appendText(dst, deviceToken)
	return append(dst, '}')
}

func appendNames(dst []byte, productKey, deviceName string) []byte {
	dst = append(dst, `{"productKey":`...)
	dst = appendText(dst, productKey)
	dst = append(dst, `,"deviceName":`...)
	return appendText(dst, deviceName)
}
