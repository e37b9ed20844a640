package download_test

import (
	"io"
	"strings"
	"testing"
)

// What SDKs in the field send, and every letter of the head that they get.
func TestHeadOfAnAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		const content = `{"interval": 10}`
		r := newRig(t, e, content)
		path := "/c/" + r.token()
		const (
			whole = "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 16\r\nContent-Type: application/json\r\n\r\n"
			all   = "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nContent-Length: 16\r\n" +
				"Content-Range: bytes 0-15/16\r\nContent-Type: application/json\r\n\r\n"
			tail = "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nContent-Length: 6\r\n" +
				"Content-Range: bytes 10-15/16\r\nContent-Type: application/json\r\n\r\n"
			beyond = "HTTP/1.1 416 Requested Range Not Satisfiable\r\nContent-Range: bytes */16\r\n" +
				"Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 33\r\n\r\n"
			forbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
		)
		for _, tt := range []struct {
			name, line string
			headers    []string
			head, body string
		}{
			{"C SDK 2.3 and 3.0.1", "GET " + path, []string{"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, whole, content},
			{"C SDK 3.2", "GET " + path, []string{"Accept-Encoding: gzip, deflate", "Range: bytes=0-"}, all, content},
			{"LinkSDK 4", "GET " + path, []string{"Accept: text/html", "Range: bytes=0-", "Content-Length: 0"}, all, content},
			{"LinkSDK 4, going on", "GET " + path, []string{"Range: bytes=10-", "Content-Length: 0"}, tail, content[10:]},
			{"curl", "GET " + path, []string{"Accept: */*", "Accept-Encoding: gzip, br, zstd"}, whole, content},
			{"HEAD", "HEAD " + path, nil, whole, ""},
			{"port in the host", "GET http://files.example.com:8082" + path, nil, whole, content},
			{"beyond the end", "GET " + path, []string{"Range: bytes=16-", "Content-Length: 0"}, beyond, "invalid range: failed to overlap\n"},
			{"refused", "GET /c/nonsense", []string{"Range: bytes=0-"}, forbidden, ""},
		} {
			c := r.dial()
			for range 2 { // the connection stays open
				c.send(tt.line, tt.headers...)
				head := c.head()
				if head != tt.head {
					t.Errorf("%s: head %q; want %q", tt.name, head, tt.head)
				}
				body := make([]byte, len(tt.body))
				if _, err := io.ReadFull(c.in, body); err != nil || string(body) != tt.body {
					t.Errorf("%s: body %q, %v; want %q", tt.name, body, err, tt.body)
				}
			}
		}
	})
}

func TestLargestFile(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		content := `{"a":"` + strings.Repeat("x", 64<<10-8) + `"}`
		r := newRig(t, e, content)
		c := r.dial()
		c.send("GET /c/"+r.token(), "Accept-Encoding: gzip")
		want := "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 65536\r\nContent-Type: application/json\r\n\r\n"
		if head := c.head(); head != want {
			t.Errorf("head %q; want %q", head, want)
		}
		body := make([]byte, len(content))
		if _, err := io.ReadFull(c.in, body); err != nil || string(body) != content {
			t.Errorf("the body differs from what was saved: %v", err)
		}
		c.send("GET /c/nonsense") // its answer comes when all is done about the first
		c.head()
		r.wantFetched("the largest file", true)
	})
}
