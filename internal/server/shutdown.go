package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// shutdown closes the doors first, so that what is learned last is recorded.
func (s *Server) shutdown(grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	// Who does not take an answer must not use up what the data needs.
	atDoors, cancel := context.WithTimeout(ctx, grace-grace/5)
	defer cancel()
	for _, door := range s.doors {
		door.Close()
	}
	var g errgroup.Group
	g.Go(func() error { return shutHTTP(atDoors, s.http) })
	g.Go(func() error { return s.files.Shutdown(atDoors) })
	g.Go(func() error { return s.Gateway.Close(atDoors) })
	err := g.Wait()
	s.port.Wait()
	return errors.Join(err, s.closeData(ctx))
}

// closeData closes as much of the data as is open.
func (s *Server) closeData(ctx context.Context) (err error) {
	if s.store != nil {
		err = s.store.Close(ctx)
	}
	if s.unlock != nil {
		err = errors.Join(err, s.unlock())
	}
	return err
}

// shutHTTP lets requests end, and cuts off those that have not when ctx ends.
func shutHTTP(ctx context.Context, h *http.Server) error {
	if err := h.Shutdown(ctx); err != nil {
		return h.Close()
	}
	return nil
}

func (s *Server) closeDoors() {
	for _, ln := range append(s.options.MQTT, s.options.HTTP, s.options.Files, s.options.FilesTLS) {
		if ln != nil {
			ln.Close()
		}
	}
}
