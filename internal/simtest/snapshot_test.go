package simtest

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// snapshot is all that the API says of a product.
type snapshot struct {
	product  client.Product
	config   client.Config
	versions []cota.Version
	pushes   []cota.Push
	devices  []cota.Device
}

func (p *product) read(ctx context.Context, api *client.Client, devices bool) (s *snapshot, err error) {
	s = new(snapshot)
	if s.product, err = api.Product(ctx, p.key); err != nil {
		return nil, err
	}
	if s.config, err = api.Config(ctx, p.key); err != nil {
		return nil, err
	}
	for v, err := range api.Versions(ctx, p.key) {
		if err != nil {
			return nil, err
		}
		s.versions = append(s.versions, v)
	}
	for x, err := range api.Pushes(ctx, client.PushFilter{Product: p.key}) {
		if err != nil {
			return nil, err
		}
		s.pushes = append(s.pushes, x)
	}
	if !devices {
		return s, nil
	}
	for d, err := range api.Devices(ctx, p.key, client.DeviceFilter{}) {
		if err != nil {
			return nil, err
		}
		s.devices = append(s.devices, d)
	}
	return s, nil
}

// compare holds what the API says of a product's configuration against what
// its editor was answered: every answered change is there, and of one that was
// not, all or nothing. m.mu is held.
func (m *model) compare(p *product, s *snapshot) {
	d := p.doing
	if d == nil {
		d = new(doing)
	}
	m.compareVersions(p, d, s)
	m.comparePushes(p, d, s)
	if on := s.config.Enabled; on != p.enabled && (d.enabled == nil || on != *d.enabled) {
		m.breach("%s: the switch is %t; the last answer was %t", p.tag, on, p.enabled)
	}
	if is := s.config.Policy; is != p.policy && (d.policy == nil || is != *d.policy) {
		m.breach("%s: the policy is %+v; the last answer was %+v", p.tag, is, p.policy)
	}
}

func (m *model) compareVersions(p *product, d *doing, s *snapshot) {
	current := int64(0)
	if s.config.Current != nil {
		current = s.config.Current.Number
	}
	if current < p.current || current > p.current+int64(d.saves) {
		m.breach("%s: version %d is current; the last answer was %d", p.tag, current, p.current)
	}
	if s.product.Current != current {
		m.breach("%s: version %d is current, and version %d", p.tag, current, s.product.Current)
	}
	listed := make(map[int64]bool)
	for _, v := range s.versions {
		m.addVersion(p, v)
		listed[v.Number] = true
		if v.Number > current || v.Number < 1 {
			m.breach("%s: version %d is kept beyond the current %d", p.tag, v.Number, current)
		}
	}
	for n := max(p.pruned, current-p.policy.History, 1); n <= current; n++ {
		if !listed[n] {
			m.breach("%s: version %d of %d is gone; the history keeps %d", p.tag, n, current, p.policy.History)
		}
	}
}

func (m *model) comparePushes(p *product, d *doing, s *snapshot) {
	listed, of, running := make(map[int64]bool), make(map[int64]int64), 0
	for _, x := range s.pushes {
		listed[x.No] = true
		if of[x.Version] != 0 {
			m.breach("%s: version %d was pushed by %d and by %d", p.tag, x.Version, of[x.Version], x.No)
		}
		of[x.Version] = x.No
		if x.State == cota.Running {
			running++
		}
		if p.pushes[x.No] == nil {
			if !d.pushes {
				m.breach("%s: nobody has started push %d", p.tag, x.No)
			}
			m.addPush(p, x)
			p.pushes[x.No].unanswered = true
		}
		m.comparePush(p, x)
	}
	for no := range p.pushes {
		if !listed[no] {
			m.breach("%s: push %d is gone", p.tag, no)
		}
	}
	if running > 1 {
		m.breach("%s: %d pushes run at once", p.tag, running)
	}
	is := s.product.Push
	if is != p.running && !(d.pushes && is != 0 && p.pushes[is].unanswered) && !(d.halts && is == 0) {
		m.breach("%s: its devices converge to push %d; they should to %d", p.tag, is, p.running)
	}
	m.coolDowns(p)
}

// addPush enters a push. m.mu is held.
func (m *model) addPush(p *product, x cota.Push) {
	if p.pushes[x.No] == nil {
		p.pushes[x.No] = &push{no: x.No, version: x.Version, startedAt: x.StartedAt, cooldown: p.policy.Cooldown(), state: x.State}
	}
}

func (m *model) comparePush(p *product, x cota.Push) {
	was := p.pushes[x.No]
	if was.version != x.Version || was.startedAt.UnixMilli() != x.StartedAt.UnixMilli() {
		m.breach("%s: push %d was of version %d at %s and is of %d at %s",
			p.tag, x.No, was.version, m.time(was.startedAt), x.Version, m.time(x.StartedAt))
	}
	if was.state != x.State && was.state != cota.Running {
		m.breach("%s: push %d was %s and is %s", p.tag, x.No, was.state, x.State)
	}
	if was.stopped && x.State != cota.Stopped {
		m.breach("%s: push %d was stopped and is %s", p.tag, x.No, x.State)
	}
	was.state = x.State
	c := x.Counts
	if c.Pending+c.Sent+c.Received+c.Fetched+c.Failed+c.Applied != c.Total {
		m.breach("%s: push %d counts %+v, which does not add up", p.tag, x.No, c)
	}
	if min(c.Pending, c.Sent, c.Received, c.Fetched, c.Failed, c.Applied) < 0 {
		m.breach("%s: push %d counts %+v, less than nothing", p.tag, x.No, c)
	}
}

// coolDowns sees to it that no push began within the cool-down after the last
// one before it that had told any device anything.
func (m *model) coolDowns(p *product) {
	for _, next := range p.pushes {
		last := m.lastTold(p, next)
		if last == nil {
			continue
		}
		// Without a cool-down the last push may even lie in the future, after a
		// clock that was set back.
		if gap := next.startedAt.Sub(last.startedAt); next.cooldown > 0 && gap.Round(time.Millisecond) < next.cooldown {
			m.breach("%s: push %d began %s after push %d, which devices had heard of; the cool-down is %s",
				p.tag, next.no, gap, last.no, next.cooldown)
		}
	}
}

// lastTold is the last push before next of which a device had heard when next
// began; nil if there was none. It is last by its number: one before it may
// bear a later time, since before the clock was set back. An operator who
// starts a push without a cool-down gets around that for good.
func (m *model) lastTold(p *product, next *push) (last *push) {
	for _, x := range p.pushes {
		heard := p.heard[x.no]
		if x.no >= next.no || heard.IsZero() || m.onRecord(heard).After(next.startedAt) {
			continue
		}
		if last == nil || x.no > last.no {
			last = x
		}
	}
	return last
}

// adopt enters what the API says after a request of the editor that was not
// answered. m.mu is held.
func (m *model) adopt(p *product, s *snapshot) {
	now := time.Now()
	if s.config.Current != nil {
		m.setCurrent(p, s.config.Current.Number, now)
	}
	m.setRunning(p, s.product.Push, now)
	m.setEnabled(p, s.config.Enabled, now)
	if p.doing.policy != nil {
		m.setPolicy(p, s.config.Policy, now)
	}
	p.doing = nil
}

// setCurrent notes that by an answer written then, this version is current.
func (m *model) setCurrent(p *product, number int64, answered time.Time) {
	if p.saved.IsZero() {
		p.saved = answered
	}
	if number > p.current {
		p.current = number
		p.pruned = max(p.pruned, number-p.policy.History)
	}
}

// setRunning notes that by an answer written then, devices converge to this
// push. m.mu is held.
func (m *model) setRunning(p *product, no int64, answered time.Time) {
	if p.running == no {
		return
	}
	if was := p.pushes[p.running]; was != nil {
		was.over = answered
	}
	p.running = no
	if is := p.pushes[no]; is != nil {
		is.unanswered = false
	}
}

func (m *model) setEnabled(p *product, on bool, answered time.Time) {
	p.enabled = on
	if on {
		p.off.end(answered)
		p.maybeOff.end(answered)
	} else {
		p.maybeOff.begin(answered)
		p.off.begin(answered)
	}
}

// setPolicy notes that this policy holds, by an answer written then.
func (m *model) setPolicy(p *product, policy cota.Policy, answered time.Time) {
	last := &p.links[len(p.links)-1]
	if last.answered.IsZero() && len(p.links) > 1 {
		if policy.LinkSeconds != last.seconds {
			p.links = p.links[:len(p.links)-1]
		} else {
			last.answered = answered
		}
	}
	p.policy = policy
}
