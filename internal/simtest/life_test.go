package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cotahq/cota/internal/server"
)

// life is one life of the server: from its start to its end, by a crash or in
// good order.
type life struct {
	disk  *disk
	stop  context.CancelFunc
	ended chan error
	over  bool          // it has ended
	died  chan struct{} // closed when it has crashed
}

const (
	adminPassword = "correct horse battery staple"
	filesHost     = "files.example.com"
	grace         = 5 * time.Second
)

// start starts the server on the data of a directory. opening, unless nil, is
// how it crashes before it is ready.
func (w *world) start(dir string, opening *fall) (*life, error) {
	hookDisks()
	l := &life{disk: newDisk(dir), ended: make(chan error, 1), died: make(chan struct{})}
	l.disk.slow, l.disk.calm = w.commitTime(), w.net.calm
	l.disk.dying = func() {
		w.net.crash()
		close(l.died)
	}
	w.mu.Lock()
	w.life = l
	w.mu.Unlock()
	if err := w.prepare(l); err != nil {
		return l, err
	}
	if opening != nil {
		w.arm(l, *opening)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	s, err := server.Open(ctx, server.Options{
		DataDir: dir, AdminPassword: adminPassword, AdminHosts: []string{"management"}, FilesURL: "http://" + filesHost, Version: "simulated", Verification: "off",
		PushRate: w.plan.pushRate, Log: slog.New(w.log),
		HTTP: w.net.listen("http"), MQTT: []net.Listener{w.net.listen("mqtt")}, Files: w.net.listen("files"),
	})
	if err != nil {
		stop()
		close(l.ended)
		return l, fmt.Errorf("open the server: %w", err)
	}
	go func() { l.ended <- s.Run(ctx, grace) }()
	return l, nil
}

// newDir makes a directory for the data of a life.
func (w *world) newDir() (string, error) {
	w.lives++
	dir := filepath.Join(w.dir, fmt.Sprintf("life-%d", w.lives))
	return dir, os.Mkdir(dir, 0o700)
}

// finish ends a life in good order.
func (w *world) finish(l *life) {
	if err := w.endOf(l); err != nil {
		w.model.fail("the server ended with %v", err)
	}
}

// endOf stops a life and waits for its end. One that does not end cannot be
// got out of the bubble, so the run ends here. A life may be over already: the
// run may end before the next one begins.
func (w *world) endOf(l *life) error {
	if l.over {
		return nil
	}
	l.stop()
	select {
	case err := <-l.ended:
		l.over = true
		return err
	case <-time.After(time.Minute):
		panic(fmt.Sprintf("CAUGHT %d the server does not end", w.seed))
	}
}

// fall is how a life crashes: at a commit, before which the server has said
// what it should have said behind it, if it makes that mistake.
type fall struct {
	after bool // the commit is there afterwards
	while string
	skip  int // commits before the one
}

// What a crash waits for: any commit, or one while an operator waits for an
// answer, or a device for an acknowledgement.
const (
	anyCommit     = "any"
	operatorWaits = "operator"
	deviceWaits   = "device"
)

// prepare makes a place for what survives of a life.
func (w *world) prepare(l *life) error {
	dir, err := w.newDir()
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.disk.copyTo = dir
	return err
}

// arm has a life crash.
func (w *world) arm(l *life, f fall) {
	d := l.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.after = f.after
	d.crash = func(operator bool) bool {
		if f.while == operatorWaits && !operator || f.while == deviceWaits && !w.model.awaited() {
			return false
		}
		f.skip--
		return f.skip < 0
	}
}

// bury waits until a life that has crashed is over, and returns the directory
// in which its data survived.
func (w *world) bury(l *life) (dir string, err error) {
	w.endOf(l) // whatever it says: nobody hears it
	dir = l.disk.copyTo
	err = l.disk.survive()
	l.disk.close()
	return dir, err
}
