package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/cotahq/cota/internal/server"
)

const (
	// memoryLook is how often it is looked what memory is used for.
	memoryLook = 500 * time.Millisecond
	// restAlloc is how many bytes are allocated between two looks, at most, by a
	// server at rest.
	restAlloc = 512 << 10
	// worthGiving is how many bytes must have been allocated since memory was
	// given back last for that to be worth its while.
	worthGiving = 16 << 20
	// elbowRoom is how many bytes of garbage may gather at least before it is
	// collected. Go collects when there is as much as is in use, which in a
	// storm is over and over while that is little: a tenth of what a sign-in costs.
	elbowRoom = 64 << 20
	// mostPercent bounds the garbage there may be by what is in use.
	mostPercent = 400
)

// keepMemory sees to it, until ctx ends, that there is memory for a server that
// is busy, and that it is given back to the system when the server has come to
// rest. For a storm of sign-ins or a push leaves garbage behind, and pages of the
// database, several times what the connections take that hold on; by
// themselves, the one goes after minutes and the other never. It costs a
// collection, and what is read next is read anew; so it happens once for each
// time that the server was busy, however long it rests.
func keepMemory(ctx context.Context, s *server.Server, log *slog.Logger) {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	var last, given uint64
	percent := 100
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		allocated, live := heap()
		if p := gcPercent(live); p != percent && os.Getenv("GOGC") == "" {
			debug.SetGCPercent(p)
			percent = p
		}
		atRest := allocated-last < restAlloc
		last = allocated
		if !atRest || allocated-given < worthGiving {
			continue
		}
		if err := s.Shrink(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the database keeps its memory", "err", err)
		}
		debug.FreeOSMemory()
		given, _ = heap()
	}
}

// gcPercent is how much garbage there may be, in percent of the bytes in use.
func gcPercent(live uint64) int {
	return int(min(max(100*elbowRoom/max(live, 1), 100), mostPercent))
}

// heap is how many bytes were ever allocated, and how many of them were in use
// when that was last looked at.
func heap() (allocated, live uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
