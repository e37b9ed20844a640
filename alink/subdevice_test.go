package alink

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// signed is what LinkSDK 4 and the others send for one sub-device, with the
// signature made here by hand.
func signed(method, members string) string {
	mac := hmac.New(sha1.New, []byte("secret"))
	mac.Write([]byte("clientIdpk.dev-01deviceNamedev-01productKeypktimestamp1524448722000"))
	return `{"productKey":"pk","deviceName":"dev-01","clientId":"pk.dev-01","timestamp":"1524448722000",` +
		method + `"sign":"` + strings.ToUpper(hex.EncodeToString(mac.Sum(nil))) + `"` + members + `}`
}

func TestRequestsOfGatewaysInTheField(t *testing.T) {
	one := signed(`"signMethod":"hmacSha1",`, "")
	tests := []struct {
		name    string
		kind    Kind
		payload string
		id      string
		silent  bool
	}{
		{"vendor's topo add", TopoAdd, `{"id":"123","version":"1.0","sys":{"ack":0},"params":[` + signed(`"signmethod":"hmacSha1",`, "") + `],"method":"thing.topo.add"}`, "123", true},
		{"LinkSDK 4 batch login", CombineBatchLogin, `{"id":"7","version":"1.0","params":{"signMethod":"hmacSha1","deviceList":[` + signed("", `,"cleanSession":"false"`) + `]}}`, "7", false},
		{"the method behind the list", CombineBatchLogin, `{"id":"7","params":{"deviceList":[` + signed("", "") + `],"signMethod":"hmacsha1"}}`, "7", false},
		{"vendor's batch login", CombineBatchLogin, `{"id":"7","params":{"deviceList":[` + one + `]}}`, "7", false},
		{"login", CombineLogin, `{"id":7,"params":` + one + `}`, "7", false},
		{"a number for a timestamp", CombineLogin, `{"id":"7","params":` + strings.Replace(one, `"1524448722000"`, `1524448722000`, 1) + `}`, "7", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := DecodeGatewayRequest(tt.kind, []byte(tt.payload))
			if err != nil || r.ID != tt.id || r.Silent != tt.silent || len(r.Devices) != 1 {
				t.Fatalf("DecodeGatewayRequest(%s) = %+v, %v; want id %s, silent %t, one device", tt.payload, r, err, tt.id, tt.silent)
			}
			d := r.Devices[0]
			if d.Identity != (Identity{"pk", "dev-01"}) || !d.Verify("secret") || d.Verify("other") || d.Verify("") {
				t.Errorf("%+v verifies: secret %t, other %t, none %t; want the first only", d.Identity, d.Verify("secret"), d.Verify("other"), d.Verify(""))
			}
		})
	}
}

func TestOnlyWhatIsSentIsSigned(t *testing.T) {
	for _, content := range []string{
		"clientIddeviceNamedev-01productKeypk",
		"deviceNamedev-01productKeypk",
		"deviceNamedev-01productKeypktimestamp1",
	} {
		mac := hmac.New(sha1.New, []byte("secret"))
		mac.Write([]byte(content))
		members := `"productKey":"pk","deviceName":"dev-01","signMethod":"hmacsha1","sign":"` + hex.EncodeToString(mac.Sum(nil)) + `"`
		if strings.HasPrefix(content, "clientId") {
			members += `,"clientId":""`
		}
		if strings.HasSuffix(content, "timestamp1") {
			members += `,"timestamp":"1"`
		}
		r, err := DecodeGatewayRequest(CombineLogin, []byte(`{"params":{`+members+`}}`))
		if err != nil || !r.Devices[0].Verify("secret") {
			t.Errorf("a signature of %s: %v; want it to verify", content, err)
		}
	}
}

func TestRequestsOfGatewaysThatName(t *testing.T) {
	names := `{"productKey":"pk","deviceName":"dev-01"}`
	for k, payload := range map[Kind]string{
		TopoDelete:         `{"id":"1","params":[` + names + `]}`,
		CombineBatchLogout: `{"id":"1","params":[` + names + `]}`,
		CombineLogout:      `{"id":"1","params":` + names + `}`,
	} {
		r, err := DecodeGatewayRequest(k, []byte(payload))
		if want := (Subdevice{Identity: Identity{"pk", "dev-01"}}); err != nil || len(r.Devices) != 1 || r.Devices[0] != want {
			t.Errorf("DecodeGatewayRequest(%d, %s) = %+v, %v; want %+v", k, payload, r, err, want)
		}
	}
	for _, params := range []string{`{}`, `"{}"`, `[]`} { // LinkSDK 4 sends the second
		if r, err := DecodeGatewayRequest(TopoGet, []byte(`{"id":"1","params":`+params+`}`)); err != nil || r.ID != "1" || len(r.Devices) != 0 {
			t.Errorf("a topo get with params %s = %+v, %v; want one without devices", params, r, err)
		}
	}
}

func TestRequestsOfGatewaysThatAreAnswered460(t *testing.T) {
	one := signed(`"signMethod":"hmacSha1",`, "")
	many := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(`{"productKey":"pk","deviceName":"dev-%03d"}`, i)
		}
		return strings.Join(all, ",")
	}
	for _, tt := range []struct {
		name    string
		kind    Kind
		payload string
	}{
		{"not JSON", CombineLogin, `{"id":"1"`},
		{"not an object", CombineLogin, `[1]`},
		{"no params", CombineLogin, `{"id":"1"}`},
		{"params as a list", CombineLogin, `{"id":"1","params":[` + one + `]}`},
		{"an id that is not plain", CombineLogin, `{"id":"a b","params":` + one + `}`},
		{"no name", CombineLogin, `{"id":"1","params":{"productKey":"pk"}}`},
		{"a name that is none", CombineLogin, `{"id":"1","params":` + strings.ReplaceAll(one, "dev-01", "d/v") + `}`},
		{"an unknown method", CombineLogin, `{"id":"1","params":` + strings.Replace(one, "hmacSha1", "Sha256", 1) + `}`},
		{"a long timestamp", CombineLogin, `{"id":"1","params":` + strings.Replace(one, "1524448722000", strings.Repeat("1", 65), 1) + `}`},
		{"a list that is none", TopoAdd, `{"id":"1","params":{}}`},
		{"an empty list", CombineBatchLogin, `{"id":"1","params":{"deviceList":[]}}`},
		{"one bad in a list", CombineBatchLogin, `{"id":"1","params":{"deviceList":[` + one + `,{}]}}`},
		{"one twice", CombineBatchLogin, `{"id":"1","params":{"deviceList":[` + one + `,` + one + `]}}`},
		{"too many to add", TopoAdd, `{"id":"1","params":[` + many(MaxTopoAdd+1) + `]}`},
		{"too many to log out", CombineBatchLogout, `{"id":"1","params":[` + many(MaxCombine+1) + `]}`},
		{"too long", CombineLogin, `{"id":"1","params":` + one + strings.Repeat(" ", MaxGatewayRequest) + `}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeGatewayRequest(tt.kind, []byte(tt.payload))
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeBadParameters {
				t.Errorf("DecodeGatewayRequest(%.80s) = %v; want code 460", tt.payload, err)
			}
		})
	}
	if r, err := DecodeGatewayRequest(CombineBatchLogout, []byte(`{"params":[`+many(MaxCombine)+`]}`)); err != nil || len(r.Devices) != MaxCombine {
		t.Errorf("%d sub-devices at a time: %d, %v; want them taken", MaxCombine, len(r.Devices), err)
	}
}

func TestRepliesToGateways(t *testing.T) {
	one := []Identity{{"pk", "dev-01"}}
	names := `{"deviceName":"dev-01","productKey":"pk"}`
	for _, tt := range []struct {
		kind Kind
		code Code
		of   []Identity
		want string
	}{
		{CombineLogin, CodeSuccess, one, `{"code":200,"data":` + names + `,"id":"7","message":"success"}`},
		{CombineLogin, CodeBadParameters, nil, `{"code":460,"data":{},"id":"7","message":"request parameter error"}`},
		{CombineBatchLogin, CodeInvalidSign, one, `{"code":6287,"data":[` + names + `],"id":"7","message":"invalid sign"}`},
		{TopoGet, CodeSuccess, nil, `{"code":200,"data":[],"id":"7","message":"success","method":"thing.topo.get","version":"1.0"}`},
		{TopoAdd, CodeSuccess, append(one, Identity{"pk", "dev-02"}), `{"code":200,"data":[` + names + `,{"deviceName":"dev-02","productKey":"pk"}],"id":"7","message":"success","method":"thing.topo.add","version":"1.0"}`},
	} {
		got := AppendGatewayReply(nil, tt.kind, "7", tt.code, tt.of)
		if string(got) != tt.want {
			t.Errorf("AppendGatewayReply(%d, %d) = %s; want %s", tt.kind, tt.code, got, tt.want)
		}
		r, of, err := DecodeGatewayReply(got)
		if err != nil || r.ID != "7" || r.Code != tt.code || !slices.Equal(of, tt.of) {
			t.Errorf("DecodeGatewayReply(%s) = %+v, %v, %v; want it back", got, r, of, err)
		}
	}
	got := AppendSessionError(nil, "3", CodeConnectedElsewhere, one[0])
	if want := `{"code":427,"data":` + names + `,"id":"3","message":"device connect in elsewhere"}`; string(got) != want {
		t.Errorf("AppendSessionError = %s; want %s", got, want)
	}
}

func TestSignSubdeviceRefusesWhatNobodyWouldRead(t *testing.T) {
	for _, tt := range []struct{ pk, dn, secret, method string }{
		{"pk", "dev-01", "", ""},
		{"p k", "dev-01", "secret", ""},
		{"pk", "d", "secret", ""},
		{"pk", "dev-01", "secret", "sha512"},
	} {
		if d, err := SignSubdevice(tt.pk, tt.dn, tt.secret, SignOptions{Method: SignMethod(tt.method)}); err == nil {
			t.Errorf("SignSubdevice(%+v) = %+v; want it refused", tt, d.Identity)
		}
	}
}

func TestFilterOwner(t *testing.T) {
	for filter, want := range map[string]Identity{
		"/sys/pk/dev-01/thing/config/push":       {"pk", "dev-01"},
		"/sys/pk/dev-01/#":                       {"pk", "dev-01"},
		"$share/g//sys/pk/dev-01/thing/config/+": {"pk", "dev-01"},
		"/ota/device/+/pk/dev-01":                {"pk", "dev-01"},
		"/ext/+/pk/dev-01/#":                     {"pk", "dev-01"},
		"/shadow/get/pk/dev-01":                  {"pk", "dev-01"},
		"/pk/dev-01/user/+":                      {"pk", "dev-01"},
		"/sys/+/dev-01/#":                        {},
		"/sys/pk/+/#":                            {},
		"/sys/pk/#":                              {},
		"/ext/register":                          {},
		"#":                                      {},
		"":                                       {},
	} {
		if pk, dn := FilterOwner(filter); (Identity{pk, dn}) != want {
			t.Errorf("FilterOwner(%q) = %q, %q; want %+v", filter, pk, dn, want)
		}
	}
}

// FuzzGatewayRequest sees that whatever can be read can be written so that it
// reads the same.
func FuzzGatewayRequest(f *testing.F) {
	one := signed(`"signMethod":"hmacSha1",`, "")
	f.Add(byte(TopoAdd), []byte(`{"id":"1","params":[`+one+`]}`))
	f.Add(byte(CombineLogin), []byte(`{"id":1,"sys":{"ack":0},"params":`+one+`}`))
	f.Add(byte(CombineBatchLogin), []byte(`{"id":"1","params":{"signMethod":"hmacsha256","deviceList":[`+one+`]}}`))
	f.Add(byte(CombineBatchLogout), []byte(`{"params":[{"productKey":"pk","deviceName":"dev-01"}]}`))
	f.Add(byte(TopoGet), []byte(`{"params":"{}"}`))
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		k := TopoAdd + Kind(kind)%(CombineBatchLogout-TopoAdd+1)
		r, err := DecodeGatewayRequest(k, payload)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("DecodeGatewayRequest(%q) = %v; want an *Error", payload, err)
			}
			return
		}
		if len(r.Devices) > MaxCombine || len(r.Devices) == 0 && k != TopoGet {
			t.Fatalf("DecodeGatewayRequest(%q) names %d devices", payload, len(r.Devices))
		}
		if r.ID == "" {
			r.ID = "0" // what is written for none
		}
		again, err := DecodeGatewayRequest(k, AppendGatewayRequest(nil, k, r))
		if err != nil || again.ID != r.ID || again.Silent != r.Silent || len(again.Devices) != len(r.Devices) {
			t.Fatalf("written %s, read %+v, %v; want %+v", AppendGatewayRequest(nil, k, r), again, err, r)
		}
		for i, d := range r.Devices {
			if d.sign == "" {
				again.Devices[i].SignMethod = d.SignMethod // not written
			}
			if again.Devices[i] != d {
				t.Fatalf("written %s, read %+v; want %+v", AppendGatewayRequest(nil, k, r), again.Devices[i], d)
			}
		}
		DecodeGatewayReply(payload)
	})
}
