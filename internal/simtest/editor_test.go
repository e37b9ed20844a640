package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
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
	case n < 89:
		e.setPolicy()
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

func (e *editor) text() string {
	e.serial++
	size := 10 + e.rng.IntN(200)
	switch e.rng.IntN(6) {
	case 0:
		size = e.rng.IntN(60 << 10)
	case 1, 2:
		size = e.rng.IntN(8 << 10)
	}
	return fmt.Sprintf(`{"product":%q,"serial":%d,"pad":%q}`, e.p.tag, e.serial, strings.Repeat("x", size))
}

// base is the version that the editor claims to have changed: the right one,
// an old one or none.
func (e *editor) base() *int64 {
	switch e.rng.IntN(4) {
	case 0, 1:
		return nil
	case 2:
		return &[]int64{e.p.current}[0]
	}
	old := max(0, e.p.current-1-e.rng.Int64N(3))
	return &old
}

func (e *editor) try(text string) {
	m := e.w.model
	m.mu.Lock()
	defer m.mu.Unlock()
	e.p.tried[cota.Digest(text)] = true
}

func (e *editor) save(text string, base *int64) {
	e.try(text)
	p, sha := e.p, cota.Digest(text)
	var v cota.Version
	err, ok := e.do(&doing{what: fmt.Sprintf("save %.8s", sha), saves: 1}, func() (err error) {
		v, err = e.api.SaveVersion(e.ctx, p.key, client.Draft{Content: text, Base: base})
		return err
	})
	if !ok {
		return
	}
	e.saved(v, err, text, base)
}

// saved judges the answer to a save.
func (e *editor) saved(v cota.Version, err error, text string, base *int64) {
	p, sha := e.p, cota.Digest(text)
	stale := base != nil && *base != p.current
	switch code := cota.CodeOf(err); {
	case err == nil && (stale || sha == e.currentSHA || v.Number != p.current+1 || v.SHA256 != sha):
		e.unexpected(fmt.Sprintf("a save that became version %d", v.Number), nil)
	case err == nil:
		m := e.w.model
		m.mu.Lock()
		m.addVersion(p, v)
		m.setCurrent(p, v.Number)
		m.mu.Unlock()
		e.currentSHA, e.texts = sha, append(e.texts, text)
	case code == cota.Stale && stale, code == cota.Unchanged && sha == e.currentSHA,
		code == cota.TooLarge && int64(len(text)) > p.policy.MaxBytes:
	default:
		e.unexpected("a save", err)
	}
}

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
		History: pick(1, 2, 3, 5, 8), MaxBytes: pick(2<<10, 16<<10, 64<<10, 64<<10),
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

// saveTwice saves two texts at once, both made from the current version.
func (e *editor) saveTwice() {
	p, base := e.p, e.p.current
	texts := []string{e.text(), e.text()}
	e.try(texts[0])
	e.try(texts[1])
	var v [2]cota.Version
	save := func(i int, api *client.Client) func() error {
		return func() (err error) {
			v[i], err = api.SaveVersion(e.ctx, p.key, client.Draft{Content: texts[i], Base: &base})
			return err
		}
	}
	err1, err2, ok := e.twice(&doing{what: "save twice", saves: 1}, save(0, e.api), save(1, e.secondAPI))
	switch {
	case !ok:
	case err1 == nil && err2 == nil:
		e.unexpected("one of two saves of the same base", nil)
	case err2 == nil:
		e.saved(v[1], err2, texts[1], &base)
		e.saved(v[0], err1, texts[0], &base)
	default:
		e.saved(v[0], err1, texts[0], &base)
		if err1 == nil || cota.CodeOf(err2) != cota.Stale {
			e.saved(v[1], err2, texts[1], &base)
		}
	}
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
