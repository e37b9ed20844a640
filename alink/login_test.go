package alink

import (
	"errors"
	"strings"
	"testing"
)

const (
	testKey    = "a1B2c3D4e5F"
	testName   = "dev-01"
	testUser   = testName + "&" + testKey
	testSecret = "0123456789abcdef0123456789abcdef"
)

// linkSDK4 is what LinkSDK 4.1 sends (field), and linkSDK4Sum its password.
const (
	linkSDK4    = testKey + ".dev-01|timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=3,signmethod=hmacsha256,ext=3,_conn=tcp_8|"
	linkSDK4Sum = "2569C3D98D451367C9D4A4682F201E1239684582EC90B71E47E0FD529E69D3F4"
)

func TestLoginsOfDevicesInTheFieldVerify(t *testing.T) {
	tests := []struct {
		name                         string
		clientID, user, password     string
		secret                       string
		wantID, wantStamp, wantClass string
		wantMethod                   SignMethod
		wantSubscribe                bool
	}{
		{"vendor's example", "12345|securemode=3,signmethod=hmacsha1,timestamp=789|", "device&pk",
			"FAFD82A3D602B37FB0FA8B7892F24A477F851A14", "secret", "12345", "789", "", HMACSHA1, false},
		{"vendor's example in lower case", "12345|securemode=3,signmethod=hmacsha1,timestamp=789|", "device&pk",
			"fafd82a3d602b37fb0fa8b7892f24a477f851a14", "secret", "12345", "789", "", HMACSHA1, false},
		{"LinkSDK 4 in upper case", linkSDK4, testUser, linkSDK4Sum, testSecret,
			testKey + ".dev-01", "2524608000000", "", HMACSHA256, true},
		{"C SDK 3.2", testKey + ".dev-01|timestamp=2524608000000,_v=sdk-c-3.2.0,securemode=3,signmethod=hmacsha256,lan=C,_ss=1,gw=0,ext=0|",
			testUser, linkSDK4Sum, testSecret, testKey + ".dev-01", "2524608000000", "C", HMACSHA256, true},
		{"C SDK 2.3 with sha1", testKey + ".dev-01|securemode=2,timestamp=2524608000000,signmethod=hmacsha1,gw=0,pid=example.demo.partner-id,mid=example.demo.module-id,lan=C,_v=2.3.0|",
			testUser, "279e4fa5c2470700a95be09ebefb6f21a8a47d41", testSecret, testKey + ".dev-01", "2524608000000", "C", HMACSHA1, false},
		{"Node 1.0.1 with line breaks", testKey + "&dev-01_aliyun-iot-device-sdk-js|securemode=3,\n        signmethod=hmacsha1,\n        timestamp=1700000000000|",
			testUser, "654f2cf4fc3df88591fa8ad87432530465de0291", testSecret,
			testKey + "&dev-01_aliyun-iot-device-sdk-js", "1700000000000", "", HMACSHA1, false},
		{"Node 1.2.8", testKey + "&dev-01|securemode=3,signmethod=hmacsha1,timestamp=1700000000000,lan=NodeJS,_v=1.2.8|",
			testUser, "91f4b4f0211a5847d595accbe5e9f8bd519e666b", testSecret,
			testKey + "&dev-01", "1700000000000", "NodeJS", HMACSHA1, false},
		{"Go", testKey + ".dev-01|_v=1.0.0,ext=0,gw=0,lan=Golang,securemode=3,signmethod=hmacsha256,timestamp=1700000000000|",
			testUser, "729ba8c072991a9d483fe77716c7b3f450903f4da57089bd0b1990675aaab126", testSecret,
			testKey + ".dev-01", "1700000000000", "Golang", HMACSHA256, false},
		{"LinkSDK 4 with an assigned client id", "|timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=3,signmethod=hmacsha256,ext=3|",
			testUser, "6D706F77C55E40051CD254BB997FFA222254DF5A8CF1489A261DB1E788D73C73", testSecret,
			"", "2524608000000", "", HMACSHA256, true},
		{"neither signmethod nor timestamp", "mac:00-11|securemode=3|", testUser, "72850c4c829dc87d439d5b7be506020e", testSecret,
			"mac:00-11", "", "", HMACMD5, false},
		{"no parameters at all", "plain-id", testUser, "553c593c74065641b31bc46cb65cdb92", testSecret,
			"plain-id", "", "", HMACMD5, false},
		{"every sign in the device name, odd case and unknown parameters", "x| SignMethod = HmacSHA256 ,novalue,,=,a=b=c|", "a:b@c.d_e-1&" + testKey,
			"191ce4796fa6999a89a694092344eaa5b7d5800c8b23ac7228226dda3b281eff", testSecret, "x", "", "", HMACSHA256, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseLogin(tt.clientID, tt.user, tt.password)
			if err != nil {
				t.Fatalf("ParseLogin(%q, %q) = %v", tt.clientID, tt.user, err)
			}
			if l.ClientID != tt.wantID || l.Timestamp != tt.wantStamp || l.HasTimestamp != (tt.wantStamp != "") ||
				l.SignMethod != tt.wantMethod || l.AutoSubscribe != tt.wantSubscribe || l.Language != tt.wantClass {
				t.Errorf("ParseLogin(%q, %q) = %+v", tt.clientID, tt.user, l)
			}
			if !l.Verify(tt.secret) {
				t.Errorf("Verify(%q) = false; want true", tt.secret)
			}
			if l.Verify(tt.secret + "x") {
				t.Errorf("Verify(another secret) = true; want false")
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	tests := []struct{ name, password string }{
		{"no password", ""},
		{"one digit wrong", "3" + linkSDK4Sum[1:]},
		{"a digit short", linkSDK4Sum[1:]},
		{"a digit too many", linkSDK4Sum + "0"},
		{"no hexadecimal", strings.Repeat("z", 64)},
		{"the sum of another method", "279e4fa5c2470700a95be09ebefb6f21a8a47d41"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseLogin(linkSDK4, testUser, tt.password)
			if err != nil {
				t.Fatal(err)
			}
			if l.Verify(testSecret) {
				t.Errorf("Verify with password %q = true; want false", tt.password)
			}
		})
	}
	t.Run("an empty secret", func(t *testing.T) {
		l := Login{DeviceName: testName, ProductKey: testKey, SignMethod: HMACMD5}
		l.password = "00000000000000000000000000000000"
		if l.Verify("") {
			t.Error("Verify with no secret = true; want false")
		}
	})
	t.Run("the zero login", func(t *testing.T) {
		var l Login
		if l.Verify(testSecret) {
			t.Error("Verify of the zero Login = true; want false")
		}
	})
}

func TestParseLoginRefuses(t *testing.T) {
	tests := []struct {
		name                     string
		clientID, user, password string
		want                     error
	}{
		{"a bare id of 65 characters", strings.Repeat("x", 65) + "|securemode=3|", testUser, "", ErrClientID},
		{"a plain id of 65 characters", strings.Repeat("x", 65), testUser, "", ErrClientID},
		{"a client id of 513 bytes", "x|" + strings.Repeat("a", 510) + "|", testUser, "", ErrClientID},
		{"parameters that do not end", "x|securemode=3", testUser, "", ErrClientID},
		{"one bar only", "x|", testUser, "", ErrClientID},
		{"text behind the parameters", "x|securemode=3|y", testUser, "", ErrClientID},
		{"a third bar", "x|securemode=3|y|", testUser, "", ErrClientID},
		{"a registration without random", "x|authType=register,signmethod=hmacsha256|", testUser, "", ErrClientID},
		{"a registration by an iotId", "x|authType=register,random=1|", strings.Repeat("i", 16), "", ErrCredentials},
		{"a token by an iotId", "x|authType=connwl|", strings.Repeat("i", 16), "", ErrCredentials},
		{"too short for an iotId", "x||", strings.Repeat("i", 15), "", ErrCredentials},
		{"too long for an iotId", "x||", strings.Repeat("i", 65), "", ErrCredentials},
		{"no iotId", "x||", strings.Repeat("i", 20) + "-", "", ErrCredentials},
		{"an unknown signmethod", "x|signmethod=hmacsha512|", testUser, "", ErrClientID},
		{"no user name", "x|securemode=3|", "", "", ErrCredentials},
		{"no product key", "x|securemode=3|", testName, "", ErrCredentials},
		{"an empty product key", "x|securemode=3|", testName + "&", "", ErrCredentials},
		{"two ampersands", "x|securemode=3|", testUser + "&x", "", ErrCredentials},
		{"a device name of 3", "x|securemode=3|", "abc&" + testKey, "", ErrCredentials},
		{"a device name of 33", "x|securemode=3|", strings.Repeat("d", 33) + "&" + testKey, "", ErrCredentials},
		{"a slash in the device name", "x|securemode=3|", "a/b/c&" + testKey, "", ErrCredentials},
		{"a wildcard for a device name", "x|securemode=3|", "++++&" + testKey, "", ErrCredentials},
		{"a product key of 21", "x|securemode=3|", testName + "&" + strings.Repeat("k", 21), "", ErrCredentials},
		{"a password of 257 bytes", "x|securemode=3|", testUser, strings.Repeat("0", 257), ErrCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseLogin(tt.clientID, tt.user, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("ParseLogin(%q, %q, ..) = %v; want %v", tt.clientID, tt.user, err, tt.want)
			}
		})
	}
}

func TestParseLoginTakes(t *testing.T) {
	for _, clientID := range []string{
		"", "||", "|\n|", "x||", "x|signmethod=|", "x|securemode=3|\r\n",
		strings.Repeat("x", 64) + "|a=b|", strings.Repeat("设", 64) + "|a=b|",
	} {
		if _, err := ParseLogin(clientID, testUser, ""); err != nil {
			t.Errorf("ParseLogin(%q) = %v; want none", clientID, err)
		}
	}
	l, err := ParseLogin("c|securemode=-2,authType=regnwl,random=R1,instanceId=iot-06z00,v=2,timestamp=1,timestamp=2|", testUser, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Login{
		ClientID: "c", DeviceName: testName, ProductKey: testKey, SignMethod: HMACMD5, Timestamp: "2", HasTimestamp: true,
		SecureMode: "-2", Version: "2", AuthType: AuthUnlisted, Random: "R1", InstanceID: "iot-06z00",
	}
	if l != want {
		t.Errorf("ParseLogin = %+v; want %+v", l, want)
	}
}

func TestSignedLoginsVerify(t *testing.T) {
	for _, o := range []SignOptions{
		{},
		{NoClientID: true, Method: HMACMD5},
		{ClientID: "mac:00-11", Method: HMACSHA1, Timestamp: "2524608000000"},
		{TLS: true, AutoSubscribe: true, Version: "sdk-go-1", Language: "Go"},
	} {
		c, err := Sign(testKey, testName, testSecret, o)
		if err != nil {
			t.Fatalf("Sign(%+v) = %v", o, err)
		}
		l, err := ParseLogin(c.ClientID, c.UserName, c.Password)
		if err != nil || !l.Verify(testSecret) {
			t.Errorf("Sign(%+v) = %+v does not verify: %v", o, c, err)
		}
	}
	c, err := Sign(testKey, testName, testSecret, SignOptions{Timestamp: "2524608000000"})
	if err != nil || !strings.EqualFold(c.Password, linkSDK4Sum) {
		t.Errorf("Sign = %+v, %v; want password %s", c, err, linkSDK4Sum)
	}
}

func TestSignRefuses(t *testing.T) {
	tests := []struct {
		name             string
		key, dev, secret string
		o                SignOptions
	}{
		{"no secret", testKey, testName, "", SignOptions{}},
		{"a bad name", testKey, "d", testSecret, SignOptions{}},
		{"a bar in the client id", testKey, testName, testSecret, SignOptions{ClientID: "a|b"}},
		{"a comma in the version", testKey, testName, testSecret, SignOptions{Version: "1,lan=x"}},
		{"a blank in front", testKey, testName, testSecret, SignOptions{Timestamp: " 1"}},
		{"an unknown method", testKey, testName, testSecret, SignOptions{Method: "md4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := Sign(tt.key, tt.dev, tt.secret, tt.o); err == nil {
				t.Errorf("Sign(%+v) = %+v; want an error", tt.o, c)
			}
		})
	}
}

func TestParseLoginAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseLogin(linkSDK4, testUser, linkSDK4Sum); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLogin("x|", testUser, linkSDK4Sum); err == nil {
			t.Fatal("no error")
		}
	}); n != 0 {
		t.Errorf("ParseLogin allocates %v times; want 0", n)
	}
}

func FuzzLogin(f *testing.F) {
	f.Add(linkSDK4, testUser, linkSDK4Sum)
	f.Add("x|securemode=3,\n signmethod=hmacsha1,\n timestamp=1|", "a:b@c.d&pk", "00")
	f.Add("plain", testUser, "")
	f.Add("||", "&", "|")
	f.Add("c|securemode=-2,authType=regnwl,random=R1,signmethod=hmacsha256,instanceId=iot-06z00|", testUser, "00")
	f.Add("c|authType=connwl,securemode=-2,_ss=1,ext=3,_v=sdk-c-4.1.0|", testUser, "a token")
	f.Add("c|securemode=3,timestamp=1|", "Q7uOhVRdZRRlDnTLv00100", "a token")
	f.Fuzz(func(t *testing.T, clientID, user, password string) {
		l, err := ParseLogin(clientID, user, password)
		if err != nil {
			if !errors.Is(err, ErrClientID) && !errors.Is(err, ErrCredentials) {
				t.Errorf("ParseLogin(%q, %q) = %v, of no kind", clientID, user, err)
			}
			return
		}
		names := l.DeviceName + "&" + l.ProductKey
		if l.IotID != "" && names == "&" && l.AuthType == "" {
			names = l.IotID
		}
		if names != user || !strings.HasPrefix(clientID, l.ClientID) {
			t.Errorf("ParseLogin(%q, %q) = %+v", clientID, user, l)
		}
		l.Verify(testSecret)
		l.VerifyRegistration(testSecret)
		if l.Registers() && l.Random == "" {
			t.Errorf("ParseLogin(%q, %q) = %+v; want a registration's random", clientID, user, l)
		}
		l.password = ""
		again, err := ParseLogin(clientID, user, "")
		if err != nil || again != l {
			t.Errorf("ParseLogin(%q, %q) again = %+v, %v; want %+v", clientID, user, again, err, l)
		}
	})
}

func BenchmarkParseLogin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseLogin(linkSDK4, testUser, linkSDK4Sum); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, m := range []SignMethod{HMACMD5, HMACSHA1, HMACSHA256} {
		b.Run(string(m), func(b *testing.B) {
			c, err := Sign(testKey, testName, testSecret, SignOptions{Method: m})
			if err != nil {
				b.Fatal(err)
			}
			l, err := ParseLogin(c.ClientID, c.UserName, c.Password)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !l.Verify(testSecret) {
					b.Fatal("refused")
				}
			}
		})
	}
}
