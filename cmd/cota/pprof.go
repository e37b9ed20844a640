package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/cotahq/cota"
)

// profiles serves Go's profiles of this process at addr until stop is called.
// They tell everything about the process and ask for no password, so the
// address must be one that only this machine reaches.
func profiles(addr string, log *slog.Logger) (stop func(), err error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--pprof %q: %w", addr, err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, cota.Errorf(cota.Invalid, "--pprof %q: only an address of this machine itself will do, such as 127.0.0.1:6060", addr)
	}
	ln, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("open the door of profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, allocs, goroutine, mutex, ... by their names
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Serve(ln) // until it is closed
	}()
	return func() {
		s.Close()
		<-ended
	}, nil
}
