package simtest

import (
	"time"

	"github.com/cotahq/cota"
)

// identity is what is known of a registered device, whoever plays it.
type identity struct {
	p    *product
	name string
	tag  string

	secret string
	stale  []staleSecret

	shut      spans // it is disabled or removed
	maybeShut spans // it may be refused
	removed   bool
	unsure    bool // whether it is there is not known

	offers []*offer
	rungs  map[int64]cota.Rung // where it was seen to stand, by push
	floors map[int64]floor     // where it must stand at least, by push
	moves  []transfer          // downloads
	runs   string              // the configuration of its last report that was acknowledged
	spoke  time.Time           // when it last said anything that may change runs

	// What it has ever said. A device that lies has said it all the same.
	saidApplied map[string]bool // by configuration; "": the one offered last
	saidFailed  bool
	saidBack    bool // reverted
	saidGot     bool
	signedIn    bool
	unheard     bool // it asked, and was gone before it had the answer

	players []*device
}

type floor struct {
	rung cota.Rung
	why  string
}

type staleSecret struct {
	secret string
	since  time.Time
}

func newIdentity(p *product, name, secret string) *identity {
	return &identity{
		p: p, name: name, tag: p.tag + "/" + name, secret: secret,
		rungs: make(map[int64]cota.Rung), floors: make(map[int64]floor), saidApplied: make(map[string]bool),
	}
}

func (id *identity) String() string { return id.tag }

// word is what a device says of a configuration.
type word struct {
	rung     cota.Rung // Received, Applied or Failed
	reverted bool
	configID string // "" for the one that the server offered last
	push     int64  // that was current when it was said
	counts   bool   // it names what push delivers
}

// says notes that a device is about to say something.
func (m *model) says(id *identity, w *word) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := id.p.byConfig[w.configID]; v != nil {
		if x := id.p.pushes[id.p.running]; x != nil && x.version == v.number {
			w.push, w.counts = x.no, true
		}
	}
	switch {
	case w.reverted:
		id.saidBack, id.saidFailed = true, true
	case w.rung == cota.Applied:
		id.saidApplied[w.configID] = true
	case w.rung == cota.Failed:
		id.saidFailed = true
	case w.rung == cota.Received:
		id.saidGot = true
	}
	if w.rung != cota.Received {
		id.spoke = time.Now()
		id.runs = ""
	}
}

// awaits notes that a device waits for what it said to be acknowledged.
func (m *model) awaits(w *word) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.counts {
		m.waiting[w] = time.Now()
	}
}

// awaited reports whether a device waits for an acknowledgement that may still
// come.
func (m *model) awaited() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for w, since := range m.waiting {
		if time.Since(since) > 10*time.Second {
			delete(m.waiting, w)
		}
	}
	return len(m.waiting) > 0
}

// acknowledged notes that the server acknowledged what a device had said: it
// is on record now.
func (m *model) acknowledged(id *identity, w *word) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waiting, w)
	if w.counts && !w.reverted && w.rung > id.floors[w.push].rung {
		id.floors[w.push] = floor{w.rung, "at " + m.time(time.Now()) + " it was acknowledged to be " + w.rung.String()}
	}
}

// fetch is a download as the device saw it.
type fetch struct {
	offer    *offer
	asked    time.Time // when the request was written
	answered time.Time // when the answer was
	status   int
	whole    bool   // the file to its end
	sha      string // of the file, if whole
}

// transfer is a connection on which a device asks for what it lacks of a
// file.
type transfer struct {
	configID string
	nc       *conn
	lacks    int
}

// transfers notes that a device is about to download on a connection.
func (m *model) transfers(o *offer, nc *conn, lacks int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o.to.moves = append(o.to.moves, transfer{o.configID, nc, lacks})
}

// mayHave reports whether the server has ever sent the device all of a file.
// What the header takes is counted too, so it errs on the side of yes.
func (id *identity) mayHave(configID string) bool {
	for _, t := range id.moves {
		if t.configID == configID && t.nc.peer.written() > t.lacks {
			return true
		}
	}
	return false
}

// fetched judges a download.
func (m *model) fetched(f *fetch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := f.offer
	id, p := o.to, o.to.p
	least, most := p.linkLives(o.sent)
	served := f.status == 200 || f.status == 206
	switch {
	case served && !f.asked.Before(o.sent.Add(most)):
		m.breach("%s was served at %s by a link of %s that lived until %s", id, m.time(f.answered), m.time(o.sent), m.time(o.sent.Add(most)))
	case served && p.off.throughout(f.asked, f.answered):
		m.breach("%s was served at %s while %s was switched off", id, m.time(f.answered), p.tag)
	case f.status >= 500:
		m.breach("%s was answered %d by a link", id, f.status)
	case !served && f.answered.Before(o.sent.Add(least-stalled).Truncate(time.Second)) && !p.maybeOff.touch(o.sent, f.answered) &&
		!m.leapt(o.sent, f.answered): // the version may have been kept for as long as it seemed to be needed
		m.breach("%s was answered %d at %s by a link of %s", id, f.status, m.time(f.answered), m.time(o.sent))
	case f.whole && f.sha != o.sha:
		m.breach("%s was served another file than it was offered", id)
	}
}
