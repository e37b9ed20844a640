package api_test

import (
	"fmt"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/api"
)

// TestGuessesKeepNobodyOut has somebody guess a password without end, while its
// owner signs in at home.
func TestGuessesKeepNobodyOut(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *site) {
		home := s.signedIn("[2001:db8::7]:1", "admin")
		for n := range 200 { // more than one address may
			_, err := s.from(fmt.Sprintf("192.0.2.%d:1", n)).SignIn(t.Context(), "admin", "wrong password")
			want := cota.Unauthenticated
			if n >= api.GuessBurst {
				want = cota.RateLimited
			}
			s.code("a guess", err, want)
		}
		_, err := s.from("203.0.113.1:1").SignIn(t.Context(), "admin", password)
		s.code("the right one, at a new place", err, cota.RateLimited)
		home.signIn("admin")
		s.signedIn("[2001:db8::8]:1", "admin") // another address of the same network
		for range api.GuessBurst {
			_, err := home.SignIn(t.Context(), "admin", "wrong password")
			s.code("a guess at home", err, cota.Unauthenticated)
		}
		_, err = home.SignIn(t.Context(), "admin", password)
		s.code("one too many at home", err, cota.RateLimited)
	})
}
