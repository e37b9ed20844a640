package alink

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextForPeopleIsOneBoundedLine(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"plain", `"flash worn out"`, "flash worn out"},
		{"control characters", `"a\u0000b\nc\u007fd"`, "a b c d"},
		{"line separator", `"a\u2028b"`, "a b"},
		{"bytes that are no text", "\"a\xffb\"", "a\ufffdb"},
		{"half a surrogate pair", `"\ud800"`, "\ufffd"},
		{"a number", `12`, "12"},
		{"an object", `{"a":1}`, ""},
		{"null", `null`, ""},
		{"too long, cut between characters", `"x` + strings.Repeat("配", 100) + `"`, "x" + strings.Repeat("配", 85)},
		{"just as long", `"` + strings.Repeat("x", MaxText) + `"`, strings.Repeat("x", MaxText)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := line([]byte(tt.value)); got != tt.want {
				t.Errorf("line(%s) = %q; want %q", tt.value, got, tt.want)
			}
		})
	}
}

func TestIDsThatAreNotPlainAreRefused(t *testing.T) {
	tests := []struct {
		value, want string
		ok          bool
	}{
		{`"123"`, "123", true},
		{`0`, "0", true},
		{`4294967295`, "4294967295", true},
		{`-1.5e+3`, "-1.5e+3", true},
		{`"\u0031\u0032"`, "12", true},
		{`"c56a4180-65aa-42ec-a945-5fd21dec0538"`, "c56a4180-65aa-42ec-a945-5fd21dec0538", true},
		{`null`, "", true},
		{`""`, "", true},
		{`"` + strings.Repeat("1", MaxID) + `"`, strings.Repeat("1", MaxID), true},
		{`"` + strings.Repeat("1", MaxID+1) + `"`, "", false},
		{strings.Repeat("1", MaxID+1), "", false},
		{`"` + strings.Repeat(`\u0031`, MaxID*2) + `"`, "", false},
		{`"a b"`, "", false},
		{`"a\"b"`, "", false},
		{`"a\\"`, "", false},
		{`"{}"`, "", false},
		{`"<&>"`, "", false},
		{`"\u0000"`, "", false},
		{`"编号"`, "", false},
		{`true`, "", false},
		{`{}`, "", false},
		{`[1]`, "", false},
	}
	for _, tt := range tests {
		if got, ok := identifier([]byte(tt.value)); got != tt.want || ok != tt.ok {
			t.Errorf("identifier(%s) = %q, %v; want %q, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

// nested are texts that have brought down parsers; each is read or refused.
var nested = []string{
	strings.Repeat(`{"params":`, 2000),
	strings.Repeat("[", 16000),
	strings.Repeat(`{"params":`, 500) + "1" + strings.Repeat("}", 500),
	`{"params":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	`{"id":"\`, `{"id":"`, `{"id"`, `{`, `}`, ``, ` `, `"`, `null`, `[]`, `"{}"`, "\x00", `{"":{}}`,
	`{"id":1}{"id":2}`, `{"id":1}x`, "\ufeff{}",
}

func TestHostileTextIsRefusedOrRead(t *testing.T) {
	for _, s := range nested {
		b := []byte(s)
		if _, err := DecodeGet(b); err == nil {
			t.Errorf("DecodeGet(%.40q) = nil; want an error", s)
		}
		if _, err := DecodeReply(b); err == nil {
			t.Errorf("DecodeReply(%.40q) = nil; want an error", s)
		}
		if _, err := DecodeReport(b); err == nil {
			t.Errorf("DecodeReport(%.40q) = nil; want an error", s)
		}
		if _, err := DecodeProgress(b); err == nil {
			t.Errorf("DecodeProgress(%.40q) = nil; want an error", s)
		}
		if _, err := DecodePush(b); err == nil {
			t.Errorf("DecodePush(%.40q) = nil; want an error", s)
		}
	}
	long := []byte(`{"code":200,"x":"` + strings.Repeat("x", MaxMessage) + `"}`)
	if _, err := DecodeReply(long); err != errMessageLong {
		t.Errorf("DecodeReply(a long message) = %v; want %v", err, errMessageLong)
	}
}

// FuzzMembers holds the walk over an object against encoding/json, member by
// member and at every depth.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"id" : 0,"version":"1.0","params":{"a":[1,{"b":"}\\\""}],"c":null},"id":"2"}`))
	f.Add([]byte(" {\n\t\"a\" :\r[ ] , \"b\":{ } }"))
	f.Add([]byte(`{"a":-1.5e3,"b":true,"":"\"","c":"\\"}`))
	for _, s := range nested {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if checkObject(payload) == nil {
			compare(t, payload)
		}
	})
}

func compare(t *testing.T, object []byte) {
	t.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal(object, &want); err != nil {
		t.Fatalf("%q passed for an object: %v", object, err)
	}
	got := make(map[string][]byte)
	for name, value := range members(object) {
		if !json.Valid(value) {
			t.Fatalf("members(%q): %q is %q", object, name, value)
		}
		var s string
		if err := json.Unmarshal([]byte(`"`+string(name)+`"`), &s); err != nil {
			t.Fatalf("members(%q): name %q: %v", object, name, err)
		}
		got[s] = value
		if value[0] == '{' {
			compare(t, value)
		}
		if utf8.RuneCountInString(line(value)) > MaxText || len(line(value)) > MaxText {
			t.Errorf("line(%q) is too long", value)
		}
		var wantText string
		if json.Unmarshal(value, &wantText) == nil && value[0] == '"' && text(value) != wantText {
			t.Errorf("text(%q) = %q; want %q", value, text(value), wantText)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("members(%q) yields %d names; want %d", object, len(got), len(want))
	}
	for name, value := range want {
		if !bytes.Equal(got[name], value) {
			t.Errorf("members(%q): %q is %q; want %q", object, name, got[name], value)
		}
	}
}
