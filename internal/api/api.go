// Package api speaks HTTP with operators and programs.
//
// routes.go is its table of contents. Commands go to control, queries
// straight to the store; a file holds the handlers of one noun.
package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
	"github.com/cotahq/cota/internal/store"
)

// Options are what the handler is made of. Control, Store and Log are
// required.
type Options struct {
	Control *control.Control
	Store   *store.Store
	// Online is how many devices of a product are connected now; nil: none.
	Online func(product string) int
	// Messages are the last that were exchanged with a device, newest first;
	// nil: none.
	Messages func(device int64) []cota.Message
	// Done ends what would otherwise go on, such as watching a push, when it
	// is closed; nil: never.
	Done    <-chan struct{}
	Log     *slog.Logger
	Version string // of cota
	// MQTTPort and FilesURL are where devices find their doors.
	MQTTPort int
	FilesURL string
	// TrustedProxies are the networks of proxies that say truly, in
	// X-Forwarded-For, whom they ask for.
	TrustedProxies []netip.Prefix
	// Hosts are the names of the door.
	Hosts Hosts
}

// prefix is where the routes of the table begin.
const prefix = "/api/v1"

type server struct {
	control *control.Control
	store   *store.Store
	online  func(product string) int
	heard   func(device int64) []cota.Message
	done    <-chan struct{}
	log     *slog.Logger
	proxies proxies
	hosts   Hosts
	about   serverAnswer

	refusals *limit.Limiter // of sign-ins, by address
	guesses  *guesses       // of passwords, by account
}

// New makes the handler of the management door: the API, its description at
// /openapi.json and /docs, the probes /healthz and /readyz, and /metrics.
//
// Probes, metrics and descriptions ask for no session: they hold no name and
// no secret, and the door is bound to loopback unless the operator says
// otherwise.
func New(o Options) http.Handler {
	s := &server{
		control: o.Control, store: o.Store, online: o.Online, heard: o.Messages, done: o.Done, log: o.Log, proxies: o.TrustedProxies, hosts: o.Hosts,
		about:    serverAnswer{Version: o.Version, MQTTPort: o.MQTTPort, FilesURL: o.FilesURL},
		refusals: limit.New(refusalPerSecond, refusalBurst), guesses: newGuesses(),
	}
	if s.online == nil {
		s.online = func(string) int { return 0 }
	}
	if s.heard == nil {
		s.heard = func(int64) []cota.Message { return nil }
	}
	mux := http.NewServeMux()
	description := s.register(humago.NewAdapter(mux, ""), o.Version)
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(description)
	})
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.Handle("GET /docs", docsPage("index.html"))
	mux.Handle("GET /docs/{$}", docsPage("index.html"))
	mux.HandleFunc("GET /docs/{file}", docsFile)
	return s.trace(s.recover(secure(s.named(s.sameOrigin(s.known(mux))))))
}

// Owns reports whether a path of the management door is the API's. All others
// are free for pages.
func Owns(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "api", "docs", "openapi.json", "healthz", "readyz", "metrics":
		return true
	}
	return false
}
