package simtest

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "replay this seed alone")
	seedsFlag = flag.Int("seeds", 5, "how many fresh seeds to run")
	traceFlag = flag.Int("trace", 60, "how many lines of the trace to show of a seed that fails; 0: all")
	firstFlag = flag.Uint64("first", 0, "the first of the fresh seeds; 0: by chance")
)

func TestSeeds(t *testing.T) {
	if *seedFlag != 0 {
		simulate(t, *seedFlag)
		return
	}
	first := *firstFlag
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for i := range *seedsFlag {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64) *trace {
	begun := time.Now()
	dir, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	watch := time.AfterFunc(3*time.Minute, func() { panic(fmt.Sprintf("seed %d is stuck", seed)) })
	defer watch.Stop()
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, dir)
		if err := w.run(); err != nil {
			w.model.fail("%v", err)
		}
	})
	took := time.Since(begun)
	if broken := w.model.failures(); len(broken) > 0 {
		w.trace.write(os.Stderr, *traceFlag)
		t.Errorf("seed %d, %+v:", seed, *w.plan)
		for _, b := range broken {
			t.Error(b)
		}
	}
	t.Logf("seed %d: %d events, %d lives, %s", seed, len(w.trace.lines), w.lives, took)
	return w.trace
}

// TestReplay shows that a seed replays exactly.
func TestReplay(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = 3
	}
	first, second := simulate(t, seed).texts(0), simulate(t, seed).texts(0)
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			t.Fatalf("line %d of the trace is\n%s\nand was\n%s\nbehind\n%s", i, second[i], first[i], first[max(i-1, 0)])
		}
	}
	if len(first) != len(second) {
		t.Errorf("the trace has %d lines, and had %d", len(second), len(first))
	}
}
