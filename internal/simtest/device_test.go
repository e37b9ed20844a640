package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// device plays one device: it comes and goes, is offered configurations and
// does with them as its style and its character have it. Two may play the
// same identity.
type device struct {
	w     *world
	id    *identity
	who   string
	rng   *rand.Rand
	from  net.IP
	style style
	char  character
	twin  bool // not the first to play this identity
	dials int

	applied string // configuration in force

	// Guarded by model.mu.
	online time.Time // since when it is signed in on nc, which is sound; zero: it is not
	nc     *conn
}

// character is how a device departs from what is expected of it: each field
// is the chance that it does.
type character struct {
	saint   bool    // it does not depart at all
	polls   bool    // asks now and then
	liar    float64 // says what is not so
	mute    float64 // does not answer an offer
	lazy    float64 // does not fetch
	late    float64 // fetches when its link has expired
	fails   float64 // says that it failed
	deaf    float64 // stops reading for a while
	drops   float64 // ends a connection other than by DISCONNECT
	asks    float64 // asks when it has connected
	shouts  float64 // talks too much
	online  time.Duration
	offline time.Duration
}

func (w *world) device(id *identity, n int) *device {
	who := id.tag
	if n > 0 {
		who = fmt.Sprintf("%s'%d", id.tag, n)
	}
	rng := w.rand(who)
	d := &device{w: w, id: id, who: who, rng: rng, from: w.address(), twin: n > 0}
	d.style = styles[rng.IntN(len(styles))]
	d.char = w.plan.character(rng)
	return d
}

// live lives until the run is over.
func (d *device) live() {
	for tries := 0; ; {
		if !d.rest(tries) {
			return
		}
		good := d.connect()
		if tries++; good {
			tries = 0
		}
	}
}

// rest pauses between two connections.
func (d *device) rest(tries int) bool {
	if d.calm() {
		if d.twin || d.gone() {
			return false
		}
		return pause(d.w.over, d.between(time.Second, 20*time.Second))
	}
	if tries > 8 && d.gone() {
		return false
	}
	mean := d.char.offline
	if d.rng.IntN(4) == 0 {
		mean = 10 * time.Second // back at once
	}
	if tries > 0 {
		mean = min(time.Second<<min(tries, 20), 2*time.Hour)
	}
	rest := min(time.Duration(d.rng.ExpFloat64()*float64(mean)), time.Until(d.w.calmAt)+d.between(0, 20*time.Second))
	return pause(d.w.over, rest+d.between(0, time.Millisecond))
}

func (d *device) calm() bool { return !time.Now().Before(d.w.calmAt) }

// gone reports whether the device is not registered any more.
func (d *device) gone() bool {
	d.w.model.mu.Lock()
	defer d.w.model.mu.Unlock()
	return d.id.removed
}

// between is a duration in a range.
func (d *device) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.rng.Int64N(int64(most-least)))
}

// chance reports true so often, but never when the faults have stopped.
func (d *device) chance(p float64) bool { return d.rng.Float64() < p && !d.calm() }

// connect lives through one connection, and says whether the device was let
// in.
func (d *device) connect() (in bool) {
	p := d.w.plan.path(d.rng)
	if d.calm() {
		p = goodPath
	}
	d.dials++
	ctx, cancel := context.WithTimeout(d.w.over, 30*time.Second)
	defer cancel()
	nc, err := d.w.net.dial(ctx, "mqtt", d.id.tag, fmt.Sprintf("%s#%d", d.who, d.dials), d.from, p)
	if err != nil {
		return false
	}
	s := &session{
		device: d, wire: nc, words: make(map[uint16]*word), report: make(map[string]*word), asked: make(map[string][]time.Time),
		began: time.Now(),
	}
	defer d.setOnline(time.Time{})
	defer nc.Close()
	return s.run()
}

func (d *device) setOnline(since time.Time) {
	d.w.model.mu.Lock()
	defer d.w.model.mu.Unlock()
	d.online = since
}
