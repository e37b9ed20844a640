// Package servertest puts a whole cota server in a test.
package servertest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/server"
)

// AdminPassword is the password of the account "admin".
const AdminPassword = "correct horse battery staple"

// FilesHost is the host in the links of a server over pipes, which lead
// nowhere but through Server.Files.
const FilesHost = "files.example.com"

// grace is how long a server may take to end.
const grace = 5 * time.Second

// Server is a server that runs until the test ends. Client acts for the
// administrator.
type Server struct {
	*server.Server
	*client.Client

	// Dial connects to the MQTT door.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// DialFiles connects to the file door.
	DialFiles func(ctx context.Context, network, addr string) (net.Conn, error)
	// DialManagement connects to the management door.
	DialManagement func(ctx context.Context, network, addr string) (net.Conn, error)
	// Files downloads by the server's links.
	Files *http.Client

	t     *testing.T
	stop  context.CancelFunc
	ended chan error
}

// Options are those of a new server over pipes. It asks for no verification:
// the tests of that are in internal/api.
func Options(t *testing.T) server.Options {
	return server.Options{
		DataDir: t.TempDir(), AdminPassword: AdminPassword, AdminHosts: []string{"management"}, FilesURL: "http://" + FilesHost, Version: "test",
		Verification: "off",

		Log:  slog.New(slog.DiscardHandler),
		HTTP: pipenet.New("management"), MQTT: []net.Listener{pipenet.New("mqtt")}, Files: pipenet.New("files"),
	}
}

// Start runs a new server over pipes, so that it lives in a synctest bubble
// if the test does. change, unless nil, changes its options.
func Start(t *testing.T, change func(*server.Options)) *Server {
	t.Helper()
	o := Options(t)
	if change != nil {
		change(&o)
	}
	s := Resume(t, o)
	if _, err := s.SignIn(context.Background(), "admin", AdminPassword); err != nil {
		t.Fatalf("sign in: %v", err)
	}
	return s
}

// Resume runs a server with these options but new doors, and a Client that is
// not signed in. The server before must have been stopped if the data is the
// same.
func Resume(t *testing.T, o server.Options) *Server {
	t.Helper()
	management, mqtt, files := pipenet.New("management"), pipenet.New("mqtt"), pipenet.New("files")
	o.HTTP, o.MQTT, o.Files = management, []net.Listener{mqtt}, files
	srv, err := server.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open the server: %v", err)
	}
	over := func(p *pipenet.Listener) *http.Transport {
		return &http.Transport{DialContext: p.Dial, DisableKeepAlives: true}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		Server: srv, Client: client.New("http://management", "").Through(over(management)),
		Dial: mqtt.Dial, DialFiles: files.Dial, DialManagement: management.Dial, Files: &http.Client{Transport: over(files)},
		t: t, stop: stop, ended: make(chan error, 1),
	}
	go func() { s.ended <- srv.Run(ctx, grace) }()
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server and sees that it ends well. Only the first call does.
func (s *Server) Stop() {
	s.stop()
	if err, ok := <-s.ended; ok {
		close(s.ended)
		if err != nil {
			s.t.Errorf("the server ended with %v", err)
		}
	}
}

// Forward listens on a TCP address, for clients that cannot be given a way to
// dial, and connects each that comes by dial.
func Forward(t *testing.T, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			outer, err := ln.Accept()
			if err != nil {
				return
			}
			inner, err := dial(context.Background(), "tcp", "")
			if err != nil {
				outer.Close()
				return
			}
			go relay(outer, inner)
			go relay(inner, outer)
		}
	}()
	return ln.Addr().String()
}

// relay copies until either end is closed, and then closes both.
func relay(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
}
