package simtest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// audit reads everything that the API says, at one instant, and compares it
// with the books.
func (w *world) audit(why string) {
	w.trace.add("AUDIT", "%s", why)
	w.compareConns()
	log, err := w.auditLog(why)
	if err != nil {
		w.unanswered(err)
		return
	}
	for _, p := range w.model.products {
		s, err := p.read(w.over, w.auditor, true)
		if err != nil {
			w.unanswered(err)
			return
		}
		w.model.mu.Lock()
		w.model.compare(p, s)
		w.model.compareLog(p, s, log)
		w.model.prove(p)
		w.model.compareDevices(p, s)
		w.model.recount(p, s)
		w.model.recountOver(p, s)
		w.model.mu.Unlock()
	}
}

// deadConn is how long the server may hold a connection of which the far end
// has gone: one and a half times the longest keep-alive, and a little.
const deadConn = 1200*time.Second*3/2 + time.Minute

func (w *world) compareConns() {
	for _, c := range w.net.held() {
		if gone := c.peer.closedSince(); !gone.IsZero() && time.Since(gone) > deadConn {
			w.model.fail("the server holds a connection of %s that is gone since %s", c.who, clock(gone.Sub(w.trace.begun)))
		}
	}
}

func (w *world) unanswered(err error) {
	if w.over.Err() == nil {
		w.model.fail("the server does not answer: %v", err)
	}
}

// nowAndThen is an audit that does not read the audit log, which is long.
const nowAndThen = "now and then"

// auditLog counts the lines of the audit log by action and target; nil if this
// is not the time.
func (w *world) auditLog(why string) (map[[2]string]int64, error) {
	if why == nowAndThen {
		return nil, nil
	}
	lines := make(map[[2]string]int64)
	for l, err := range w.auditor.Audit(w.over, client.AuditFilter{}) {
		if err != nil {
			return nil, err
		}
		lines[[2]string{l.Action, l.Target}]++
	}
	return lines, nil
}

// compareLog sees to it that every version and every push has its line in the
// audit log, and that there is none without: a change is there with its line,
// or neither is.
func (m *model) compareLog(p *product, s *snapshot, log map[[2]string]int64) {
	if log == nil {
		return
	}
	if n := log[[2]string{"config.save", p.key}]; n != s.product.Current {
		m.breach("%s: the audit log has %d saves; version %d is current", p.tag, n, s.product.Current)
	}
	if n := log[[2]string{"push.start", p.key}]; n != int64(len(s.pushes)) {
		m.breach("%s: the audit log has %d pushes begun; there are %d", p.tag, n, len(s.pushes))
	}
}

// at is the count of those that stand on a rung.
func at(c *cota.Counts, r cota.Rung) *int64 {
	return map[cota.Rung]*int64{
		cota.Pending: &c.Pending, cota.Sent: &c.Sent, cota.Received: &c.Received,
		cota.Fetched: &c.Fetched, cota.Failed: &c.Failed, cota.Applied: &c.Applied,
	}[r]
}

// recountOver holds the counts of pushes that are over against the devices
// that still stand in them: nobody tells what the others did.
func (m *model) recountOver(p *product, s *snapshot) {
	stand := make(map[int64]*cota.Counts)
	for _, x := range s.pushes {
		stand[x.No] = new(cota.Counts)
	}
	for _, d := range s.devices {
		if c := stand[d.Push]; c != nil {
			*at(c, d.State)++
		}
	}
	for _, x := range s.pushes {
		for r := cota.Sent; r <= cota.Applied; r++ {
			if n := *at(stand[x.No], r); *at(&x.Counts, r) < n {
				m.breach("%s: push %d counts %+v; %d devices that are %s stand there", p.tag, x.No, x.Counts, n, r)
			}
		}
	}
}

// recount holds the counts of the push that devices converge to against its
// devices.
func (m *model) recount(p *product, s *snapshot) {
	var c cota.Counts
	i := slices.IndexFunc(s.pushes, func(x cota.Push) bool { return x.No == s.product.Push })
	if i < 0 {
		return
	}
	x := s.pushes[i]
	for _, d := range s.devices {
		c.Total++
		if d.Push != x.No {
			d.State = cota.Pending
		}
		*at(&c, d.State)++
	}
	if c != x.Counts {
		m.breach("%s: push %d counts %+v; its devices are %+v", p.tag, x.No, x.Counts, c)
	}
	done := c.Applied+c.Failed == c.Total && c.Total > 0
	if x.State == cota.Running && done {
		m.breach("%s: push %d runs though %d of %d devices have reached an end", p.tag, x.No, c.Total, c.Total)
	}
}

// compareDevices holds what the API says of devices against what they said and
// saw.
func (m *model) compareDevices(p *product, s *snapshot) {
	listed := make(map[string]bool)
	for _, d := range s.devices {
		listed[d.Name] = true
		id := p.ids[d.Name]
		switch {
		case id != nil:
			m.compareDevice(id, d)
		case !p.adding[d.Name]:
			m.breach("%s: nobody has added device %s, or it was removed", p.tag, d.Name)
		}
	}
	for name, id := range p.ids {
		if !listed[name] && !id.unsure {
			m.breach("%s is gone", id)
		}
	}
	if n := int64(len(s.devices)); s.product.Devices != n {
		m.breach("%s: %d devices are counted, and %d are there", p.tag, s.product.Devices, n)
	}
}

func (m *model) compareDevice(id *identity, d cota.Device) {
	if d.Disabled != id.shut.open() && d.Disabled != id.maybeShut.open() {
		m.breach("%s: disabled is %t", id, d.Disabled)
	}
	m.compareRung(id, d)
	m.comparePresence(id, d)
}

// compareRung sees to it that a device only climbs, no higher than it said or
// did, and not below what was acknowledged.
func (m *model) compareRung(id *identity, d cota.Device) {
	x := id.p.pushes[d.Push]
	if d.Push != 0 && x == nil {
		m.breach("%s stands in push %d, which is not one of its product", id, d.Push)
		return
	}
	was := id.rungs[d.Push]
	if d.State < was && !(id.saidBack && was == cota.Applied && d.State == cota.Failed) {
		m.breach("%s fell from %s to %s in push %d", id, was, d.State, d.Push)
	}
	id.rungs[d.Push] = d.State
	if f := id.floors[d.Push]; d.State < f.rung && !(id.saidBack && d.State == cota.Failed) {
		m.breach("%s is %s in push %d; %s", id, d.State, d.Push, f.why)
	}
	newest := int64(0)
	for no := range id.floors {
		newest = max(newest, no)
	}
	if d.State != cota.Pending && d.Push < newest {
		m.breach("%s stands in push %d; of push %d it was acknowledged", id, d.Push, newest)
	}
	ok := true
	switch d.State {
	case cota.Pending:
	case cota.Sent:
		ok = id.signedIn || id.online()
	case cota.Received:
		ok = id.saidGot
	case cota.Fetched:
		v := id.p.versions[x.version]
		ok = v != nil && id.mayHave(v.configID)
	case cota.Failed:
		ok = id.saidFailed
	case cota.Applied:
		v := id.p.versions[x.version]
		ok = id.saidApplied[""] || v != nil && id.saidApplied[v.configID]
	}
	if !ok {
		m.breach("%s is %s in push %d, which it never did nor said", id, d.State, d.Push)
	}
}

// online reports whether somebody plays the device and may be signed in.
func (id *identity) online() bool {
	return slices.ContainsFunc(id.players, func(d *device) bool { return d.dials > 0 })
}

// unsettled is how long it may take until it is on record that a connection
// has begun or ended.
const unsettled = 5 * time.Second

func (m *model) comparePresence(id *identity, d cota.Device) {
	if len(id.players) == 0 {
		return
	}
	net, now, conns := id.players[0].w.net, time.Now(), 0
	for _, player := range id.players {
		on := player.online
		if on.IsZero() || now.Sub(on) <= unsettled || !net.holds(player.nc) {
			continue
		}
		if conns++; conns > 1 {
			m.breach("%s has %d connections, one since %s", id, conns, m.time(on))
		}
		if !d.Online {
			m.breach("%s is connected since %s and shown as offline", id, m.time(on))
		}
	}
	if held, since := net.serves(id.tag); !held && now.Sub(since) > unsettled && d.Online {
		m.breach("%s is shown as online; its connection was closed at %s", id, m.time(since))
	}
}

// converged sees to it that every connected device of an enabled product has
// what it is owed.
func (w *world) converged() {
	m := w.model
	for _, p := range m.products {
		s, err := p.read(w.over, w.auditor, true)
		if err != nil {
			m.fail("the server does not answer: %v", err)
			return
		}
		if !s.config.Enabled || s.product.Push == 0 {
			continue
		}
		m.mu.Lock()
		for _, d := range s.devices {
			if id := p.ids[d.Name]; id != nil && !d.Disabled {
				m.has(id, d, p.pushes[s.product.Push])
			}
		}
		m.mu.Unlock()
	}
}

// has sees to it that a device was offered what a push delivers, or something
// newer, and that one that does as it is told has applied it.
func (m *model) has(id *identity, d cota.Device, x *push) {
	player := id.players[0]
	if player.online.IsZero() {
		m.breach("%s has not been let in for %s", id, settle)
		return
	}
	best := int64(0)
	for _, o := range id.offers {
		if v := id.p.byConfig[o.configID]; v != nil {
			best = max(best, v.number)
		}
	}
	switch {
	case id.unheard && id.p.current > x.version:
		// What is current may be on record as offered in an answer that was
		// lost; it is offered nothing older then.
	case best < x.version:
		m.breach("%s is connected since %s and was not offered version %d; the newest was %d", id, m.time(player.online), x.version, best)
	case best > x.version, len(id.players) > 1:
	case player.style.fetches && d.State < cota.Fetched:
		m.breach("%s was offered version %d and is %s in push %d", id, x.version, d.State, x.no)
	}
}

func pick(rng *rand.Rand, names []string) string {
	slices.Sort(names)
	return names[rng.IntN(len(names))]
}
