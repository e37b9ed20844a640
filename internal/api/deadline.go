package api

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// answerWithin bounds how long a request waits for who it is from to be found
// out, and for its answer. Nothing that is asked takes nearly as long while the
// database works; somebody else's lock on it, or its disk, may hold it up.
const answerWithin = 30 * time.Second

var errSlow = cota.Errorf(cota.Unavailable, "the database took too long; look whether what you asked for was done before you try again")

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, answerWithin, errSlow)
}
