package api_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cotahq/cota/internal/api"
)

func TestHosts(t *testing.T) {
	hosts := api.Hosts{"cota.example.com", "Other.Example.com:8080"}
	for host, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1": true, "[::1]:8080": true, "[::1]": true, "192.0.2.7:8080": true,
		"localhost": true, "localhost:8080": true, "LOCALHOST.": true, "cota.localhost:8080": true, "": true,
		"cota.example.com": true, "Cota.Example.Com.:443": true, "other.example.com": true,
		"evil.example": false, "evil.example:8080": false, "cota.example.com.evil.example": false, "xcota.example.com": false,
		"localhost.evil.example": false, "127.0.0.1.evil.example": false, "notlocalhost": false, "example.com": false,
		"evil.example:8080:8080": false, "[evil.example]": false, ".": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if got := hosts.Has(r); got != want {
			t.Errorf("Has(%q) = %t; want %t", host, got, want)
		}
		if r.TLS = new(tls.ConnectionState); !hosts.Has(r) {
			t.Errorf("Has(%q) over TLS = false; want true", host)
		}
	}
}

// TestForeignNamesAreRefused asks for everything as a page does that has its
// own name lead here.
func TestForeignNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	ask := func(path, host string) (status int, body string) {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		answer := httptest.NewRecorder()
		w.server.Config.Handler.ServeHTTP(answer, r)
		return answer.Code, answer.Body.String()
	}
	for _, path := range []string{"/api/v1/me", "/openapi.json", "/docs", "/metrics", "/nothing"} {
		status, body := ask(path, "evil.example:8080")
		if status != http.StatusMisdirectedRequest || !strings.Contains(body, `"forbidden"`) || strings.Contains(body, "evil") {
			t.Errorf("%s by another name = %d %s; want 421, forbidden, and not the name", path, status, body)
		}
		if status, _ := ask(path, "localhost:8080"); status == http.StatusMisdirectedRequest {
			t.Errorf("%s by the name of loopback = %d", path, status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := ask(path, "cota.internal"); status != http.StatusOK {
			t.Errorf("%s by another name = %d %s; want 200", path, status, body)
		}
	}
	if !strings.Contains(w.log.String(), "status=421") {
		t.Error("the log has no line of a request by another name")
	}
}
