package api

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cotahq/cota"
)

// How many wrong passwords are borne with: of one address, whatever accounts
// it tries, and for one account, whatever addresses try it. A burst, and then
// so many a second.
const (
	refusalBurst     = 30
	refusalPerSecond = 0.5

	guessBurst     = 10
	guessPerSecond = 0.1

	// guessAccounts bounds how many accounts are remembered. The one that was
	// tried longest ago is forgotten first.
	guessAccounts = 10_000
)

// guesses bounds how often the password of an account may be guessed. A guess
// counts before it is looked at, so guessing at once is of no use; the right
// one is given back.
type guesses struct {
	mu   sync.Mutex
	left *lru.Cache[string, allowance] // by account; guarded by mu
}

type allowance struct {
	guesses float64
	at      time.Time
}

func newGuesses() *guesses {
	left, err := lru.New[string, allowance](guessAccounts)
	if err != nil {
		panic(err) // the size is ours
	}
	return &guesses{left: left}
}

// take takes a guess from an account's allowance. It refuses if there is none
// left, and says when there will be.
func (g *guesses) take(account string, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.now(account, now)
	if a.guesses < 1 {
		err := cota.Errorf(cota.RateLimited, "too many wrong passwords for this account; try again later")
		err.Until = now.Add(time.Duration((1 - a.guesses) / guessPerSecond * float64(time.Second)))
		return err
	}
	a.guesses--
	g.left.Add(account, a)
	return nil
}

// giveBack undoes a take.
func (g *guesses) giveBack(account string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.now(account, now)
	a.guesses = min(a.guesses+1, guessBurst)
	g.left.Add(account, a)
}

// now is an account's allowance at now. g.mu is held.
func (g *guesses) now(account string, now time.Time) allowance {
	a, ok := g.left.Get(account)
	if !ok {
		return allowance{guessBurst, now}
	}
	return allowance{min(a.guesses+now.Sub(a.at).Seconds()*guessPerSecond, guessBurst), now}
}

// try runs a command that checks the password of an account, unless too many
// wrong ones were tried from this address or for this account.
func (s *server) try(r *request, account string, check func() error) error {
	if s.refusals.Exhausted(r.from) {
		return cota.Errorf(cota.RateLimited, "too many wrong passwords from this address; try again later")
	}
	if err := s.guesses.take(account, time.Now()); err != nil {
		return err
	}
	err := check()
	switch cota.CodeOf(err) {
	case cota.Unauthenticated, cota.WrongPassword:
		s.refusals.Allow(r.from)
	default:
		s.guesses.giveBack(account, time.Now())
	}
	return err
}
