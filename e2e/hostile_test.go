package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota/device"
	"github.com/cotahq/cota/internal/mqtt"
)

// planted stands in what nobody may get at by a trick.
const planted = "planted-where-no-trick-leads"

// tricked is a server with a configuration and a product that hold what is
// planted, and a good link to the configuration.
type tricked struct {
	*server
	link string // its path
}

// startTricked runs a server that never puts off who is refused.
func startTricked(t *testing.T) *tricked {
	t.Helper()
	t.Setenv("COTA_REFUSALS_PER_ADDRESS", "0")
	t.Setenv("COTA_REFUSALS_PER_DEVICE", "0")
	s := &tricked{server: start(t)}
	product, d := s.productWithDevice(planted)
	s.saveAndPush(product, `{"secret": "`+planted+`"}`)
	links := make(chan string, 1)
	c, err := device.Dial(t.Context(), device.Options{
		Server: "tcp://" + s.ports[1], ProductKey: product, DeviceName: d.Name, DeviceSecret: d.Secret,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			links <- r.URL.Path
			return http.DefaultTransport.RoundTrip(r)
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Config(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.link = <-links
	return s
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// send sends bytes as they are, and returns every byte of the answer. open says
// that the server left the connection open for more.
func (s *tricked) send(addr, text string) (answer string, open bool) {
	s.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		return "", false // it did not read to the end
	}
	// A connection that is left open says nothing at its end: that it is open
	// can only be told by waiting.
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		s.t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	return string(all), errors.Is(err, os.ErrDeadlineExceeded)
}

// statuses are those of the answers in a text.
func statuses(t *testing.T, text string) (all []int) {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(text))
	for {
		if _, err := in.Peek(1); err != nil {
			return all
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			return all
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		all = append(all, res.StatusCode)
	}
}

// TestRequestSmuggling sends each door requests of which two readers could
// disagree where they end, with a good request behind that one of them would
// not see. It must not be answered: the door closes.
func TestRequestSmuggling(t *testing.T) {
	s := startTricked(t)
	const lengthAndChunks = "length and chunks"
	hidden := map[string]string{
		s.ports[2]: "GET " + s.link + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
		s.ports[0]: "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	}
	first := map[string]string{s.ports[2]: "GET " + s.link, s.ports[0]: "GET /healthz"}
	for _, port := range []int{2, 0} {
		addr := s.ports[port]
		what := map[int]string{2: "file door", 0: "management door"}[port]
		good, _ := s.send(addr, hidden[addr])
		if got := statuses(t, good); len(got) != 1 || got[0] != http.StatusOK {
			t.Fatalf("%s: the good request: %v; want 200", what, got)
		}
		for _, tt := range []struct{ name, head string }{
			// RFC 9112, 6.1, lets a server answer these two, if it then closes.
			{lengthAndChunks, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
			{lengthAndChunks, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
			{"two lengths", "Content-Length: 0\r\nContent-Length: 40\r\n\r\n"},
			{"two lengths in one", "Content-Length: 0, 40\r\n\r\n"},
			{"length with a sign", "Content-Length: +0\r\n\r\n"},
			{"length below zero", "Content-Length: -1\r\n\r\n"},
			{"length in hexadecimal", "Content-Length: 0x0\r\n\r\n"},
			{"length beyond 64 bits", "Content-Length: 18446744073709551616\r\n\r\n"},
			{"length of nothing", "Content-Length: \r\n\r\n"},
			{"chunks by another name", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
			{"chunks in chunks", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
			{"chunks, and then none", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
			{"chunks twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
			{"blank before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
			{"blank before the name", " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
			{"tab in a value", "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"},
			{"no colon", "Transfer-Encoding\r\n\r\n"},
			{"no name", ": chunked\r\n\r\n"},
			{"NUL in a value", "X: a\x00b\r\n\r\n"},
			{"CR in a value", "X: a\rTransfer-Encoding: chunked\r\n\r\n"},
			{"two hosts", "Host: other\r\n\r\n"},
		} {
			answer, open := s.send(addr, first[addr]+" HTTP/1.1\r\nHost: localhost\r\n"+tt.head+hidden[addr])
			got := statuses(t, answer)
			if len(got) > 1 || len(got) == 1 && got[0] < 400 && tt.name != lengthAndChunks || open {
				t.Errorf("%s, %s: answers %v, left open: %t; want one refusal, or none, and the end", what, tt.name, got, open)
			}
		}
		// What is counted as a body is one, and is never read as a request.
		body := hidden[addr]
		answer, _ := s.send(addr, fmt.Sprintf("GET /nothing.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if got := statuses(t, answer); len(got) != 1 || got[0] != http.StatusNotFound {
			t.Errorf("%s, a request in a body: answers %v; want one 404", what, got)
		}
	}
}

// TestRequestLines sends each door what is no request, or none that it takes.
func TestRequestLines(t *testing.T) {
	s := startTricked(t)
	for port, good := range map[int]string{2: s.link, 0: "/api/v1/me"} {
		for _, tt := range []struct{ name, text string }{
			{"no host", "GET " + good + " HTTP/1.1\r\n\r\n"},
			{"no version", "GET " + good + "\r\nHost: localhost\r\n\r\n"},
			{"a version to come", "GET " + good + " HTTP/9.9\r\nHost: localhost\r\n\r\n"},
			{"HTTP/2 by itself", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
			{"blank in the path", "GET " + good + " x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"no slash", "GET " + good[1:] + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"NUL in the path", "GET " + good + "\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"TRACE", "TRACE " + good + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"},
			{"a method of ours", "BREW " + good + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"a head of 32 KB", "GET " + good + " HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"},
			{"a path of 32 KB", "GET /" + strings.Repeat("x", 32<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
			{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 100) + "\r\n\r\n"},
			{"MQTT", "\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd\r\n\r\n"},
		} {
			answer, _ := s.send(s.ports[port], tt.text)
			for _, status := range statuses(t, answer) {
				if status < 400 {
					t.Errorf("door %d, %s: %d; want a refusal", port, tt.name, status)
				}
			}
			if strings.Contains(answer, planted) {
				t.Errorf("door %d, %s: the answer holds what is planted", port, tt.name)
			}
		}
	}
}

// TestPathTricks asks both doors in roundabout ways for what they do not give:
// files of the server, and without a session what needs one.
func TestPathTricks(t *testing.T) {
	s := startTricked(t)
	key, err := os.ReadFile(s.dir + "/master.key")
	if err != nil {
		t.Fatal(err)
	}
	token := s.link[len("/c/"):]
	tricks := []string{
		"/master.key", "/cota.db", "/../master.key", "/..%2fmaster.key", "/%2e%2e/master.key", "/%2e%2e%2fmaster.key", `/..\master.key`, "/..%5cmaster.key",
		"/....//master.key", "/%252e%252e/master.key", "/%c0%ae%c0%ae/master.key", "/..;/master.key", "/.%00./master.key", "//master.key", "///etc/passwd",
		s.dir + "/master.key", "/" + s.dir + "/master.key", "/c/../master.key", "/c/%2e%2e/master.key", "/c/" + s.dir + "/master.key",
		"/assets/../../master.key", "/assets/%2e%2e/%2e%2e/master.key", "/assets/..%2f..%2fmaster.key", "/docs/../master.key", "/docs/..%2fmaster.key", "/docs/%2e%2e",
		"/api/v1/products", "//api/v1/products", "/api//v1/products", "/api/v1//products", "/API/v1/products", "/api/v1/products/", "/api/v1/./products",
		"/api/v1/session/../products", "/api/v1/%2e/products", "/%61pi/v1/products", "/api%2fv1%2fproducts", "/docs/../api/v1/products", "/healthz/../api/v1/products",
		"/assets/../api/v1/products", "/api/v1/products;x", "/api/v1/products?token=x", "/api/v1/products%20", "/api/v1/products%00", "/api/v1/products.json",
		"http://localhost/api/v1/products", "http://localhost//api/v1/products",
		"/c/" + token + "/..", "/c/" + token + "/", "/c//" + token, "//c/" + token, "/C/" + token, "/%63/" + token, "/c%2f" + token, "/c/./" + token,
		"/x/../c/" + token, "/c/" + token + "%00", "/c/" + token + ".json", "/c/" + token + ";x", "/c/%" + fmt.Sprintf("%x", token[0]) + token[1:], "/c/" + strings.ToLower(token), "/c/" + token[:len(token)-1],
	}
	for _, port := range []int{0, 2} {
		for _, path := range tricks {
			answer, _ := s.send(s.ports[port], "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			for what, text := range map[string]string{"what is planted": planted, "the master key": string(bytes.TrimSpace(key)), "the database": "SQLite format 3", "a file of the system": "root:"} {
				if strings.Contains(answer, text) {
					t.Errorf("door %d, %s: the answer holds %s", port, path, what)
				}
			}
			for _, status := range statuses(t, answer) {
				if status >= 500 || port == 2 && status < 400 {
					t.Errorf("door %d, %s: %d; want a refusal", port, path, status)
				}
			}
		}
	}
}

// TestBodiesThatAreNotRead sends bodies that would grow, or nest, beyond any
// bound if they were unpacked or read to their depth. They are refused, in no
// time, and WebSockets are not compressed either.
func TestBodiesThatAreNotRead(t *testing.T) {
	s := startTricked(t)
	bomb := gzipped(t, []byte(`{"username":"admin","password":"`+adminPassword+`"}`+strings.Repeat(" ", 32<<20)))
	small := gzipped(t, []byte(`{"username":"admin","password":"`+adminPassword+`"}`))
	deep := func(n int) string { return strings.Repeat("[", n) }
	for _, tt := range []struct{ name, path, header, body string }{
		{"gzip", "/api/v1/session", "Content-Encoding: gzip", small},
		{"32 MB in gzip", "/api/v1/session", "Content-Encoding: gzip", bomb},
		{"gzip that is not called so", "/api/v1/session", "X: y", small},
		{"a name that is nested", "/api/v1/session", "X: y", `{"username":` + deep(100) + strings.Repeat("]", 100) + `}`},
		{"nested 500,000 deep", "/api/v1/session", "X: y", `{"username":` + deep(500_000)},
		{"objects nested 100,000 deep", "/api/v1/session", "X: y", strings.Repeat(`{"a":`, 100_000)},
	} {
		answer, _ := s.send(s.ports[0], "POST "+tt.path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"+
			tt.header+fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(tt.body))+tt.body)
		if got := statuses(t, answer); len(got) != 1 || got[0] != http.StatusBadRequest {
			t.Errorf("%s: answers %v; want one 400", tt.name, got)
		}
	}
	answer, _ := s.send(s.ports[2], "POST /auth/devicename HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Encoding: gzip\r\n"+
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(bomb))+bomb)
	for _, status := range statuses(t, answer) {
		if status < 400 {
			t.Errorf("a form in gzip: %d; want a refusal", status)
		}
	}
	answer, _ = s.send(s.ports[0], "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip, br\r\n\r\n")
	if strings.Contains(answer, "Content-Encoding") {
		t.Errorf("%.300q: want an answer of the API that is not compressed", answer)
	}
	answer, open := s.send(s.ports[1], "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 101 ") || strings.Contains(answer, "permessage-deflate") || !open {
		t.Errorf("a WebSocket that offers compression: %q; want it open without", answer)
	}
}

func gzipped(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestLogInjection has every door told what looks like a line of the log, with
// line breaks and escapes of terminals. Each line of the log is one that the
// server wrote.
func TestLogInjection(t *testing.T) {
	t.Setenv("COTA_LOG", "debug")
	s := startTricked(t)
	const forged = "x\r\ntime=2031-01-01T00:00:00Z level=ERROR msg=forged\x1b[2J\u2028"
	quoted, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, body string) {
		s.send(s.ports[0], "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"+
			fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))+body)
	}
	post("/api/v1/session", `{"username":`+string(quoted)+`,"password":`+string(quoted)+`}`)
	escaped := url.PathEscape(forged)
	for _, port := range []int{0, 2} {
		for _, path := range []string{"/" + escaped, "/api/v1/products/" + escaped, "/c/" + escaped, "/auth/" + escaped, "/auth/devicename?" + escaped} {
			for _, method := range []string{"GET", "POST"} {
				s.send(s.ports[port], method+" "+path+" HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "+escaped+"\r\nX-Forwarded-For: "+escaped+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
		}
	}
	connect := mqtt.Connect{
		Version: mqtt.V311, CleanStart: true, KeepAlive: 60,
		ClientID: []byte(forged + "|securemode=3,signmethod=hmacsha256|"), Username: []byte(forged + "&" + forged), Password: []byte(forged),
	}
	s.send(s.ports[1], string(connect.Append(nil)))
	if _, err := s.AddProduct(t.Context(), "", forged); err == nil {
		t.Error("a product whose name has line breaks was added; want it refused")
	}
	s.kill() // its log is whole then
	lines := 0
	for line := range strings.Lines(s.log.String()) {
		lines++
		if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "time=2031") || strings.ContainsAny(line, "\r\x1b\u2028") {
			t.Errorf("a line of the log is %q", line)
		}
	}
	if lines < 12 {
		t.Errorf("the log has %d lines; want one for each request at the management door:\n%s", lines, s.log)
	}
	s.run()
}
