package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/cotahq/cota/internal/server"
)

const (
	// restLook is how often it is looked whether the server is at rest, and
	// restAlloc how many bytes it allocates between two looks at most if it is.
	restLook  = 500 * time.Millisecond
	restAlloc = 512 << 10
	// worthGiving is how many bytes must have been allocated since memory was
	// given back last for that to be worth its while.
	worthGiving = 16 << 20
)

// giveBack gives memory back to the system, until ctx ends, when the server has
// come to rest after it was busy. A storm of sign-ins or a push leaves garbage
// behind, and pages of the database, several times what the connections take
// that hold on; by themselves, the one goes after minutes and the other never. It
// costs a collection, and what is read next is read anew; so it happens once
// for each time that the server was busy, however long it rests.
func giveBack(ctx context.Context, s *server.Server, log *slog.Logger) {
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	var last, given uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := allocated()
		atRest := now-last < restAlloc
		last = now
		if !atRest || now-given < worthGiving {
			continue
		}
		if err := s.Shrink(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the database keeps its memory", "err", err)
		}
		debug.FreeOSMemory()
		given = allocated()
	}
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
