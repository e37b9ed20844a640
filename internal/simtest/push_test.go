package simtest

import (
	"fmt"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (e *editor) push(asked int64) {
	var x cota.Push
	err, ok := e.do(&doing{what: fmt.Sprintf("push %d", asked), pushes: true}, func() (err error) {
		x, err = e.api.StartPush(e.ctx, e.p.key, asked)
		return err
	})
	if ok {
		e.pushed(x, err, asked, e.mail.sent)
	}
}

// pushed judges the answer to a push.
func (e *editor) pushed(x cota.Push, err error, asked int64, sent time.Time) {
	p, m := e.p, e.w.model
	m.mu.Lock()
	defer m.mu.Unlock()
	before := int64(0) // the push of the current version
	for _, was := range p.pushes {
		if was.version == p.current && was.no != x.No {
			before = was.no
		}
	}
	ok := false
	switch cota.CodeOf(err) {
	case "":
		if ok = p.enabled && x.Version == p.current && (asked == 0 || asked == x.Version) && before == 0; ok {
			m.addPush(p, x)
			m.setRunning(p, x.No, sent)
			m.coolDowns(p)
		}
	case cota.Disabled:
		ok = !p.enabled
	case cota.NoConfig:
		ok = p.current == 0
	case cota.NotCurrent:
		ok = asked != 0 && asked != p.current
	case cota.AlreadyPushed:
		ok = before != 0
	case cota.Cooldown:
		ok = m.cooling(p, err, sent)
	}
	if !ok {
		m.breach("%s: push of version %d was answered %q (%v); current %d, push %d, enabled %t, pushed before by %d",
			p.tag, x.Version, cota.CodeOf(err), err, p.current, p.running, p.enabled, before)
	}
}

// cooling reports whether a refusal names the end of a cool-down that there
// is. m.mu is held.
func (m *model) cooling(p *product, err error, sent time.Time) bool {
	until := err.(*cota.Error).Until
	if !sent.Before(until) {
		return false
	}
	for _, x := range p.pushes {
		if x.startedAt.Add(p.policy.Cooldown()).UnixMilli() == until.UnixMilli() {
			return true
		}
	}
	return false
}

func (e *editor) pushAfterCooldown() {
	c, err := e.api.Config(e.ctx, e.p.key)
	if err != nil {
		return
	}
	if c.NextPushAt != nil && !pause(e.ctx, time.Until(*c.NextPushAt)+time.Duration(e.rng.IntN(1e6))) {
		return
	}
	e.push(0)
}

func (e *editor) stop() {
	p := e.p
	no := p.running
	if no == 0 || e.rng.IntN(5) == 0 {
		if len(p.pushes) == 0 {
			return
		}
		no = 1 + e.rng.Int64N(int64(e.w.model.lastPush(p)))
	}
	if p.pushes[no] == nil {
		return
	}
	var x cota.Push
	err, ok := e.do(&doing{what: fmt.Sprintf("stop push %d", no), halts: true}, func() (err error) {
		x, err = e.api.StopPush(e.ctx, no, "enough")
		return err
	})
	if !ok {
		return
	}
	m := e.w.model
	m.mu.Lock()
	was := p.pushes[no]
	if err == nil {
		was.state, was.stopped = x.State, true
		m.setRunning(p, 0, e.mail.sent)
	}
	bad := err == nil && x.State != cota.Stopped || err != nil && cota.CodeOf(err) != cota.NotRunning
	m.mu.Unlock()
	if bad {
		e.unexpected(fmt.Sprintf("the stop of push %d", no), err)
		return
	}
	if err != nil {
		e.ended(no)
	}
}

// ended sees to it that a push that could not be stopped has ended indeed.
func (e *editor) ended(no int64) {
	x, err := e.api.Push(e.ctx, no)
	if err == nil && x.State == cota.Running {
		e.unexpected(fmt.Sprintf("the stop of push %d, which runs,", no), nil)
	}
}

func (m *model) lastPush(p *product) (last int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for no := range p.pushes {
		last = max(last, no)
	}
	return last
}

// pushTwice starts two pushes at once.
func (e *editor) pushTwice() {
	var x [2]cota.Push
	start := func(i int, api *client.Client) func() error {
		return func() (err error) {
			x[i], err = api.StartPush(e.ctx, e.p.key, 0)
			return err
		}
	}
	err1, err2, ok := e.twice(&doing{what: "push twice", pushes: true}, start(0, e.api), start(1, e.secondAPI))
	switch {
	case !ok:
	case err1 == nil && err2 == nil:
		e.unexpected("one of two pushes of the same version", nil)
	case err2 == nil:
		e.pushed(x[1], err2, 0, e.second.sent)
		e.pushed(x[0], err1, 0, e.mail.sent)
	default:
		e.pushed(x[0], err1, 0, e.mail.sent)
		e.pushed(x[1], err2, 0, e.second.sent)
	}
}
