package api

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cotahq/cota"
)

// Hosts are the names by which the management door is asked, beside addresses
// and names of loopback, which always count.
//
// A page of somebody else's can have its own name lead to this machine (DNS
// rebinding), and would then be one of ours to a browser. What it cannot do is
// go by an address, or by a name that is not its own.
type Hosts []string

// Has reports whether a request asks for the door by one of its names. Over
// TLS the browser has compared the name with the certificate. Who names nobody
// is no browser.
func (hosts Hosts) Has(r *http.Request) bool {
	if r.TLS != nil || r.Host == "" {
		return true
	}
	name := hostName(r.Host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	for _, h := range hosts {
		if name == hostName(h) {
			return true
		}
	}
	return false
}

// hostName is the name in a Host header (RFC 9110, section 7.2), in one spelling.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

var errHost = cota.Errorf(cota.Forbidden, "the management door does not go by the name in this address; if it should, start the server with --admin-host and the name")

// named refuses what asks for the door by another's name, but for the probes,
// which tell nobody anything.
func (s *server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		if s.hosts.Has(hr) || hr.URL.Path == "/healthz" || hr.URL.Path == "/readyz" {
			next.ServeHTTP(w, hr)
			return
		}
		p := newProblem(errHost)
		p.Status, p.Title = http.StatusMisdirectedRequest, http.StatusText(http.StatusMisdirectedRequest)
		p.write(w)
	})
}
