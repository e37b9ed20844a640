package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// editor is the operator who looks after the configuration of one product.
type editor struct {
	w    *world
	p    *product
	who  string
	rng  *rand.Rand
	mail *courier
	api  *client.Client
	// second is another window of the same operator, for two requests at once.
	second     *courier
	secondAPI  *client.Client
	texts      []string // that were saved
	serial     int
	ctx        context.Context
	currentSHA string
}

func (w *world) editor(p *product) *editor {
	who := "editor-" + p.tag
	rng := w.rand(who)
	e := &editor{w: w, p: p, who: who, rng: rng, ctx: w.busy}
	e.mail = &courier{w: w, who: who, from: w.address(), path: w.plan.path(rng), rng: rng, cuts: w.plan.cuts}
	e.second = &courier{w: w, who: who + "'", from: e.mail.from, path: w.plan.path(rng)}
	e.api, e.secondAPI = e.mail.client(w.token), e.second.client(w.token)
	return e
}

// run works until the faults stop.
func (e *editor) run() {
	e.set(true)
	for e.rest(e.w.plan.editEvery) {
		e.act()
	}
}

// rest pauses for about that long.
func (e *editor) rest(mean time.Duration) bool {
	return pause(e.ctx, time.Duration(e.rng.ExpFloat64()*float64(mean))+time.Duration(e.rng.IntN(1e6)))
}

func (e *editor) act() {
	switch n := e.rng.IntN(100); {
	case n < 22:
		e.save(e.text(), e.base())
	case n < 26 && len(e.texts) > 0:
		e.save(e.texts[e.rng.IntN(len(e.texts))], nil) // restore
	case n < 56:
		e.push(0)
	case n < 60:
		e.push(1 + e.rng.Int64N(e.p.current+1))
	case n < 66:
		e.pushAfterCooldown()
	case n < 74:
		e.stop()
	case n < 79:
		e.set(!e.p.enabled)
	case n < 84 && !e.p.enabled:
		e.set(true)
	case n < 88:
		e.setPolicy()
	case n < 90:
		e.saveMany()
	case n < 93:
		e.saveTwice()
	case n < 97:
		e.pushTwice()
	default: // save and push at once, as people do
		e.save(e.text(), nil)
		e.push(0)
	}
}

// do sends a request. What it may do is known to the model as long as it is
// not answered; if it never is, the editor looks what has become of it.
func (e *editor) do(d *doing, send func() error) (err error, ok bool) {
	m := e.w.model
	m.mu.Lock()
	e.p.doing = d
	m.mu.Unlock()
	err = send()
	e.w.trace.add(e.who, "%s: %v", d.what, outcome(err))
	if answered(err) {
		m.mu.Lock()
		e.p.doing = nil
		m.mu.Unlock()
		return err, true
	}
	e.look()
	return err, false
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case answered(err):
		return string(cota.CodeOf(err))
	}
	return "no answer"
}

// look asks until the server says how things are.
func (e *editor) look() {
	for pause(e.w.over, 10*time.Second+time.Duration(e.rng.Int64N(int64(20*time.Second)))) {
		s, err := e.p.read(e.w.over, e.api, false)
		if err != nil {
			continue
		}
		m := e.w.model
		m.mu.Lock()
		m.compare(e.p, s)
		m.adopt(e.p, s)
		if v := e.p.versions[e.p.current]; v != nil {
			e.currentSHA = v.sha
		}
		m.mu.Unlock()
		e.w.trace.add(e.who, "looked: version %d, push %d, enabled %t", e.p.current, e.p.running, e.p.enabled)
		return
	}
}

// unexpected breaks the run for an answer that should not have been given.
func (e *editor) unexpected(what string, err error) {
	e.w.model.fail("%s: %s was answered %q (%v); version %d, push %d, enabled %t",
		e.p.tag, what, cota.CodeOf(err), err, e.p.current, e.p.running, e.p.enabled)
}

func (e *editor) set(on bool) {
	p, m := e.p, e.w.model
	m.mu.Lock()
	if on {
		p.off.end(time.Now())
	} else {
		p.maybeOff.begin(time.Now())
	}
	m.mu.Unlock()
	err, ok := e.do(&doing{what: fmt.Sprintf("switch %t", on), enabled: &on, halts: !on}, func() error {
		_, err := e.api.SetConfig(e.ctx, p.key, client.ConfigPatch{Enabled: &on})
		return err
	})
	if !ok {
		return
	}
	if err != nil {
		e.unexpected("the switch", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setEnabled(p, on, e.mail.sent)
	if !on {
		m.setRunning(p, 0, e.mail.sent)
	}
}

func (e *editor) setPolicy() {
	p, m := e.p, e.w.model
	pick := func(of ...int64) *int64 { return &of[e.rng.IntN(len(of))] }
	patch := cota.PolicyPatch{
		CooldownSeconds: pick(0, 1, 60, 600, 3600, 7200), LinkSeconds: pick(60, 120, 300, 900, 1800),
		History: pick(1, 1, 2, 3, 5, 8), MaxBytes: pick(2<<10, 16<<10, 64<<10, 64<<10),
	}
	policy := p.policy.With(patch)
	m.mu.Lock()
	p.links = append(p.links, linkLife{seconds: policy.LinkSeconds, asked: time.Now()})
	m.mu.Unlock()
	err, ok := e.do(&doing{what: fmt.Sprintf("policy %+v", policy), policy: &policy}, func() error {
		_, err := e.api.SetConfig(e.ctx, p.key, client.ConfigPatch{Policy: &patch})
		return err
	})
	if !ok {
		return
	}
	if err != nil {
		e.unexpected("a policy", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setPolicy(p, policy, e.mail.sent)
}

// twice sends two requests at once and waits for both answers.
func (e *editor) twice(d *doing, one, two func() error) (err1, err2 error, ok bool) {
	_, ok = e.do(d, func() error {
		done := make(chan error)
		go func() { done <- two() }()
		err1 = one()
		err2 = <-done
		if !answered(err1) {
			return err1
		}
		return err2
	})
	return err1, err2, ok
}
