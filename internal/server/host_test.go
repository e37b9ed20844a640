package server_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
)

// TestManagementGoesByItsNames asks for pages and the API by several names,
// without TLS.
func TestManagementGoesByItsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servertest.Start(t, func(o *server.Options) {
			o.AdminHosts = append(o.AdminHosts, "cota.example.com")
			o.HSTS = time.Hour
		})
		through := http.Client{Transport: &http.Transport{DialContext: s.DialManagement, DisableKeepAlives: true}}
		for host, refused := range map[string]bool{
			"127.0.0.1:8080": false, "localhost": false, "cota.example.com:8080": false, "evil.example:8080": true,
		} {
			for _, path := range []string{"/", "/products", "/api/v1/me", "/metrics"} {
				resp, err := through.Get("http://" + host + path)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if got := resp.StatusCode == http.StatusMisdirectedRequest; got != refused {
					t.Errorf("%s of %s: %s; want it refused: %t", path, host, resp.Status, refused)
				}
				if hsts := resp.Header.Get("Strict-Transport-Security"); hsts != "" {
					t.Errorf("%s of %s without TLS has Strict-Transport-Security: %s", path, host, hsts)
				}
			}
		}
	})
}
