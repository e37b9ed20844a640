package api

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/cotahq/cota"
)

// Routes is the route table as a map from method and path to the least role.
func Routes() map[string]cota.Role {
	table := map[string]cota.Role{}
	for _, ch := range (*server)(nil).routes() {
		for _, r := range ch.routes {
			table[r.method+" "+prefix+r.path] = r.least
		}
	}
	return table
}

// Statuses is how each code looks in HTTP.
var Statuses = statuses

// AnswerWithin is how long an answer may take.
const AnswerWithin = answerWithin

// GuessBurst is how many wrong passwords an account bears at once.
const GuessBurst = guessBurst

// RefusalBurst is how many an address may send at once.
const RefusalBurst = refusalBurst

// Guesses bounds guessing.
type Guesses = guesses

func NewGuesses() *Guesses { return newGuesses() }

func (g *Guesses) Take(account string, now time.Time) error {
	return g.take(guesser{account: account}, now)
}
func (g *Guesses) GiveBack(account string, now time.Time) { g.giveBack(guesser{account: account}, now) }

// Docs are the files of the documentation page.
var Docs = docs

// Client is where a request comes from, behind these proxies.
func Client(trusted []netip.Prefix, r *http.Request) (netip.Addr, bool) {
	return proxies(trusted).client(r)
}
