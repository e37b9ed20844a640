package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/cotahq/cota/internal/limit"
)

// proxies are the networks of those whose word on whom they ask for is taken.
type proxies []netip.Prefix

// ClientOf makes what says where a request comes from, and whether its client
// speaks TLS, behind proxies of these networks.
func ClientOf(trusted []netip.Prefix) func(*http.Request) (from netip.Addr, overTLS bool) {
	return proxies(trusted).client
}

func (p proxies) has(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// client is where a request comes from: the address of its connection, or when
// that is a proxy's, the right-most in X-Forwarded-For that is not a proxy's.
// What stands further left anybody may have written. overTLS tells whether the
// client speaks TLS, with us or with the proxy.
func (p proxies) client(r *http.Request) (from netip.Addr, overTLS bool) {
	from, overTLS = limit.Address(r.RemoteAddr).Unmap(), r.TLS != nil
	if !p.has(from) {
		return from, overTLS
	}
	overTLS = overTLS || r.Header.Get("X-Forwarded-Proto") == "https"
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a := forwarded(strings.TrimSpace(hop))
		if !a.IsValid() {
			break // what cannot be read may be anything; the proxy that passed it on is known
		}
		if from = a; !p.has(from) {
			break
		}
	}
	return from, overTLS
}

// forwarded is an address as proxies write it: some add a port.
func forwarded(hop string) netip.Addr {
	if a, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
		return a.Unmap()
	}
	return limit.Address(hop).Unmap()
}
