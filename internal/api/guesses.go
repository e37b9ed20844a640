package api

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/limit"
)

// How many wrong passwords are borne with: of one address, whatever accounts
// it tries, and for one account, whatever addresses try it. A burst, and then
// so many a second.
const (
	refusalBurst     = 30
	refusalPerSecond = 0.5

	guessBurst     = 10
	guessPerSecond = 0.1

	// guessAccounts bounds how many accounts, and how many places of accounts, are
	// remembered. The one that was tried longest ago is forgotten first.
	guessAccounts = 10_000
)

// guesses bounds how often the password of an account may be guessed. A guess
// counts before it is looked at, so guessing at once is of no use; the right
// one is given back.
//
// From an address from which the right one came before there is an allowance
// apart: whoever guesses elsewhere does not keep the account's owner out there.
type guesses struct {
	places *lru.Cache[guesser, bool] // where the right one came from

	mu   sync.Mutex
	left *lru.Cache[guesser, allowance] // guarded by mu
}

// guesser is who tries the password of an account: somebody in a network where
// the right one came from before, or with the zero network all others.
type guesser struct {
	account string
	network netip.Prefix // as limit.Network has it
}

type allowance struct {
	guesses float64
	at      time.Time
}

func newGuesses() *guesses {
	left, err := lru.New[guesser, allowance](guessAccounts)
	if err != nil {
		panic(err) // the size is ours
	}
	places, err := lru.New[guesser, bool](guessAccounts)
	if err != nil {
		panic(err)
	}
	return &guesses{left: left, places: places}
}

// of is whose allowance a guess is taken from.
func (g *guesses) of(account string, from netip.Addr) guesser {
	if at := placed(account, from); g.places.Contains(at) {
		return at
	}
	return guesser{account: account}
}

// right hears that the password of an account came from an address.
func (g *guesses) right(account string, from netip.Addr) { g.places.Add(placed(account, from), true) }

func placed(account string, from netip.Addr) guesser { return guesser{account, limit.Network(from)} }

// take takes a guess from an allowance. It refuses if there is none left, and
// says when there will be.
func (g *guesses) take(by guesser, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.now(by, now)
	if a.guesses < 1 {
		err := cota.Errorf(cota.RateLimited, "too many wrong passwords for this account; try again later")
		err.Until = now.Add(time.Duration((1 - a.guesses) / guessPerSecond * float64(time.Second)))
		return err
	}
	a.guesses--
	g.left.Add(by, a)
	return nil
}

// giveBack undoes a take.
func (g *guesses) giveBack(by guesser, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.now(by, now)
	a.guesses = min(a.guesses+1, guessBurst)
	g.left.Add(by, a)
}

// now is an allowance at now. g.mu is held.
func (g *guesses) now(by guesser, now time.Time) allowance {
	a, ok := g.left.Get(by)
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
	by := s.guesses.of(account, r.from)
	if err := s.guesses.take(by, time.Now()); err != nil {
		return err
	}
	err := check()
	switch cota.CodeOf(err) {
	case cota.Unauthenticated, cota.WrongPassword:
		s.refusals.Allow(r.from)
		return err
	case "":
		s.guesses.right(account, r.from)
	}
	s.guesses.giveBack(by, time.Now())
	return err
}
