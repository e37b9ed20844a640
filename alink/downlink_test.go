package alink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func goodConfig() Config {
	return Config{
		ID: "42", ConfigID: testConfig, Size: 1234, Sign: strings.Repeat("0123456789abcdef", 4), SignMethod: SignMethodSha256,
		URL: "http://files.example.com/c/" + strings.Repeat("A-z_0", 12), GetType: GetTypeFile,
	}
}

// flat finds the value of a name as LinkSDK 4 does (core_json_value, field): at
// the first place where the quoted name stands, in names and values alike, with
// a colon right behind it; then up to the next quote, the matching bracket
// (those in strings counted), or one of , ] }.
func flat(text, name string) (string, bool) {
	at := strings.Index(text, `"`+name+`"`)
	if at < 0 {
		return "", false
	}
	rest, ok := strings.CutPrefix(text[at+len(name)+2:], ":")
	if !ok || rest == "" {
		return "", false
	}
	switch open := rest[0]; open {
	case '"':
		end := strings.IndexByte(rest[1:], '"')
		return rest[1 : 1+max(end, 0)], end >= 0
	case '{', '[':
		depth := 0
		for i := range len(rest) {
			switch rest[i] {
			case open:
				depth++
			case open + 2:
				if depth--; depth == 0 {
					return rest[:i+1], true
				}
			}
		}
		return "", false
	}
	end := strings.IndexAny(rest, ",]}")
	return rest[:max(end, 0)], end >= 0
}

// checkForAllDevices holds payload against everything that some SDK needs.
func checkForAllDevices(t *testing.T, payload []byte) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, payload); err != nil {
		t.Fatalf("%s is not JSON: %v", payload, err)
	}
	if !bytes.Equal(compact.Bytes(), payload) {
		t.Errorf("%s holds blanks between its parts", payload)
	}
	if bytes.IndexByte(payload, '\\') >= 0 {
		t.Errorf("%s holds an escape", payload)
	}
	for _, bad := range []string{"null", `""`, `"dProtocol"`, `"files"`, `"module"`} {
		if bytes.Contains(payload, []byte(bad)) {
			t.Errorf("%s holds %s", payload, bad)
		}
	}
	var envelope map[string]any
	if err := json.Unmarshal(payload, &envelope); err != nil {
		t.Fatal(err)
	}
	id, ok := envelope["id"].(string)
	if !ok || id == "" {
		t.Errorf("%s: id is %v; want text", payload, envelope["id"])
	}
	if got, _ := flat(string(payload), "version"); got != "1.0" {
		t.Errorf("%s: version is found as %q", payload, got)
	}
}

// checkOffer looks for c in payload as LinkSDK 4 does.
func checkOffer(t *testing.T, payload []byte, in string, c Config) {
	t.Helper()
	checkForAllDevices(t, payload)
	data, ok := flat(string(payload), in)
	if !ok {
		t.Fatalf("%s: %s is not found", payload, in)
	}
	for name, want := range map[string]string{
		"configId": c.ConfigID, "configSize": fmt.Sprint(c.Size), "sign": c.Sign, "signMethod": "Sha256", "url": c.URL, "getType": "file",
	} {
		if got, _ := flat(data, name); got != want {
			t.Errorf("%s: %s is found as %q; want %q", payload, name, got, want)
		}
		if got, _ := flat(string(payload), name); got != want {
			t.Errorf("%s: %s is found as %q in the whole text; want %q", payload, name, got, want)
		}
	}
}

func TestOffersAreReadByAllDevices(t *testing.T) {
	c := goodConfig()
	push := AppendPush(nil, c)
	checkOffer(t, push, "params", c)
	want := `{"id":"42","version":"1.0","params":{"configId":"` + c.ConfigID + `","configSize":1234,"sign":"` + c.Sign +
		`","signMethod":"Sha256","url":"` + c.URL + `","getType":"file"},"method":"thing.config.push"}`
	if string(push) != want {
		t.Errorf("AppendPush = %s; want %s", push, want)
	}
	if got, err := DecodePush(push); err != nil || got != c {
		t.Errorf("DecodePush(%s) = %+v, %v; want %+v", push, got, err, c)
	}

	reply := AppendGetReply(nil, c)
	checkOffer(t, reply, "data", c)
	want = `{"code":200,"data":{"configId":"` + c.ConfigID + `","configSize":1234,"getType":"file","sign":"` + c.Sign +
		`","signMethod":"Sha256","url":"` + c.URL + `"},"id":"42","method":"thing.config.get","version":"1.0"}`
	if string(reply) != want {
		t.Errorf("AppendGetReply = %s; want %s", reply, want)
	}
	if got, err := DecodeGetReply(reply); err != nil || got != c {
		t.Errorf("DecodeGetReply(%s) = %+v, %v; want %+v", reply, got, err, c)
	}
}

func TestNoIDUnsettlesAReply(t *testing.T) {
	for _, id := range []string{
		"", "0", "data", "url", "sign", "configSize", "params", "code", "files", `x","data":{},"y":"`, "{", "}", `\`, "\"", "\n", "<&>", "编号",
		strings.Repeat("9", 4000),
	} {
		c := goodConfig()
		c.ID = id
		want := id
		if !plain(id) {
			want = "0"
		}
		payload := AppendGetReply(nil, c)
		if id != "files" { // a value only; LinkSDK 4 looks for files as a name
			checkOffer(t, payload, "data", c)
		}
		if got, err := DecodeGetReply(payload); err != nil || got.ID != want {
			t.Errorf("DecodeGetReply(%s) = %+v, %v; want id %q", payload, got, err, want)
		}
	}
}

func TestRefusalsAreReadByAllDevices(t *testing.T) {
	for _, c := range []Code{CodeConfigOff, CodeNoData, CodeBadParameters, CodeTooManyRequests, CodeServerError, 9999} {
		payload := AppendGetError(nil, "123", c)
		checkForAllDevices(t, payload)
		if got, _ := flat(string(payload), "code"); got != fmt.Sprint(c) {
			t.Errorf("%s: code is found as %q", payload, got)
		}
		if got, ok := flat(string(payload), "data"); !ok || got != "{}" {
			t.Errorf("%s: data is found as %q", payload, got)
		}
		got, err := DecodeGetReply(payload)
		var e *Error
		if !errors.As(err, &e) || e.Code != c || got != (Config{ID: "123"}) {
			t.Errorf("DecodeGetReply(%s) = %+v, %v; want code %d", payload, got, err, c)
		}
	}
	want := `{"code":6713,"data":{},"id":"1","message":"thing config function is not available","method":"thing.config.get","version":"1.0"}`
	if got := AppendGetError(nil, "1", CodeConfigOff); string(got) != want {
		t.Errorf("AppendGetError = %s; want %s", got, want)
	}
	payload := AppendReportReply(nil, "9", CodeSuccess)
	checkForAllDevices(t, payload)
	if got, err := DecodeReply(payload); err != nil || got != (Reply{ID: "9", Code: 200, Message: "success"}) {
		t.Errorf("DecodeReply(%s) = %+v, %v", payload, got, err)
	}
}

func TestEveryNamedCodeHasAPlainMessage(t *testing.T) {
	for _, c := range []Code{
		200, 400, 427, 428, 429, 460, 500, 520, 521, 522, 5005, 6100, 6203, 6204, 6250, 6280,
		6287, 6288, 6289, 6292, 6401, 6402, 6450, 6600, 6710, 6713, 6760,
	} {
		if c.Message() == "" {
			t.Errorf("Code(%d).Message() is empty", c)
		}
		checkForAllDevices(t, AppendGetError(nil, "1", c))
	}
}

func TestConfigsThatSomeDeviceCannotReadAreInvalid(t *testing.T) {
	if err := goodConfig().Validate(); err != nil {
		t.Fatalf("Validate = %v; want none", err)
	}
	tests := []struct {
		name  string
		spoil func(*Config)
	}{
		{"no configId", func(c *Config) { c.ConfigID = "" }},
		{"a configId in upper case", func(c *Config) { c.ConfigID = strings.ToUpper(testConfig) }},
		{"size 0", func(c *Config) { c.Size = 0 }},
		{"a negative size", func(c *Config) { c.Size = -1 }},
		{"a digest in upper case", func(c *Config) { c.Sign = strings.ToUpper(c.Sign) }},
		{"a short digest", func(c *Config) { c.Sign = c.Sign[1:] }},
		{"a URL of 251 bytes", func(c *Config) { c.URL += strings.Repeat("x", 251-len(c.URL)) }},
		{"a URL without a path", func(c *Config) { c.URL = "http://files.example.com" }},
		{"a URL without a host", func(c *Config) { c.URL = "http:///c/x" }},
		{"another scheme", func(c *Config) { c.URL = "httpx://h/c/x" }},
		{"a quote in the URL", func(c *Config) { c.URL += `"` }},
		{"a brace in the URL", func(c *Config) { c.URL += "}" }},
		{"a blank in the URL", func(c *Config) { c.URL += " " }},
		{"a letter beyond ASCII in the URL", func(c *Config) { c.URL += "ä" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig()
			tt.spoil(&c)
			if err := c.Validate(); err == nil {
				t.Errorf("Validate(%+v) = nil; want an error", c)
			}
		})
	}
}

func TestATemplateStampsThePush(t *testing.T) {
	c := goodConfig()
	prefix, token := c.URL[:len(c.URL)-TokenSize], []byte(c.URL[len(c.URL)-TokenSize:])
	c.URL = prefix
	tmpl, err := NewPushTemplate(c)
	if err != nil {
		t.Fatal(err)
	}
	got := tmpl.Append(nil, token)
	c.URL = prefix + string(token)
	if want := AppendPush(nil, c); !bytes.Equal(got, want) {
		t.Errorf("Append = %s; want %s", got, want)
	}
	if tmpl.Len() != len(got) {
		t.Errorf("Len = %d; want %d", tmpl.Len(), len(got))
	}
	checkOffer(t, got, "params", c)

	dst := make([]byte, 0, tmpl.Len())
	if n := testing.AllocsPerRun(100, func() { dst = tmpl.Append(dst[:0], token) }); n != 0 {
		t.Errorf("Append allocates %v times; want 0", n)
	}
}

func TestTemplatesAreRefused(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Config)
	}{
		{"no id", func(c *Config) { c.ID = "" }},
		{"an id of letters", func(c *Config) { c.ID = "params" }},
		{"an id of 33 bits", func(c *Config) { c.ID = "4294967296" }},
		{"a URL too long with its token", func(c *Config) { c.URL = "http://" + strings.Repeat("h", 182) + "/c/" }},
		{"an invalid configuration", func(c *Config) { c.Size = 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig()
			tt.spoil(&c)
			if _, err := NewPushTemplate(c); err == nil {
				t.Errorf("NewPushTemplate(%+v) = nil error", c)
			}
		})
	}
}

func TestDevicesReadOffersOfOthers(t *testing.T) {
	want := Config{ID: "1", ConfigID: "123dagdah", Size: 15, Sign: "AB", SignMethod: "sha256", URL: "https://h/x?a=1&b=2", GetType: "file"}
	push := `{ "id": 1, "params": {"getType":"file","url":"https://h/x?a=1\u0026b=2","configSize":"15","sign":"AB","signMethod":"sha256","configId":"123dagdah","more":[{}]}}`
	if got, err := DecodePush([]byte(push)); err != nil || got != want {
		t.Errorf("DecodePush(%s) = %+v, %v; want %+v", push, got, err, want)
	}
	reply := strings.Replace(push, "params", "data", 1)
	if got, err := DecodeGetReply([]byte(reply)); err != nil || got != want {
		t.Errorf("DecodeGetReply(%s) = %+v, %v; want %+v", reply, got, err, want)
	}
	for _, bad := range []string{
		`{"id":"1","code":200,"data":{}}`,
		`{"id":"1","params":{"configId":"c","configSize":0,"sign":"s","url":"u"},"data":{"configId":"c","configSize":0,"sign":"s","url":"u"}}`,
	} {
		if got, err := DecodePush([]byte(bad)); err == nil {
			t.Errorf("DecodePush(%s) = %+v; want an error", bad, got)
		}
		if got, err := DecodeGetReply([]byte(bad)); err == nil {
			t.Errorf("DecodeGetReply(%s) = %+v; want an error", bad, got)
		}
	}
}

func FuzzOffer(f *testing.F) {
	c := goodConfig()
	fuzzGood(f, string(AppendPush(nil, c)), string(AppendGetReply(nil, c)), string(AppendGetError(nil, "1", CodeNoData)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if c, err := DecodePush(payload); err == nil && c.Validate() == nil {
			c.ID = "1" // a push has a number of its own
			checkOffer(t, AppendPush(nil, c), "params", c)
		}
		if c, err := DecodeGetReply(payload); err == nil {
			c.SignMethod, c.GetType = SignMethodSha256, GetTypeFile
			again, err := DecodeGetReply(AppendGetReply(nil, c))
			if c.ID == "" {
				c.ID = "0"
			}
			if len(payload) < MaxMessage/8 && (err != nil || again != c) {
				t.Errorf("DecodeGetReply(%q) = %+v, again %+v, %v", payload, c, again, err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	c := goodConfig()
	token := []byte(c.URL[len(c.URL)-TokenSize:])
	t := c
	t.URL = c.URL[:len(c.URL)-TokenSize]
	tmpl, err := NewPushTemplate(t)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 1024)
	for _, bb := range []struct {
		name   string
		append func()
	}{
		{"PushTemplate", func() { dst = tmpl.Append(dst[:0], token) }},
		{"Push", func() { dst = AppendPush(dst[:0], c) }},
		{"GetReply", func() { dst = AppendGetReply(dst[:0], c) }},
		{"GetError", func() { dst = AppendGetError(dst[:0], "123", CodeNoData) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.append()
			}
		})
	}
}
