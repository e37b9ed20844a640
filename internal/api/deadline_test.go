package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/api"
	"github.com/cotahq/cota/internal/store"
)

// TestAnswersHaveADeadline has somebody hold the database for longer than any
// answer takes.
func TestAnswersHaveADeadline(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		b := s.signedIn("192.0.2.1:1", "admin")
		release, held := make(chan struct{}), make(chan error)
		go func() {
			held <- s.store.Update(t.Context(), func(*store.Tx) error { <-release; return nil })
		}()
		synctest.Wait()
		begun := time.Now()
		_, err := b.AddProduct(t.Context(), cota.DefaultInstance, "held up")
		s.code("a command while the database is held", err, cota.Unavailable)
		if took := time.Since(begun); took != api.AnswerWithin {
			t.Errorf("it was refused after %v; want %v", took, api.AnswerWithin)
		}
		if !strings.Contains(s.log.String(), "request took too long") {
			t.Error("the log does not say that a request took too long")
		}
		close(release)
		s.must(<-held)
		_, err = b.AddProduct(t.Context(), cota.DefaultInstance, "held up")
		s.must(err)
	})
}
