package download

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const plainHead = "GET /c/token HTTP/1.1\r\nHost: files.example.com\r\n"

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       verdict
	}{
		{"C SDK 3.0.1", plainHead + "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\r\n", plain},
		{"C SDK 3.2", plainHead + "Accept-Encoding: gzip, deflate\r\nRange: bytes=0-\r\n\r\n", plain},
		{"LinkSDK 4", plainHead + "Accept: text/html\r\nRange: bytes=0-\r\nContent-Length: 0\r\n\r\n", plain},
		{"LinkSDK 4, going on", plainHead + "range:bytes=1000- \r\ncontent-length:0\r\n\r\n", plain},
		{"closing", plainHead + "Connection: Close\r\n\r\n", plain},
		{"staying", plainHead + "Connection: keep-alive\r\n\r\n", plain},
		{"host with a port", "GET /c/a HTTP/1.1\r\nHOST: [::1]:80\r\n\r\n", plain},
		{"query", "GET /c/a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", plain},
		{"empty host", "GET /c/a HTTP/1.1\r\nHost:\r\n\r\n", plain},

		{"nothing", "", unfinished},
		{"a letter", "G", unfinished},
		{"the line", "GET /c/token HTTP/1.1\r\n", unfinished},
		{"all but the end", plainHead + "\r", unfinished},

		{"too long", plainHead + "X: " + strings.Repeat("x", maxRequest) + "\r\n\r\n", other},
		{"POST", "P", other},
		{"HEAD", "HEAD", other},
		{"lower case", "get", other},
		{"another path", "GET /x", other},
		{"another version", "GET /c/a HTTP/1.0\r\n", other},
		{"no version", "GET /c/a\r\n", other},
		{"HTTP/1.11", "GET /c/a HTTP/1.11\r\n", other},
		{"blank in the path", "GET /c/a b HTTP/1.1\r\n", other},
		{"two blanks", "GET /c/a  HTTP/1.1\r\n", other},
		{"escape", "GET /c/%41 HTTP/1.1\r\n", other},
		{"fragment", "GET /c/a#b HTTP/1.1\r\n", other},
		{"empty line first", "\r\n" + plainHead, other},
		{"no host", "GET /c/a HTTP/1.1\r\n\r\n", other},
		{"two hosts", plainHead + "Host: files.example.com\r\n", other},
		{"odd host", "GET /c/a HTTP/1.1\r\nHost: a/b\r\n", other},
		{"body", plainHead + "Content-Length: 1\r\n", other},
		{"signed length", plainHead + "Content-Length: +0\r\n", other},
		{"long length", plainHead + "Content-Length: 00\r\n", other},
		{"list of lengths", plainHead + "Content-Length: 0, 0\r\n", other},
		{"two lengths", plainHead + "Content-Length: 0\r\nContent-Length: 0\r\n", other},
		{"chunks", plainHead + "Transfer-Encoding: chunked\r\n", other},
		{"chunks by another name", plainHead + "tRANSFER-ENCODING: x\r\n", other},
		{"trailer", plainHead + "Trailer: x\r\n", other},
		{"expectation", plainHead + "Expect: 100-continue\r\n", other},
		{"upgrade", plainHead + "Upgrade: h2c\r\n", other},
		{"condition", plainHead + "If-None-Match: *\r\n", other},
		{"connection option", plainHead + "Connection: close, x\r\n", other},
		{"blank before the colon", plainHead + "Transfer-Encoding : chunked\r\n", other},
		{"blank first", plainHead + " folded\r\n", other},
		{"tab first", plainHead + "\tfolded\r\n", other},
		{"no colon", plainHead + "Accept\r\n", other},
		{"no name", plainHead + ": x\r\n", other},
		{"line feed alone", "GET /c/a HTTP/1.1\nHost: h\n\n", other},
		{"line feed alone, later", plainHead + "Accept: a\n", other},
		{"line feed alone at the end", plainHead + "\n", other},
		{"carriage return within", plainHead + "Accept: a\rb\r\n", other},
		{"zero byte", plainHead + "Accept: a\x00b\r\n", other},
		{"beyond ASCII", plainHead + "Accept: \xc3\xa4\r\n", other},
		{"suffix", plainHead + "Range: bytes=-5\r\n", other},
		{"part", plainHead + "Range: bytes=0-4\r\n", other},
		{"parts", plainHead + "Range: bytes=0-,5-\r\n", other},
		{"two ranges", plainHead + "Range: bytes=0-\r\nRange: bytes=0-\r\n", other},
		{"signed offset", plainHead + "Range: bytes=+1-\r\n", other},
		{"long offset", plainHead + "Range: bytes=1234567890-\r\n", other},
		{"other units", plainHead + "Range: lines=0-\r\n", other},
		{"too long a line", "GET /c/" + strings.Repeat("a", maxRequest), other},
		{"too many lines", plainHead + strings.Repeat("Accept: a\r\n", maxRequest/11), other},
	} {
		if _, v := parseRequest([]byte(tt.text)); v != tt.want {
			t.Errorf("%s: %d; want %d", tt.name, v, tt.want)
		}
	}
}

// FuzzParseRequest holds parseRequest against net/http: what it calls plain is
// to that the same request, as long, for the same bytes of the same file.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(plainHead + "\r\n"))
	f.Add([]byte(plainHead + "Accept-Encoding: gzip, deflate\r\nRange: bytes=0-\r\n\r\n" + plainHead))
	f.Add([]byte("GET /c/A/../~?a=b&c HTTP/1.1\r\nhost:[::1]:80\r\nRange: bytes=123-\r\nContent-Length: 0\r\nConnection: close\r\n\r\nrest"))
	f.Add([]byte("GET /c/a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, v := parseRequest(b)
		if v != plain {
			return
		}
		for n := range r.size {
			if _, early := parseRequest(b[:n]); early != unfinished {
				t.Fatalf("the first %d bytes are %d; want them unfinished", n, early)
			}
		}
		in := bytes.NewReader(b)
		buf := bufio.NewReaderSize(in, 16)
		h, err := http.ReadRequest(buf)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		if left := in.Len() + buf.Buffered(); left != len(b)-r.size {
			t.Fatalf("it takes %d bytes; net/http takes %d", r.size, len(b)-left)
		}
		if body, _ := io.ReadAll(h.Body); h.Method != http.MethodGet || h.Proto != "HTTP/1.1" || h.ContentLength != 0 || h.TransferEncoding != nil || len(body) > 0 {
			t.Fatalf("net/http reads %+v", h)
		}
		if h.URL.EscapedPath() != "/c/"+string(r.token) || h.Close != r.last {
			t.Fatalf("%s, closing: %t; net/http reads %s, %t", r.token, r.last, h.URL.EscapedPath(), h.Close)
		}
		want := ""
		if r.ranged {
			want = "bytes=" + strconv.Itoa(r.from) + "-"
		}
		if got := h.Header.Get("Range"); !strings.HasPrefix(got, "bytes=0") && got != want || (got == "") != (want == "") {
			t.Fatalf("range %q; net/http reads %q", want, got)
		}
		for name := range h.Header {
			if strings.HasPrefix(name, "If-") || name == "Expect" || name == "Upgrade" {
				t.Fatalf("net/http reads %s", name)
			}
		}
	})
}
