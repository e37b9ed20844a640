package simtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/cotahq/cota"
)

// model is the books that the simulation keeps of a server: what operators
// were answered and what devices saw. All of it is guarded by mu, which is
// never held while anything is waited for.
//
// When something was sent is known exactly: the network knows when the server
// wrote it. So "after the answer" means after the server wrote the answer, not
// after the operator read it.
type model struct {
	trace *trace

	mu       sync.Mutex
	products []*product
	links    map[string]*identity // whose link it is
	waiting  map[*word]time.Time  // for an acknowledgement
	steps    []step               // of the server's clock
	broken   []string             // promises
	stop     func()               // ends the run
}

func newModel(t *trace, stop func()) *model {
	return &model{trace: t, links: make(map[string]*identity), waiting: make(map[*word]time.Time), stop: stop}
}

// breach notes that the server broke a promise, and ends the run. m.mu is
// held.
func (m *model) breach(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	m.trace.add("MODEL", "%s", text)
	if len(m.broken) < 20 {
		m.broken = append(m.broken, text)
	}
	m.stop()
}

// fail is breach for callers that do not hold m.mu.
func (m *model) fail(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.breach(format, args...)
}

func (m *model) failures() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.broken...)
}

// span is a time; it has not ended when to is zero.
type span struct{ from, to time.Time }

// spans are times in which something holds.
type spans []span

func (s *spans) begin(at time.Time) {
	if !s.open() {
		*s = append(*s, span{from: at})
	}
}

func (s *spans) end(at time.Time) {
	if s.open() {
		(*s)[len(*s)-1].to = at
	}
}

func (s spans) open() bool { return len(s) > 0 && s[len(s)-1].to.IsZero() }

// during reports whether it held at that moment, its own begin and end
// excluded.
func (s spans) during(at time.Time) bool {
	for _, x := range s {
		if at.After(x.from) && (x.to.IsZero() || at.Before(x.to)) {
			return true
		}
	}
	return false
}

// throughout reports whether it held from one moment to another.
func (s spans) throughout(from, to time.Time) bool {
	for _, x := range s {
		if from.After(x.from) && (x.to.IsZero() || to.Before(x.to)) {
			return true
		}
	}
	return false
}

// touch reports whether it held at any time between two moments.
func (s spans) touch(from, to time.Time) bool {
	for _, x := range s {
		if !to.Before(x.from) && (x.to.IsZero() || !from.After(x.to)) {
			return true
		}
	}
	return false
}

// product is what is known of one product. Its configuration has one editor,
// so everything is known but what the editor's last request has done, as long
// as it is not answered (doing).
type product struct {
	key, name string
	tag       string // short name

	enabled bool
	policy  cota.Policy
	current int64
	saved   time.Time // the answer to the first save; zero: nothing is saved
	running int64     // the push that the devices converge to
	doing   *doing

	versions map[int64]*version
	byConfig map[string]*version
	tried    map[string]bool // digests of the texts that were sent to be saved
	pushes   map[int64]*push
	pruned   int64 // versions below may have been dropped

	off      spans // nothing may be sent, and nothing fetched
	maybeOff spans // devices may be refused
	links    []linkLife
	ids      map[string]*identity // devices, by name
	adding   map[string]bool      // names in a request that is not answered
	unproved []*offer             // not yet compared with what the server has on record
	heard    map[int64]time.Time  // when a device was first sent a push
}

func newProduct(key, name, tag string) *product {
	return &product{
		key: key, name: name, tag: tag, policy: cota.DefaultPolicy(),
		versions: make(map[int64]*version), byConfig: make(map[string]*version), tried: make(map[string]bool),
		pushes: make(map[int64]*push), ids: make(map[string]*identity), adding: make(map[string]bool), heard: make(map[int64]time.Time),
		links: []linkLife{{seconds: cota.DefaultPolicy().LinkSeconds}},
		off:   spans{{from: time.Now()}}, maybeOff: spans{{from: time.Now()}},
	}
}

type version struct {
	number   int64
	configID string
	sha      string
	size     int64
}

type push struct {
	no, version int64
	startedAt   time.Time
	cooldown    time.Duration // that held when it started
	over        time.Time     // the answer to what ended it; zero: it may still be sent
	state       cota.PushState
	stopped     bool // an operator was answered so
	unanswered  bool // it is on record, but nobody was answered that it began
}

// doing is a request of the editor that is not answered.
type doing struct {
	what    string
	saves   int  // how many versions it may add
	pushes  bool // it may start a push
	halts   bool // it may end the running one
	enabled *bool
	policy  *cota.Policy
}

// linkLife is how long links live that are made from one policy to the next.
// A change that was asked for and not yet answered may hold already.
type linkLife struct {
	seconds         int64
	asked, answered time.Time
}

// endTogether reports whether links made at two moments may end in the same
// second, and so be the same: they were made in one, or how long links live was
// changed in between.
func (p *product) endTogether(a, b time.Time) bool {
	const near = time.Second + stalled
	leastA, mostA := p.linkLives(a)
	leastB, mostB := p.linkLives(b)
	return a.Add(leastA).Before(b.Add(mostB+near)) && b.Add(leastB).Before(a.Add(mostA+near))
}

// linkLives are the shortest and the longest life that a link made at that
// moment may have.
func (p *product) linkLives(at time.Time) (least, most time.Duration) {
	for i := len(p.links) - 1; i >= 0; i-- {
		l := p.links[i]
		if l.asked.After(at) {
			continue
		}
		life := time.Duration(l.seconds) * time.Second
		if most == 0 || life > most {
			most = life
		}
		if least == 0 || life < least {
			least = life
		}
		if !l.answered.IsZero() && !l.answered.After(at) {
			break // nothing older can hold
		}
	}
	return least, most
}

// add adds a version that the server has answered with. m.mu is held.
func (m *model) addVersion(p *product, v cota.Version) {
	if was := p.versions[v.Number]; was != nil {
		if was.configID != v.ConfigID || was.sha != v.SHA256 {
			m.breach("%s: version %d was %.8s %.8s and is %.8s %.8s", p.tag, v.Number, was.configID, was.sha, v.ConfigID, v.SHA256)
		}
		return
	}
	if !p.tried[v.SHA256] {
		m.breach("%s: version %d is a text that nobody sent", p.tag, v.Number)
	}
	got := &version{v.Number, v.ConfigID, v.SHA256, v.Size}
	p.versions[v.Number], p.byConfig[v.ConfigID] = got, got
}

// stalled is how long a message may wait in the server for a device that does
// not read: a link is that much older than the message that brings it.
const stalled = 10 * time.Second

// offer is a configuration that a device was offered.
type offer struct {
	to       *identity
	sent     time.Time
	push     int64 // as the message says; 0: answer to a get
	configID string
	sha      string
	size     int64
	url      string
}

// offered notes an offer that has reached a device.
func (m *model) offered(o *offer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, p := o.to, o.to.p
	switch {
	case p.off.during(o.sent):
		m.breach("%s was sent %s at %s while %s was switched off", id, o, m.time(o.sent), p.tag)
	case id.shut.during(o.sent):
		m.breach("%s was sent %s at %s after it was shut out", id, o, m.time(o.sent))
	}
	if o.push != 0 {
		if x := p.pushes[o.push]; x != nil && !x.over.IsZero() && o.sent.After(x.over) {
			m.breach("%s was sent push %d at %s, which was over since %s", id, o.push, m.time(o.sent), m.time(x.over))
		}
		if at := p.heard[o.push]; at.IsZero() || o.sent.Before(at) {
			p.heard[o.push] = o.sent
		}
	}
	if owner := m.links[o.url]; owner != nil && owner != id {
		m.breach("%s was sent the link of %s", id, owner)
	}
	m.links[o.url] = id
	for _, was := range id.offers {
		if was.url == o.url && !p.endTogether(was.sent, o.sent) {
			m.breach("%s was sent a link at %s that it had at %s", id, m.time(o.sent), m.time(was.sent))
		}
	}
	id.offers = append(id.offers, o)
	p.unproved = append(p.unproved, o)
	m.ordered(o)
}

// ordered sees to it that no device is offered an older version than before.
// m.mu is held.
func (m *model) ordered(o *offer) {
	p := o.to.p
	v := p.byConfig[o.configID]
	if v == nil {
		return // prove will see
	}
	for _, was := range o.to.offers {
		w := p.byConfig[was.configID]
		if w == nil {
			continue
		}
		if was.sent.Before(o.sent) && w.number > v.number || was.sent.After(o.sent) && w.number < v.number {
			m.breach("%s was sent version %d at %s and version %d at %s", o.to, w.number, m.time(was.sent), v.number, m.time(o.sent))
			return
		}
	}
}

// prove compares what devices were offered with what is on record. All
// versions and pushes of the server have just been entered. m.mu is held.
func (m *model) prove(p *product) {
	for _, o := range p.unproved {
		v := p.byConfig[o.configID]
		switch {
		case v == nil && p.tried[o.sha]:
			continue // dropped from the history since; a save that was not answered
		case v == nil:
			m.breach("%s was sent %s, which is no version of %s", o.to, o, p.tag)
			continue
		case v.sha != o.sha || v.size != o.size:
			m.breach("%s was sent version %d with another digest or size", o.to, v.number)
		}
		m.ordered(o)
		if o.push == 0 {
			continue
		}
		if x := p.pushes[o.push]; x == nil {
			m.breach("%s was sent push %d of %s, which is not on record", o.to, o.push, p.tag)
		} else if x.version != v.number {
			m.breach("%s was sent version %d by push %d, which is of version %d", o.to, v.number, o.push, x.version)
		}
	}
	p.unproved = nil
}

func (o *offer) String() string {
	if o.push == 0 {
		return fmt.Sprintf("text %.8s", o.sha)
	}
	return fmt.Sprintf("text %.8s by push %d", o.sha, o.push)
}

func (m *model) time(at time.Time) string { return clock(at.Sub(m.trace.begun)) }

// textOf names a configuration by its text, since its id is chance.
func (m *model) textOf(p *product, configID string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := p.byConfig[configID]; v != nil {
		return fmt.Sprintf("version %d", v.number)
	}
	return "an unknown version"
}
