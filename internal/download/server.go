package download

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// Server serves files on listeners of its own. On Linux, and TCP, plain
// requests for a file are answered on loops, at a fraction of what net/http
// takes; whoever asks for anything else there is handed over to HTTP, with what
// he has sent so far.
type Server struct {
	Files *Handler
	// HTTP answers what is not a plain request for a file, and whatever comes in
	// elsewhere. Its handler must answer with Files too. The loops keep its
	// ReadHeaderTimeout, WriteTimeout and IdleTimeout, to the second.
	HTTP *http.Server

	mu     sync.Mutex
	loops  []*loops // guarded by mu
	closed bool     // guarded by mu
}

// Serve serves ln, which it closes, and returns when it cannot any more:
// http.ErrServerClosed after Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	tcp, ok := ln.(*net.TCPListener)
	if !ok || !haveLoops {
		return s.HTTP.Serve(ln)
	}
	defer tcp.Close()
	l, err := s.startLoops(tcp)
	if err != nil {
		return err
	}
	return s.HTTP.Serve(l.rest)
}

func (s *Server) startLoops(ln *net.TCPListener) (*loops, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, http.ErrServerClosed
	}
	l, err := newLoops(s, ln)
	if err == nil {
		s.loops = append(s.loops, l)
	}
	return l, err
}

// Shutdown stops accepting, lets answers that have begun end, and closes all
// connections. What has not ended when ctx does is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	all := s.loops
	s.mu.Unlock()
	var errs []error
	for _, l := range all {
		errs = append(errs, l.close(ctx))
	}
	if s.HTTP.Shutdown(ctx) != nil {
		errs = append(errs, s.HTTP.Close())
	}
	return errors.Join(errs...)
}
