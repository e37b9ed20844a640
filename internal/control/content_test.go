package control_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

func TestCheckContent(t *testing.T) {
	nested := func(open, close string, n int) string { return strings.Repeat(open, n) + strings.Repeat(close, n) }
	for _, tt := range []struct{ name, content, want string }{
		{"empty object", `{}`, ""},
		{"empty array", `[]`, ""},
		{"blanks around", " \r\n\t{} \r\n\t", ""},
		{"all kinds of values", `{"a":[1,-2.5e+10,true,false,null,"x\u00e9\n",{"b":{}}],"A":0}`, ""},
		{"a number too large for a float", `[1e400]`, ""},
		{"same name in two objects", `[{"a":1},{"a":2}]`, ""},
		{"names of other languages", `{"温度":1,"é":2}`, ""},
		{"64 levels", nested("[", "]", 64), ""},
		{"64 levels of objects", strings.Repeat(`{"a":`, 63) + "{}" + strings.Repeat("}", 63), ""},

		{"nothing", "", "1:1 the configuration is empty"},
		{"blanks", " \n \n", "1:1 the configuration is empty"},
		{"number", "5", "1:1 the configuration must be a JSON object or array"},
		{"string further down", "\n\n  \"a\"", "3:3 the configuration must be a JSON object or array"},
		{"null", "null", "1:1 the configuration must be a JSON object or array"},

		{"unfinished object", `{"a":1`, "1:7 the text ends too early"},
		{"unfinished array", "[1,\n2", "2:2 the text ends too early"},
		{"unfinished string", `{"a":"b`, "1:8 the text ends too early"},
		{"unfinished literal", "[tru", "1:5 the text ends too early"},
		{"misspelt literal", `{"a": tru}`, "1:10 invalid character '}' in literal true"},
		{"no colon", `{"a" 1}`, "1:6 invalid character '1' after object name"},
		{"no comma", "{\n  \"a\": 1\n  \"b\": 2\n}", `3:3 invalid character '"' after object value`},
		{"comma too many", `{"a":1,}`, "1:7 invalid character ','"},
		{"single quotes", `{'a':1}`, `1:2 invalid character '\''`},
		{"comment", "{\n// why\n}", "2:1 invalid character '/'"},
		{"leading zero", `{"a":01}`, "1:7 invalid character '1' after object value"},
		{"NaN", "[NaN]", "1:2 invalid character 'N'"},
		{"closing what is not open", "]", "1:1 invalid character ']'"},
		{"mismatched", "[}", "1:2 invalid character '}'"},
		{"tab in a string", "{\"a\":\"b\tc\"}", `1:8 invalid character '\t' in string`},
		{"line break in a string", "{\"a\":\"b\nc\"}", `1:8 invalid character '\n' in string`},
		{"unknown escape", `{"a":"\q"}`, "1:7 invalid escape sequence"},

		{"byte order mark", "\ufeff{}", `1:1 invalid character '\ufeff'`},
		{"not UTF-8", "{\"a\":\"\xff\"}", "1:7 invalid UTF-8"},
		{"half a character", "{\"a\":\"é\xc3\"}", "1:8 invalid UTF-8"},
		{"half a surrogate pair", `{"a":"\ud800"}`, "1:7 invalid surrogate pair"},
		{"zero byte", "{}\x00", "1:3 more text after the end"},

		{"more text", `{} {}`, "1:4 more text after the end of the configuration"},
		{"more text on another line", "{}\r\n\r\n  x", "3:3 more text after the end of the configuration"},

		{"CRLF", "{\r\n  \"a\": 1,\r\n  \"b\": x\r\n}", "3:8 invalid character 'x'"},
		{"columns count characters", `{"温度":"二十","é":x}`, "1:16 invalid character 'x'"},
		{"columns count characters outside of 16 bits", `{"😀😀":x}`, "1:7 invalid character 'x'"},

		{"name twice", `{"a":1,"a":2}`, "1:8 duplicate object member name"},
		{"name twice, with CRLF", "{\r\n \"a\": 1,\r\n \"a\": 2}", "3:2 duplicate object member name"},
		{"name twice, deep inside", `{"a":[0,{"b":{"x":1,"y":{},"x":3}}]}`, "1:28 duplicate object member name"},
		{"name twice, once escaped", `{"\u0061":1,"a":2}`, "1:13 duplicate object member name"},
		{"name twice, of another language", `{"温":1,"温":2}`, "1:8 duplicate object member name"},

		{"65 levels", nested("[", "]", 65), "1:65 nested deeper than 64 levels"},
		{"65 levels on lines", nested("[\n", "]", 65), "65:1 nested deeper than 64 levels"},
		{"a million levels, unfinished", strings.Repeat("[", 1<<20), "1:65 nested deeper than 64 levels"},
	} {
		err := control.CheckContent(tt.content, 2<<20)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: CheckContent = %v; want nil", tt.name, err)
			}
			continue
		}
		place, what, _ := strings.Cut(tt.want, " ")
		line, column, _ := strings.Cut(place, ":")
		want := fmt.Sprintf("line %s, column %s: %s", line, column, what)
		if err == nil || !strings.HasPrefix(err.Error(), want) || cota.CodeOf(err) != cota.Invalid {
			t.Errorf("%s: CheckContent = %v, code %q; want invalid, %s", tt.name, err, cota.CodeOf(err), want)
		}
	}
}

func TestCheckContentSize(t *testing.T) {
	const max = 64 << 10
	content := `{"a":"` + strings.Repeat("é", (max-8)/2) + `"}`
	if len(content) != max {
		t.Fatalf("%d bytes; want %d", len(content), max)
	}
	if err := control.CheckContent(content, max); err != nil {
		t.Errorf("%d bytes: %v; want nil", max, err)
	}
	err := control.CheckContent(content+" ", max)
	if want := "the configuration has 65537 bytes; at most 65536 are allowed"; cota.CodeOf(err) != cota.TooLarge || err.Error() != want {
		t.Errorf("%d bytes: %v; want %s", max+1, err, want)
	}
}
