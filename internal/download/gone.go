package download

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cotahq/cota"
)

const (
	// goneFor is how long what is gone is not looked for again.
	goneFor = time.Minute
	// goneVersions bounds how much of it is remembered.
	goneVersions = 1000
)

// gone remembers versions, and products with theirs, that links led to and
// that are not there any more. Devices that ask for them again and again would
// otherwise cost a look at the database each time.
type gone struct {
	seen *lru.Cache[fileKey, time.Time]
}

var errGone = cota.Errorf(cota.LinkInvalid, "what this link led to is gone")

func newGone() gone {
	seen, err := lru.New[fileKey, time.Time](goneVersions)
	if err != nil {
		panic(err) // the size is ours
	}
	return gone{seen}
}

func (n gone) add(g cota.Grant, now time.Time) { n.seen.Add(keyOf(g), now) }

func (n gone) has(g cota.Grant, now time.Time) bool {
	at, ok := n.seen.Get(keyOf(g))
	return ok && now.Sub(at) < goneFor
}
