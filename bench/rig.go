package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cotahq/cota/bench/load"
)

// rig is where a run happens: programs, and a directory that goes with it.
type rig struct {
	self  string // this program
	bin   string // directory of the peers that are built from this module
	cota  string // the command that is measured
	dir   string // of what the run writes
	next  int    // number of the next file or directory
	table *table
	sizes sizes

	serveFlags []string // further ones, of every cota
}

// sizes say how much is measured.
type sizes struct {
	connections int // of a fan-out
	registered  int // devices of the product that they belong to
	rounds      int // of new processes
	waves       int // fan-outs of each QoS in a round
	converging  int // devices of a convergence
	downloads   int // of each kind in a round
	byTLS       int // connections
	states      int // reports that are committed
	growth      []int
	peers       bool // the other brokers, which no target names
}

// short takes less than three minutes; full is what doc/performance.md shows.
var (
	short = sizes{connections: 5_000, registered: 20_000, rounds: 3, waves: 2, converging: 5_000, downloads: 10_000, byTLS: 1_000, states: 100_000}
	full  = sizes{
		connections: 15_000, registered: 1_000_000, rounds: 5, waves: 4, converging: 15_000, downloads: 30_000, byTLS: 5_000, states: 800_000,
		growth: []int{10_000, 100_000, 1_000_000, 3_000_000}, peers: true,
	}
)

// file is a new path in the run's directory.
func (r *rig) file(name string) string {
	r.next++
	return filepath.Join(r.dir, fmt.Sprintf("%03d-%s", r.next, name))
}

// folder is a new directory in it.
func (r *rig) folder(name string) (string, error) {
	path := r.file(name)
	return path, os.Mkdir(path, 0o755) // nginx and others read it as users of their own
}

// server is what a crowd connects to.
type server interface {
	name() string
	start(ctx context.Context, r *rig) error
	process() *process
	// connect says how a crowd connects.
	connect() load.Connect
	// prepare makes a message ready.
	prepare(ctx context.Context) error
	// tell sends it to every connection, and returns when that was ordered.
	tell(ctx context.Context, qos byte) error
	// told waits until nothing is left to be done about the message, for so
	// many connections.
	told(ctx context.Context, connections int) error
}
