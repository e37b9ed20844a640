// Package server assembles and runs one cota server.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/console"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/download"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/keypair"
	"github.com/cotahq/cota/internal/port"
	"github.com/cotahq/cota/internal/register"
	"github.com/cotahq/cota/internal/store"
)

// Options are what a server is made of.
type Options struct {
	// DataDir holds the master key and, unless DB names a PostgreSQL database,
	// the SQLite database. It is made if it is not there.
	DataDir string
	// DB is a postgres:// URL; "" for SQLite.
	DB string
	// FilesURL is where devices find the file door; "" for the address of the
	// Files listener.
	FilesURL string
	// MQTTURL is where devices that have pre-authenticated find the MQTT door,
	// mqtt://host:port; "" for the host by which they asked and the port of the
	// MQTT listener.
	MQTTURL string
	// RegisterPlain lets devices register without TLS.
	RegisterPlain bool
	// AdminPassword is that of the first administrator of a new server; "" for
	// a random one.
	AdminPassword string
	// MasterKey seals secrets at rest: 64 hexadecimal digits. With several, and
	// commas between, the first seals and every one opens. "" for MasterKeyFile.
	MasterKey string
	// MasterKeyFile holds the same, a key on a line; "" for the file in DataDir,
	// which is made if it is not there.
	MasterKeyFile string
	// PushRate bounds the push messages a second of one product's fan-out; 0:
	// no bound.
	PushRate float64
	// RefusalsPerAddress and RefusalsPerDevice bound the sign-ins, and apart from
	// them the downloads, and the registrations over HTTPS, that are refused in a
	// minute before others are put off; TakeoversPerDevice how often a minute a
	// device may take its own connection over. 0: no bound.
	RefusalsPerAddress, RefusalsPerDevice, TakeoversPerDevice int
	// Newcomers bound the devices that register without being listed.
	Newcomers gateway.Newcomers

	Version string
	Log     *slog.Logger

	// Verification is "on" or "off" whatever administrators have set, or "" for
	// what they have; a new server asks for it.
	Verification string
	// TrustLoopback lets sessions from this machine push without one.
	TrustLoopback bool
	// TrustedProxies are those whose X-Forwarded-For tells where a request
	// comes from.
	TrustedProxies []netip.Prefix
	// AdminHosts are the names by which the management door may be asked, beside
	// addresses and those of loopback.
	AdminHosts []string
	// SessionIdle is for how long a session may not be used before it ends; 0: for
	// as long as it lasts.
	SessionIdle time.Duration
	// HSTS is how long browsers are to ask this host by TLS only, once the
	// management door has spoken it to them; 0: they are not told.
	HSTS time.Duration
	SMS  SMS

	TLS TLS
	// LoadBalancers are the networks from which every connection to the MQTT
	// door must begin with a PROXY protocol header, which tells whose it is.
	LoadBalancers []netip.Prefix
	// FileLoadBalancers are the same for the file door.
	FileLoadBalancers []netip.Prefix

	// The doors. HTTP is for operators and programs, MQTT and Files for
	// devices. On each MQTT listener TCP, TLS and WebSocket are served; Files
	// is plain HTTP and FilesTLS, unless nil, the same over TLS. The server
	// closes them.
	HTTP, Files, FilesTLS net.Listener
	MQTT                  []net.Listener
}

// Server is a cota server. Open makes one; Run serves.
type Server struct {
	Control *control.Control
	Gateway *gateway.Gateway
	// FirstPassword is the password of the first administrator if Open made
	// that account, and "" otherwise.
	FirstPassword string
	FilesURL      string

	mqttHost string // where devices find the MQTT door; "": by the host by which they asked
	mqttPort uint16

	options Options
	store   *store.Store
	unlock  func() error  // of the data directory
	ring    *keypair.Ring // nil without certificates
	port    *port.Port
	doors   []*port.Listener // for devices
	http    *http.Server
	files   *download.Server
	log     *slog.Logger
}

// Bounds of what the HTTP doors wait for.
const (
	headerTimeout = 10 * time.Second
	fileTimeout   = 60 * time.Second // for a whole download
	answerTimeout = 60 * time.Second // for an answer of the management door
	idleTimeout   = 15 * time.Second // stock SDKs leave connections open
	maxHeader     = 16 << 10
)

// Open opens the database and makes everything ready to serve. When it fails,
// nothing has been half written and the doors are closed.
func Open(ctx context.Context, o Options) (*Server, error) {
	s := &Server{options: o, log: o.Log, FilesURL: o.FilesURL}
	if err := s.open(ctx); err != nil {
		s.closeDoors()
		return nil, errors.Join(err, s.closeData(ctx))
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	o := s.options
	if s.FilesURL == "" {
		s.FilesURL = "http://" + localAddr(o.Files.Addr())
	}
	if err := checkFilesURL(s.FilesURL); err != nil {
		return err
	}
	if min(o.RefusalsPerAddress, o.RefusalsPerDevice, o.TakeoversPerDevice, o.Newcomers.PerProduct, o.Newcomers.PerAddress) < 0 {
		return errors.New("bounds of refusals, takeovers and newcomers must not be negative; 0 is no bound")
	}
	if min(o.SessionIdle, o.HSTS) < 0 {
		return errors.New("how long a session may be idle, and how long browsers are to stay with TLS, must not be negative")
	}
	if err := s.findMQTT(); err != nil {
		return err
	}
	mode, err := verificationMode(o.Verification)
	if err != nil {
		return err
	}
	sender, err := o.SMS.sender(o.Log)
	if err != nil {
		return err
	}
	if s.ring, err = o.TLS.open(o.Log); err != nil {
		return err
	}
	if s.ring == nil && o.FilesTLS != nil {
		return errors.New("the file door over TLS needs a certificate: give tls-cert and tls-key")
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	unlock, err := lockData(o.DataDir)
	if err != nil {
		return err
	}
	s.unlock = unlock
	keys, err := masterKeys(o)
	if err != nil {
		return err
	}
	if s.store, err = store.Open(ctx, store.Options{DSN: o.dsn(), Key: keys[0], OldKeys: keys[1:], Log: o.Log}); err != nil {
		return err
	}
	s.Control, err = control.New(ctx, control.Options{
		Store: s.store, FilesURL: s.FilesURL, Log: o.Log, Verification: mode, TrustLoopback: o.TrustLoopback, Sender: sender,
		SessionIdle: o.SessionIdle,
	})
	if err != nil {
		return err
	}
	if err := s.firstAdmin(ctx); err != nil {
		return err
	}
	s.port = port.New(port.Options{TLS: s.deviceTLS(), Proxies: o.LoadBalancers})
	for _, ln := range o.MQTT {
		s.doors = append(s.doors, s.port.Listen(ln))
	}
	s.Gateway = gateway.New(gateway.Options{
		Control: s.Control, Log: o.Log, PushRate: o.PushRate, RegisterPlain: o.RegisterPlain,
		RefusalsPerAddress: o.RefusalsPerAddress, RefusalsPerDevice: o.RefusalsPerDevice, TakeoversPerDevice: o.TakeoversPerDevice,
		Newcomers: o.Newcomers,
	})
	s.store.Listen(s.hear)
	return nil
}

// dsn is the database, as the store takes it.
func (o *Options) dsn() string {
	if o.DB != "" {
		return o.DB
	}
	return filepath.Join(o.DataDir, databaseFile)
}

// hear passes on to the devices here what has changed, on whichever node.
func (s *Server) hear(n store.Note) {
	if n.Topology != nil {
		s.Gateway.Tell(n.Product, *n.Topology)
		return
	}
	s.Gateway.Look(n.Product, n.Device, n.Gateway)
	if n.Certificates || n == (store.Note{}) { // or there may have been such a note
		s.Gateway.LookAtCertificates(n.Product)
	}
}

func (s *Server) firstAdmin(ctx context.Context) error {
	password := s.options.AdminPassword
	if password == "" {
		password = rand.Text()
	}
	added, err := s.Control.EnsureAdmin(ctx, password)
	if err != nil {
		return fmt.Errorf("add the first administrator: %w", err)
	}
	if added {
		s.FirstPassword = password
	}
	return nil
}

// Run serves until ctx ends, and then closes down in order: no new requests,
// devices told, what they reported on disk. It returns nil after a clean end.
func (s *Server) Run(ctx context.Context, grace time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.http = s.serveHTTP(ctx, s.management(ctx))
	s.files = s.serveFiles()

	var g errgroup.Group
	run := func(what string, serve func() error) {
		g.Go(func() error {
			defer stop() // one door down, all down
			if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}
	management := s.options.HTTP
	if s.options.TLS.Management {
		management = overTLS(management, s.ring.Config())
	}
	run("management door", func() error { return s.http.Serve(management) })
	run("file door", func() error { return s.files.Serve(s.balanced(s.options.Files)) })
	if ln := s.options.FilesTLS; ln != nil {
		run("file door over TLS", func() error { return s.files.Serve(overTLS(s.balanced(ln), s.forDevices(s.ring.Config()))) })
	}
	for _, door := range s.doors {
		run("device door", func() error { return s.Gateway.Serve(door) })
	}
	run("housekeeping", func() error { s.Control.Keep(ctx); return nil })
	if s.ring != nil {
		run("certificates", func() error { s.ring.Watch(ctx); return nil })
	}

	<-ctx.Done()
	shut := s.shutdown(grace)
	return errors.Join(g.Wait(), shut)
}

// Shrink gives memory back that is kept for what was asked for last.
func (s *Server) Shrink(ctx context.Context) error { return s.store.Shrink(ctx) }

// management is the API, and the console on every path that is not the API's.
func (s *Server) management(ctx context.Context) http.Handler {
	hosts := api.Hosts(s.options.AdminHosts)
	programs := api.New(api.Options{
		Control: s.Control, Store: s.store, Online: s.Gateway.Online, Messages: s.Gateway.Messages, Done: ctx.Done(), Log: s.log, Version: s.options.Version,
		TrustedProxies: s.options.TrustedProxies, Hosts: hosts, MQTTPort: int(s.mqttPort), FilesURL: s.FilesURL,
	})
	people := console.Handler()
	hsts := fmt.Sprintf("max-age=%.0f", s.options.HSTS.Seconds()) // RFC 6797, section 6.1
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Who asks and does not read must not hold the answer for ever. What goes
		// on for longer sets a deadline of its own each time.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
			s.log.Warn("no deadline for an answer", "err", err)
		}
		if r.TLS != nil && s.options.HSTS > 0 {
			w.Header().Set("Strict-Transport-Security", hsts)
		}
		if api.Owns(r.URL.Path) || !hosts.Has(r) { // which the API refuses
			programs.ServeHTTP(w, r)
			return
		}
		people.ServeHTTP(w, r)
	})
}

func (s *Server) serveHTTP(ctx context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler: closeChunked(h), ReadHeaderTimeout: headerTimeout, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// serveFiles is HTTP/1.1 only, which is all that devices speak.
func (s *Server) serveFiles() *download.Server {
	one := new(http.Protocols)
	one.SetHTTP1(true)
	files := download.New(download.Options{
		Control: s.Control, Log: s.log, RefusalsPerAddress: s.options.RefusalsPerAddress, RefusalsPerDevice: s.options.RefusalsPerDevice,
	})
	return &download.Server{Files: files, HTTP: &http.Server{
		Handler: closeChunked(s.devices(files)), Protocols: one, ConnContext: withConn,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: fileTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}}
}

// devices is what devices ask the file door for: files, and on the paths that
// are for it what they sign in with.
func (s *Server) devices(files *download.Handler) http.Handler {
	secrets := register.New(register.Options{
		Control: s.Control, Log: s.log, Client: s.client(), AllowPlain: s.options.RegisterPlain,
		MQTTHost: s.mqttHost, MQTTPort: s.mqttPort,
		RefusalsPerAddress: s.options.RefusalsPerAddress, RefusalsPerDevice: s.options.RefusalsPerDevice,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if register.Owns(r.URL.Path) {
			secrets.ServeHTTP(w, r)
			return
		}
		files.ServeHTTP(w, r)
	})
}

// localAddr is a listener's address as seen from this machine.
func localAddr(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
