package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/port"
)

// balanced makes a listener of one of the file door, which load balancers may
// stand before.
func (s *Server) balanced(ln net.Listener) net.Listener {
	if len(s.options.FileLoadBalancers) == 0 {
		return ln
	}
	return port.Proxied(ln, s.options.FileLoadBalancers, headerTimeout)
}

type connKey struct{}

// withConn lets handlers find the connection that a request came by.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// client says where a request to the file door comes from, and whether its
// client speaks TLS: with us, with a proxy or with a load balancer.
func (s *Server) client() func(*http.Request) (netip.Addr, bool) {
	clientOf := api.ClientOf(s.options.TrustedProxies)
	return func(r *http.Request) (netip.Addr, bool) {
		from, overTLS := clientOf(r)
		if c, ok := r.Context().Value(connKey{}).(*port.ProxiedConn); ok {
			overTLS = overTLS || c.Secure()
		}
		return from, overTLS
	}
}
