package simtest

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "replay this seed alone")
	seedsFlag = flag.Int("seeds", 0, "how many fresh seeds to run; 0: a few")
	firstFlag = flag.Uint64("first", 0, "the first of the fresh seeds; 0: by chance")
	untilFlag = flag.Bool("until-broken", false, "run one seed after the other, until one fails, and none that failed before")
	traceFlag = flag.Int("trace", 60, "how many lines of the trace to show of a seed that fails; 0: all")
	tellFlag  = flag.Bool("tell", false, "say how far it is")
)

// tooLong is how long nothing may happen in a run in real time, on a busy
// machine. One in which that is so waits for what will never come.
const tooLong = 5 * time.Minute

// watch ends the process when a run is stuck. A bubble in which somebody waits
// for a mutex for ever does not end by itself.
func watch(seed uint64, t *trace) (stop func()) {
	done := make(chan struct{})
	go func() {
		for last := -1; ; {
			select {
			case <-done:
				return
			case <-time.After(tooLong):
			}
			n := t.len()
			if n == last {
				panic(fmt.Sprintf("seed %d is stuck", seed))
			}
			last = n
		}
	}()
	return func() { close(done) }
}

// TestSeeds runs every seed that ever failed and a few fresh ones.
func TestSeeds(t *testing.T) {
	if *seedFlag != 0 {
		simulate(t, *seedFlag)
		return
	}
	first, fresh := *firstFlag, *seedsFlag
	if first == 0 {
		first = uint64(time.Now().Unix())
	}
	if fresh == 0 && raced {
		fresh = 2
	} else if fresh == 0 {
		fresh = 5
	}
	if *untilFlag {
		for i := range fresh {
			if simulate(t, first+uint64(i)); t.Failed() {
				return
			}
		}
		return
	}
	var seeds []uint64
	if !raced {
		seeds = failed(t)
	}
	for i := range fresh {
		seeds = append(seeds, first+uint64(i))
	}
	before := used()
	runAll(t, seeds)
	leftovers(t, before, len(seeds))
}

func runAll(t *testing.T, seeds []uint64) {
	var done, broken atomic.Int64
	begun := time.Now()
	if *tellFlag {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		go func() {
			for range tick.C {
				n := done.Load()
				fmt.Fprintf(os.Stderr, "sim: %d of %d seeds, %d failed, %.1f seeds a minute\n",
					n, len(seeds), broken.Load(), float64(n)/time.Since(begun).Minutes())
			}
		}()
	}
	t.Run("seed", func(t *testing.T) {
		for _, seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				simulate(t, seed)
				done.Add(1)
				if t.Failed() {
					broken.Add(1)
				}
			})
		}
	})
}

// failed are the seeds that ever failed. Each line of the file is a seed and
// what it found.
func failed(t *testing.T) (seeds []uint64) {
	f, err := os.Open("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		number, _, _ := strings.Cut(s.Text(), " ")
		seed, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds: %v", err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64) *trace {
	begun := time.Now()
	dir, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	trace := new(trace)
	defer watch(seed, trace)()
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, dir, trace)
		if err := w.run(); err != nil {
			w.model.fail("%v", err)
		}
	})
	if broken := w.model.failures(); len(broken) > 0 {
		trace.write(os.Stderr, *traceFlag)
		t.Errorf("CAUGHT %d %s", seed, broken[0])
		for _, b := range broken[1:] {
			t.Error(b)
		}
		t.Logf("replay it with: make sim SEED=%d", seed)
	}
	t.Logf("seed %d: %s with %d devices, %d lives, %d events, in %s",
		seed, w.plan.span, w.plan.devices, w.lives, trace.len(), time.Since(begun).Round(time.Millisecond))
	return trace
}

// TestReplay shows that a seed replays exactly.
func TestReplay(t *testing.T) {
	if raced {
		t.Skip("it takes long")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().Unix())
	}
	first, second := simulate(t, seed).texts(0), simulate(t, seed).texts(0)
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			t.Fatalf("seed %d: line %d of the trace is\n%s\nand was\n%s\nbehind\n%s", seed, i, second[i], first[i], first[max(i-1, 0)])
		}
	}
	if len(first) != len(second) {
		t.Errorf("seed %d: the trace has %d lines, and had %d", seed, len(second), len(first))
	}
}

// usage is what may be left behind.
type usage struct {
	goroutines int
	heap       int64
}

func used() usage {
	for range 2 { // what finalizers let go of, too
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{runtime.NumGoroutine(), int64(m.HeapAlloc)}
}

// leftovers sees to it that the servers that have ended left nothing behind.
// What is left in a bubble, synctest itself complains of. Of a run its log
// stays, and caches of the process fill once.
func leftovers(t *testing.T, before usage, runs int) {
	after := used()
	if after.goroutines > before.goroutines+5 {
		t.Errorf("%d goroutines; there were %d", after.goroutines, before.goroutines)
	}
	heap := after.heap - before.heap
	if most := int64(8<<20 + runs*(32<<10)); heap > most {
		t.Errorf("%d runs left %d KiB on the heap; want at most %d", runs, heap>>10, most>>10)
	}
	t.Logf("%d runs left %d KiB on the heap and %d goroutines", runs, heap>>10, after.goroutines-before.goroutines)
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "cota_gateway_connections" {
			if n := f.GetMetric()[0].GetGauge().GetValue(); n != 0 {
				t.Errorf("%s = %v; want 0", f.GetName(), n)
			}
		}
	}
	disks.Range(func(dir, _ any) bool {
		t.Errorf("the disk %s is still in use", dir)
		return true
	})
}
