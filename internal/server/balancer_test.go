package server_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/server"
)

const (
	// fromFour is a PROXY protocol header for 192.0.2.1, and fromSix for
	// 2001:db8::1 who speaks TLS with its load balancer.
	fromFour = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x34\x00\x50"
	fromSix  = "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x2c" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x12\x34\x00\x50" + "\x20\x00\x05\x01\x00\x00\x00\x00"

	balancer = "127.0.0.1" // who must send such headers
	nobody   = "127.0.0.2" // who must not
)

// startBalanced starts a server with a load balancer before its file door.
func startBalanced(t *testing.T) *registry {
	return startRegistryOf(t, func(o *server.Options) {
		o.FileLoadBalancers = []netip.Prefix{netip.MustParsePrefix(balancer + "/32")}
		o.RefusalsPerAddress = 2
	})
}

// visitor connects to a file door from an address, and sends first what a load
// balancer would.
func visitor(t *testing.T, from, to, header string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	nc, err := dialer.DialContext(t.Context(), "tcp", to)
	must(t, err)
	t.Cleanup(func() { nc.Close() })
	must(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(nc, header)
	must(t, err)
	return nc
}

// asks sends a request, and returns the status and body of the answer.
func asks(t *testing.T, nc net.Conn, method, path, form string) (status int, body string) {
	t.Helper()
	_, err := fmt.Fprintf(nc, "%s %s HTTP/1.1\r\nHost: files\r\nContent-Length: %d\r\n\r\n%s", method, path, len(form), form)
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	must(t, err)
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(text)
}

// Whose request it is, and whether it came over TLS, the load balancer says.
func TestRegistrationBehindALoadBalancer(t *testing.T) {
	s := startBalanced(t)
	_, err := s.AddDevices(t.Context(), s.product, "dev-1", "dev-2", "dev-3")
	must(t, err)
	form := func(name string) string {
		form, err := alink.SignRegistration(s.product, name, s.secret, "8Ygb7ULYh53B6OA")
		must(t, err)
		return form
	}
	registers := func(nc net.Conn, name, from string) {
		t.Helper()
		if status, body := asks(t, nc, "POST", "/auth/register/device", form(name)); status != 200 || !strings.Contains(body, `"code":200`) {
			t.Fatalf("%s: %d %s; want it registered", name, status, body)
		}
		for e, err := range s.Events(t.Context(), s.product, name) {
			must(t, err)
			if e.Kind == cota.EventRegistered && e.Detail != from {
				t.Errorf("%s registered from %q; want %q", name, e.Detail, from)
			}
		}
	}
	registers(visitor(t, balancer, s.plain, fromSix), "dev-1", "https, 2001:db8::1")
	registers(tls.Client(visitor(t, balancer, s.files, fromFour), s.trust), "dev-2", "https, 192.0.2.1")
	registers(tls.Client(visitor(t, nobody, s.files, ""), s.trust), "dev-3", "https, "+nobody)
	if status, body := asks(t, visitor(t, balancer, s.plain, fromFour), "POST", "/auth/register/device", form("dev-1")); status != http.StatusForbidden {
		t.Errorf("without TLS to the load balancer: %d %s; want 403", status, body)
	}
}

func TestProxyHeadersOfTheFileDoor(t *testing.T) {
	s := startBalanced(t)
	get := func(nc net.Conn) int {
		t.Helper()
		status, _ := asks(t, nc, "GET", "/c/none", "")
		return status
	}
	for n := range 3 {
		want := http.StatusForbidden
		if n == 2 {
			want = http.StatusTooManyRequests
		}
		if got := get(visitor(t, balancer, s.plain, fromFour)); got != want {
			t.Errorf("request %d of 192.0.2.1: %d; want %d", n+1, got, want)
		}
	}
	if got := get(visitor(t, balancer, s.plain, fromSix)); got != http.StatusForbidden {
		t.Errorf("a request of another: %d; want 403, limited by itself", got)
	}
	if got := get(visitor(t, nobody, s.plain, "")); got != http.StatusForbidden {
		t.Errorf("a request of nobody: %d; want 403", got)
	}
	if got := get(visitor(t, nobody, s.plain, fromFour)); got != http.StatusBadRequest {
		t.Errorf("a request of nobody with a header: %d; want 400", got)
	}
	for what, first := range map[string]string{
		"without a header": "GET /c/none HTTP/1.1\r\nHost: files\r\n\r\n", "with a bad one": fromFour[:12] + "\x31\x11\x00\x00",
	} {
		nc := visitor(t, balancer, s.plain, first)
		if n, err := nc.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the load balancer %s: read %d bytes, %v; want the connection closed", what, n, err)
		}
	}
}
