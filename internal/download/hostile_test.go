package download_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Requests of which one could say in two ways where they end. None may be
// answered twice, or have what comes behind it taken for another.
func TestNoRequestHidesAnother(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		get := "GET /c/" + r.token() + " HTTP/1.1\r\nHost: h\r\n"
		hidden := "GET /c/hidden HTTP/1.1\r\nHost: h\r\n\r\n"
		for _, tt := range []struct {
			name, text string
			want       []int // statuses, one by one; then the connection ends
		}{
			{"body", get + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden, []int{400}},
			{"chunks", get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, []int{400}},
			{"chunks and a length", get + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, []int{400}},
			{"no chunks and a length", get + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, []int{400}},
			{"another encoding", get + "Transfer-Encoding: gzip\r\n\r\n" + hidden, []int{501}},
			{"two encodings", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + hidden, []int{501}},
			{"encoding with a blank", get + "Transfer-Encoding : chunked\r\n\r\n" + hidden, []int{400}},
			{"two lengths", get + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + hidden, []int{400}},
			{"list of lengths", get + "Content-Length: 0, 0\r\n\r\n" + hidden, []int{400}},
			{"signed length", get + "Content-Length: +0\r\n\r\n" + hidden, []int{400}},
			{"length in hex", get + "Content-Length: 0x0\r\n\r\n" + hidden, []int{400}},
			{"negative length", get + "Content-Length: -1\r\n\r\n" + hidden, []int{400}},
			{"two hosts", get + "Host: h\r\n\r\n" + hidden, []int{400}},
			{"no host", strings.TrimSuffix(get, "Host: h\r\n") + "\r\n" + hidden, []int{400}},
			{"no name", get + ": x\r\n\r\n" + hidden, []int{400}},
			{"zero byte", get + "Accept: \x00\r\n\r\n" + hidden, []int{400}},
			{"carriage return alone", get + "Accept: a\rTransfer-Encoding: chunked\r\n\r\n" + hidden, []int{400}},
			{"version", strings.Replace(get, "1.1", "9.9", 1) + "\r\n" + hidden, []int{505}},
			{"no version", "GET /c/x\r\n\r\n" + hidden, []int{400}},
			{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
			{"16 KB of lines", get + strings.Repeat("Accept: text/html\r\n", 2000), []int{431}},
			{"a line of 30 KB", get + "Accept: " + strings.Repeat("a", 30_000), []int{431}},
			{"HTTP/1.0", strings.Replace(get, "1.1", "1.0", 1) + "\r\n" + hidden, []int{200}},

			{"two in turn", get + "\r\n" + get + "Connection: close\r\n\r\n" + hidden, []int{200, 200}},
			{"odd ones in turn", get + "\r\n" + get + "If-Match: x\r\n\r\n" + get + "Connection: close\r\n\r\n" + hidden, []int{200, 412, 200}},
			{"line feeds alone", strings.ReplaceAll(get, "\r", "") + "Connection: close\n\n" + hidden, []int{200}},
			{"a folded line", get + "Accept: a,\r\n b\r\nConnection: close\r\n\r\n" + hidden, []int{200}},
		} {
			if got := r.statuses(tt.text); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("%s: answered %v; want %v", tt.name, got, tt.want)
			}
		}
	})
}

// statuses sends text and returns the statuses of all answers until the server
// ends the connection.
func (r *rig) statuses(text string) (all []int) {
	r.t.Helper()
	c := r.dial()
	defer c.nc.Close()
	go io.WriteString(c.nc, text) // the server may not want to read all of it
	for {
		res, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodGet})
		if err != nil {
			return all
		}
		all = append(all, res.StatusCode)
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			r.t.Fatal(err)
		}
		if res.Close && res.ContentLength < 0 {
			return all // the body ended with the connection
		}
	}
}

// A byte at a time is as good as all at once.
func TestRequestInPieces(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, elevenBytes)
		c := r.dial()
		for range 2 {
			for _, b := range []byte("GET /c/" + r.token() + " HTTP/1.1\r\nHost: h\r\nRange: bytes=1-\r\n\r\n") {
				if _, err := c.nc.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 206 ") {
				t.Errorf("head %q; want 206", head)
			}
			if _, err := bufio.NewReader(io.LimitReader(c.in, int64(len(elevenBytes)-1))).ReadString('}'); err != nil {
				t.Error(err)
			}
		}
	})
}
