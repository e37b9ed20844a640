package alink

import (
	"errors"
	"strings"
	"testing"
)

// What C SDK 3.2 sends (field): always this random, and the digest in upper
// case. The digests here were computed by another program.
const (
	testProductSecret = "ProductSecret16x"
	sdk32Random       = "8Ygb7ULYh53B6OA"
	sdk32Sum          = "9A155DD7A91B20032BCCF34007DE2336C06802B1F7E459F54BBC6D86A1B03BEA"
	sdk32Form         = "productKey=" + testKey + "&deviceName=" + testName + "&random=" + sdk32Random + "&sign=" + sdk32Sum + "&signMethod=hmacsha256"
)

func TestRegistrationsOfDevicesInTheFieldVerify(t *testing.T) {
	names := "productKey=" + testKey + "&deviceName=" + testName + "&random=" + sdk32Random
	for _, tt := range []struct {
		name, form string
		want       SignMethod
	}{
		{"C SDK 3.2", sdk32Form, HMACSHA256},
		{"lower case", strings.Replace(sdk32Form, sdk32Sum, strings.ToLower(sdk32Sum), 1), HMACSHA256},
		{"sha1, with another case", names + "&signMethod=HmacSHA1&sign=1e254eff792aab829dc6689c454722e833a7270b", HMACSHA1},
		{"md5, with another name and order", "sign=84c4ef6b41fb36a7b11012e418efbe1f&signmethod=hmacmd5&" + names, HMACMD5},
		{"an unknown field and line ends", "ext=1&" + sdk32Form + "\r\n", HMACSHA256},
		{"escaped", strings.Replace(sdk32Form, testName, "dev%2D01", 1), HMACSHA256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseRegistration([]byte(tt.form))
			if err != nil || r.ProductKey != testKey || r.DeviceName != testName || r.Random != sdk32Random || r.SignMethod != tt.want {
				t.Fatalf("ParseRegistration(%q) = %+v, %v", tt.form, r, err)
			}
			if !r.Verify(testProductSecret) {
				t.Error("Verify = false; want true")
			}
			if r.Verify(testProductSecret+"x") || r.Verify("") {
				t.Error("Verify(another secret) = true; want false")
			}
		})
	}
}

func TestParseRegistrationRefuses(t *testing.T) {
	swap := func(old, new string) string { return strings.Replace(sdk32Form, old, new, 1) }
	for _, tt := range []struct {
		name, form string
		want       Code
	}{
		{"nothing", "", CodeBadParameters},
		{"no form", `{"productKey":"` + testKey + `"}`, CodeBadParameters},
		{"a broken escape", swap("&random", "%zz&random"), CodeBadParameters},
		{"too long", sdk32Form + "&x=" + strings.Repeat("x", MaxForm), CodeBadParameters},
		{"no product key", swap("productKey="+testKey, ""), CodeBadParameters},
		{"no device name", swap("deviceName="+testName, ""), CodeBadParameters},
		{"no random", swap("random="+sdk32Random, "random="), CodeBadParameters},
		{"no sign", swap("sign="+sdk32Sum, ""), CodeBadParameters},
		{"no sign method", swap("&signMethod=hmacsha256", ""), CodeBadParameters},
		{"a malformed product key", swap(testKey, "a1/b"), CodeBadParameters},
		{"a malformed device name", swap(testName, "dev"), CodeBadDeviceName},
		{"a device name with a slash", swap(testName, "dev/01"), CodeBadDeviceName},
		{"an unknown sign method", swap("hmacsha256", "hmacsha512"), CodeBadSignMethod},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseRegistration([]byte(tt.form))
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != tt.want {
				t.Errorf("ParseRegistration(%q) = %v; want code %d", tt.form, err, tt.want)
			}
		})
	}
}

func TestSignedRegistrationsVerify(t *testing.T) {
	form, err := SignRegistration(testKey, "a:b@c.d", testProductSecret, "r&=+ %")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRegistration([]byte(form))
	if err != nil || !r.Verify(testProductSecret) || r.DeviceName != "a:b@c.d" || r.Random != "r&=+ %" {
		t.Errorf("SignRegistration = %q, which reads %+v, %v; want one that verifies", form, r, err)
	}
	form, err = SignRegistration(testKey, testName, testProductSecret, sdk32Random)
	if err != nil || !strings.EqualFold(form, sdk32Form) {
		t.Errorf("SignRegistration = %q, %v; want %q", form, err, sdk32Form)
	}
	for _, kind := range []AuthType{AuthRegister, AuthUnlisted} {
		c, err := SignRegister(testKey, testName, testProductSecret, sdk32Random, kind)
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseLogin(c.ClientID, c.UserName, c.Password)
		if err != nil || !l.Registers() || l.AuthType != kind || !l.VerifyRegistration(testProductSecret) {
			t.Errorf("SignRegister(%s) = %+v, which reads %+v, %v; want one that verifies", kind, c, l, err)
		}
		if l.VerifyRegistration(testProductSecret+"x") || l.Verify(testProductSecret) {
			t.Errorf("a login of %s verifies as another", kind)
		}
	}
	for _, tt := range []struct {
		name, key, dev, secret, random string
		kind                           AuthType
	}{
		{"no secret", testKey, testName, "", "r", AuthRegister},
		{"no random", testKey, testName, "s", "", AuthRegister},
		{"a bad key", "", testName, "s", "r", AuthRegister},
		{"a bad name", testKey, "dev", "s", "r", AuthRegister},
		{"a comma in random", testKey, testName, "s", "r,authType=connwl", AuthRegister},
		{"no registration", testKey, testName, "s", "r", AuthToken},
	} {
		if c, err := SignRegister(tt.key, tt.dev, tt.secret, tt.random, tt.kind); err == nil {
			t.Errorf("SignRegister with %s = %+v; want an error", tt.name, c)
		}
	}
}

// What LinkSDK 4.1, C SDK 3.2, Android and LuatOS send (field).
func TestRegistrationsOverMQTTVerify(t *testing.T) {
	for _, tt := range []struct {
		name, clientID, password string
		want                     AuthType
	}{
		{"LinkSDK 4", testName + "." + testKey + "|random=" + sdk32Random + ",authType=register,securemode=2,signmethod=hmacsha256|", sdk32Sum, AuthRegister},
		{"LinkSDK 4, not listed", testName + "." + testKey + "|random=" + sdk32Random + ",authType=regnwl,securemode=2,signmethod=hmacsha256,instanceId=iot-06z00|", sdk32Sum, AuthUnlisted},
		{"C SDK 3.2", testKey + "." + testName + "|authType=register,random=" + sdk32Random + ",signmethod=hmacsha256,securemode=2|", sdk32Sum, AuthRegister},
		{"LuatOS", testName + "|securemode=-2,authType=regnwl,random=" + sdk32Random + ",signmethod=hmacsha1|", "1e254eff792aab829dc6689c454722e833a7270b", AuthUnlisted},
		{"the documented names in another case", "|securemode=2,AUTHTYPE=Register,random=" + sdk32Random + ",signMethod=HMACMD5|", "84c4ef6b41fb36a7b11012e418efbe1f", AuthRegister},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseLogin(tt.clientID, testUser, tt.password)
			if err != nil || l.AuthType != tt.want || !l.Registers() || !l.VerifyRegistration(testProductSecret) {
				t.Errorf("ParseLogin(%q) = %+v, %v; want a registration that verifies", tt.clientID, l, err)
			}
		})
	}
}

func TestTokenLogin(t *testing.T) {
	c := TokenLogin(testKey, testName, "my client", "the token")
	l, err := ParseLogin(c.ClientID, c.UserName, c.Password)
	if err != nil || l.AuthType != AuthToken || l.Registers() || l.ClientID != "my client" || l.Password() != "the token" || !l.AutoSubscribe {
		t.Errorf("TokenLogin = %+v, which reads %+v, %v", c, l, err)
	}
}

func TestRegistrationAnswers(t *testing.T) {
	secret := strings.Repeat("f", 32)
	for _, tt := range []struct{ name, got, want string }{
		{"registered", string(AppendRegistered(nil, testKey, testName, "abc")),
			`{"code":200,"data":{"productKey":"a1B2c3D4e5F","deviceName":"dev-01","deviceSecret":"abc"},"message":"success"}`},
		{"refused", string(AppendRefused(nil, CodeAlreadyActive)), `{"code":6289,"data":{},"message":"device already active"}`},
		{"refused without words", string(AppendRefused(nil, 999)), `{"code":999,"data":{}}`},
		{"secret", string(AppendSecret(nil, testKey, testName, "abc")),
			`{"productKey":"a1B2c3D4e5F","deviceName":"dev-01","deviceSecret":"abc"}`},
		{"token", string(AppendDeviceToken(nil, testKey, testName, `a"b`, "tok")),
			`{"productKey":"a1B2c3D4e5F","deviceName":"dev-01","clientId":"a\"b","deviceToken":"tok"}`},
		{"pre-authorized", string(AppendPreAuthorized(nil, "id", "tok", "mqtt.example.com", 1883)),
			`{"code":200,"data":{"iotId":"id","iotToken":"tok","resources":{"mqtt":{"host":"mqtt.example.com","port":1883}}},"message":"success"}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, tt.got, tt.want)
		}
	}
	longest := AppendRegistered(nil, strings.Repeat("k", 20), strings.Repeat("d", 32), secret)
	if len(longest) >= 256 {
		t.Errorf("the longest answer has %d bytes; want less than 256", len(longest))
	}
	if got, err := DecodeRegistered(longest); got != secret || err != nil {
		t.Errorf("DecodeRegistered = %q, %v; want the secret", got, err)
	}
	for name, answer := range map[string]string{
		"refused": string(AppendRefused(nil, CodeAlreadyActive)), "no JSON": "<html>", "no code": `{"data":{"deviceSecret":"x"}}`,
		"no secret": `{"code":200,"data":{}}`, "a secret of null": `{"code":200,"data":{"deviceSecret":null}}`,
	} {
		if got, err := DecodeRegistered([]byte(answer)); err == nil || got != "" {
			t.Errorf("DecodeRegistered of %s = %q, %v; want an error", name, got, err)
		}
	}
	_, err := DecodeRegistered(AppendRefused(nil, CodeAlreadyActive))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeAlreadyActive {
		t.Errorf("DecodeRegistered of a refusal = %v; want its code", err)
	}
}

// The digests were computed by another program.
func TestPreAuth(t *testing.T) {
	const names = "productKey=" + testKey + "&deviceName=" + testName + "&clientId=" + testKey + "." + testName + "&timestamp=2524608000000"
	for _, tt := range []struct{ name, form, secret string }{
		{"C SDK 2.3", names + "&sign=279e4fa5c2470700a95be09ebefb6f21a8a47d41&version=default&signmethod=hmacsha1&resources=mqtt", testSecret},
		{"another order", "signmethod=HMACSHA256&sign=" + linkSDK4Sum + "&" + names, testSecret},
		{"md5 by default", names + "&sign=2245821cc808d07f97511af00bfa74b1", testSecret},
	} {
		p, err := ParsePreAuth([]byte(tt.form))
		if err != nil || p.ProductKey != testKey || p.DeviceName != testName || !p.Verify(tt.secret) {
			t.Errorf("%s: ParsePreAuth = %+v, %v; want one that verifies", tt.name, p, err)
		}
		if p.Verify(tt.secret + "x") {
			t.Errorf("%s: verifies with another secret", tt.name)
		}
		p, err = ParsePreAuth([]byte(tt.form + "&more=1"))
		if err != nil || p.Verify(tt.secret) {
			t.Errorf("%s: with a field that is not signed = %+v, %v; want one that does not verify", tt.name, p, err)
		}
	}
	for _, tt := range []struct {
		form string
		want Code
	}{
		{"", CodeBadParameters}, {names, CodeBadParameters}, {"sign=00&productKey=" + testKey, CodeBadParameters},
		{"sign=00&productKey=" + testKey + "&deviceName=d", CodeBadDeviceName}, {names + "&sign=00&signmethod=x", CodeBadSignMethod},
		{names + "&sign=00&x=" + strings.Repeat("x", MaxForm), CodeBadParameters},
	} {
		_, err := ParsePreAuth([]byte(tt.form))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != tt.want {
			t.Errorf("ParsePreAuth(%.80q) = %v; want code %d", tt.form, err, tt.want)
		}
	}
	host := strings.Repeat("h", 64)
	if n := len(AppendPreAuthorized(nil, strings.Repeat("i", 26), strings.Repeat("t", 48), host, 65535)); n >= 300 {
		t.Errorf("the longest answer has %d bytes; want less than 300", n)
	}
	l, err := ParseLogin("c|securemode=3,timestamp=1|", "Q7uOhVRdZRRlDnTLv00100", "a token")
	if err != nil || l.IotID != "Q7uOhVRdZRRlDnTLv00100" || l.DeviceName != "" || l.ProductKey != "" || l.Password() != "a token" {
		t.Errorf("ParseLogin with an iotId = %+v, %v", l, err)
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add([]byte(sdk32Form))
	f.Add([]byte("productKey=" + testKey + "&deviceName=" + testName + "&clientId=c&timestamp=1&sign=00&signmethod=hmacsha1&version=default&resources=mqtt"))
	f.Add([]byte("signMethod=hmacmd5&signmethod=hmacsha1&%"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRegistration(body)
		if err == nil && (!ValidProductKey(r.ProductKey) || !ValidDeviceName(r.DeviceName) || r.Random == "" || r.SignMethod.size() == 0) {
			t.Errorf("ParseRegistration(%q) = %+v", body, r)
		}
		if _, coded := errors.AsType[*Error](err); err != nil && !coded {
			t.Errorf("ParseRegistration(%q) = %v, which has no code", body, err)
		}
		if err == nil && r.Verify(testProductSecret) != strings.EqualFold(r.sign, signOf(r)) {
			t.Errorf("Verify of %+v = %t", r, r.Verify(testProductSecret))
		}
		p, err := ParsePreAuth(body)
		if err == nil && (!ValidProductKey(p.ProductKey) || !ValidDeviceName(p.DeviceName) || p.SignMethod.size() == 0) {
			t.Errorf("ParsePreAuth(%q) = %+v", body, p)
		}
		p.Verify(testSecret)
		if secret, err := DecodeRegistered(body); (err == nil) == (secret == "") {
			t.Errorf("DecodeRegistered(%q) = %q, %v", body, secret, err)
		}
	})
}

func signOf(r Registration) string {
	const digits = "0123456789abcdef"
	var text strings.Builder
	for _, b := range r.SignMethod.appendSum(nil, testProductSecret, appendRegistration(nil, r.ProductKey, r.DeviceName, r.Random)) {
		text.WriteByte(digits[b>>4])
		text.WriteByte(digits[b&15])
	}
	return text.String()
}
