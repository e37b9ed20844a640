package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/cotahq/cota"
)

// TestBodyThatBreaksOff sends bodies that cannot be read to their end: that is
// no fault of the server's.
func TestBodyThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ name, rest string }{
		{"fewer bytes than promised", "Content-Length: 100\r\n\r\n{"},
		{"a chunk without a size", "Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n"},
		{"a chunk of too many bytes", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{"},
		{"a chunk that goes on", "Transfer-Encoding: chunked\r\n\r\n1\r\n{}}\r\n0\r\n\r\n"},
	} {
		nc, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
		w.must(err)
		defer nc.Close()
		_, err = fmt.Fprintf(nc, "POST /api/v1/products HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s", w.tokens[cota.Admin], tt.rest)
		w.must(err)
		w.must(nc.(*net.TCPConn).CloseWrite())
		resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s; want 400", tt.name, resp.Status)
		}
	}
}
