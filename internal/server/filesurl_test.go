package server

import (
	"strings"
	"testing"
)

// What is refused here would make links that some SDK in the field cannot
// take.
func TestCheckFilesURL(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		ok        bool
	}{
		{"http", "http://files.example.com", true},
		{"https", "https://files.example.com", true},
		{"with a path", "http://files.example.com/cota/a-b_c.d~e", true},
		{"with a slash behind", "http://files.example.com/", true},
		{"with a port, for tests: old SDKs take none", "http://localhost:8082", true},
		{"an address", "http://192.0.2.1", true},
		{"an IPv6 address", "http://[::1]:8082", true},
		{"a host of 63 characters", "http://" + strings.Repeat("h", 63), true},
		{"a host of 64 characters", "http://" + strings.Repeat("h", 64), false},
		{"of 187 characters, for links of 250", "http://" + strings.Repeat("h", 63) + "/" + strings.Repeat("p", 116), true},
		{"of 188 characters", "http://" + strings.Repeat("h", 63) + "/" + strings.Repeat("p", 117), false},
		{"another scheme", "ftp://files.example.com", false},
		{"no scheme", "files.example.com", false},
		{"no host", "http:///c", false},
		{"a user", "http://a@files.example.com", false},
		{"a query", "http://files.example.com/?a=b", false},
		{"an empty query", "http://files.example.com/?", false},
		{"a fragment", "http://files.example.com/#a", false},
		{"an empty fragment", "http://files.example.com/#", false},
		{"a colon in the path", "http://files.example.com/a:b", false},
		{"an escape in the path", "http://files.example.com/a%20b", false},
		{"a plus in the path", "http://files.example.com/a+b", false},
		{"an ampersand in the path", "http://files.example.com/a&b", false},
		{"a quote in the path", `http://files.example.com/a"b`, false},
		{"a brace in the path", "http://files.example.com/{a}", false},
		{"a blank in the path", "http://files.example.com/a b", false},
		{"beyond ASCII", "http://files.example.com/数", false},
	} {
		if err := checkFilesURL(tt.url); (err == nil) != tt.ok {
			t.Errorf("checkFilesURL of %s (%s): %v; want it taken: %t", tt.url, tt.name, err, tt.ok)
		}
	}
}
