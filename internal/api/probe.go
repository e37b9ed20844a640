package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/cotahq/cota"
)

// readyWithin is how long a ready server takes to say so.
const readyWithin = 2 * time.Second

// healthz says that the process lives.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "ok\n")
}

// readyz says whether the store answers.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.log.Warn("not ready", "err", err)
		writeProblem(w, cota.Errorf(cota.Unavailable, "the database does not answer"))
		return
	}
	io.WriteString(w, "ok\n")
}
