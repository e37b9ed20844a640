package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// operator is who changes one product, and remembers what was answered. Nobody
// else changes the product, so at any time the server has what was answered,
// and of what was not answered all or nothing.
type operator struct {
	s       *server
	product string
	chance  *rand.Rand
	book    *ledger

	sure    facts        // by what was answered
	asked   *change      // and not answered; nil: nothing
	since   int64        // audit line up to which everything was checked
	actions []string     // that were answered since
	devices []credential // that were added

	mu     sync.Mutex
	saved  map[string]cota.Version // by ConfigID; guarded by mu
	pushed []cota.Push             // that were answered, oldest first; guarded by mu
}

type credential = cota.Credentials

// facts are what there is to know of a product. What is unknown of its newest
// push, since devices end it, is left out.
type facts struct {
	Version  int64
	ConfigID string
	SHA256   string
	Push     int64
	Pushed   int64 // the version of it
	Stopped  bool  // by an operator; not known if the switch was turned off
	Enabled  bool
	Link     int64
	Devices  int64
}

// change is something that an operator asks for.
type change struct {
	action string // in the audit log
	what   string
	may    cota.Code // be refused by
	// ask asks, and returns what follows if it is answered.
	ask func(ctx context.Context) (facts, error)
	// would be what follows if it happened without an answer, as far as now,
	// what there is, allows it.
	would func(now facts) facts
}

// work makes changes until ctx or the server ends.
func (o *operator) work(ctx context.Context) {
	for ctx.Err() == nil && o.make(ctx, o.choose()) {
		pause(ctx, time.Duration(o.chance.IntN(60))*time.Millisecond)
	}
}

// make makes a change and reports whether it was answered.
func (o *operator) make(ctx context.Context, c *change) bool {
	o.asked = c
	o.book.asks("operator of "+o.product, c.action+" "+c.what)
	now, err := c.ask(ctx)
	refusal, refused := errors.AsType[*cota.Error](err)
	switch {
	case err == nil:
		o.book.isTold("operator of "+o.product, fmt.Sprintf("%s %s: %+v", c.action, c.what, now))
		o.sure = now
		o.actions = append(o.actions, c.action)
	case refused && refusal.Code == c.may:
		o.book.isTold("operator of "+o.product, c.action+" "+c.what+": "+refusal.Msg)
	case refused:
		o.s.t.Errorf("operator of %s asked for %s %s and was refused: %v", o.product, c.action, c.what, err)
		return false
	default:
		return false
	}
	o.asked = nil
	return true
}

// choose picks something that can be done.
func (o *operator) choose() *change {
	for {
		n := o.chance.IntN(100)
		switch {
		case !o.sure.Enabled && n < 50:
			return o.turn(true)
		case n < 35:
			return o.save()
		case n < 75 && o.mayPush():
			return o.push()
		case n >= 75 && n < 80 && o.sure.Enabled:
			return o.turn(false)
		case n >= 80 && n < 86 && o.sure.Push != 0 && !o.sure.Stopped && o.sure.Enabled:
			return o.stop()
		case n >= 86 && n < 93:
			return o.setPolicy()
		case n >= 93 && len(o.devices) < 20:
			return o.addDevice()
		}
	}
}

func (o *operator) mayPush() bool {
	return o.sure.Enabled && o.sure.Version != 0 && o.sure.Pushed != o.sure.Version
}

func (o *operator) save() *change {
	number := o.sure.Version + 1
	text := fmt.Sprintf(`{"product":%q,"version":%d,"pad":%q}`, o.product, number, strings.Repeat("x", o.chance.IntN(4000)))
	v := cota.Version{Number: number, SHA256: cota.Digest(text)}
	effect := func(now facts, id string) facts {
		v.ConfigID = id
		o.mu.Lock()
		defer o.mu.Unlock()
		o.saved[id] = v
		now.Version, now.ConfigID, now.SHA256 = v.Number, id, v.SHA256
		return now
	}
	return &change{
		action: "config.save", what: fmt.Sprint("version ", number),
		ask: func(ctx context.Context) (facts, error) {
			got, err := o.s.SaveVersion(ctx, o.product, client.Draft{Content: text})
			if err != nil {
				return facts{}, err
			}
			return effect(o.sure, got.ConfigID), nil
		},
		would: func(now facts) facts { return effect(o.sure, now.ConfigID) },
	}
}

func (o *operator) push() *change {
	effect := func(no int64) facts {
		now := o.sure
		now.Push, now.Pushed, now.Stopped = no, o.sure.Version, false
		o.mu.Lock()
		defer o.mu.Unlock()
		o.pushed = append(o.pushed, cota.Push{No: no, Version: now.Pushed})
		return now
	}
	return &change{
		action: "push.start", what: fmt.Sprint("version ", o.sure.Version),
		ask: func(ctx context.Context) (facts, error) {
			p, err := o.s.StartPush(ctx, o.product, o.sure.Version)
			if err != nil {
				return facts{}, err
			}
			return effect(p.No), nil
		},
		would: func(now facts) facts { return effect(now.Push) },
	}
}

func (o *operator) turn(on bool) *change {
	return o.set(fmt.Sprint("enabled ", on), client.ConfigPatch{Enabled: &on}, func(f *facts) { f.Enabled = on })
}

func (o *operator) setPolicy() *change {
	link := 600 + o.chance.Int64N(1200)
	return o.set(fmt.Sprint("linkSeconds ", link), client.ConfigPatch{Policy: &cota.PolicyPatch{LinkSeconds: &link}}, func(f *facts) { f.Link = link })
}

func (o *operator) set(what string, patch client.ConfigPatch, effect func(*facts)) *change {
	now := o.sure
	effect(&now)
	return &change{
		action: "config.set", what: what,
		ask: func(ctx context.Context) (facts, error) {
			_, err := o.s.SetConfig(ctx, o.product, patch)
			return now, err
		},
		would: func(facts) facts { return now },
	}
}

func (o *operator) stop() *change {
	now := o.sure
	now.Stopped = true
	return &change{
		action: "push.stop", what: fmt.Sprint("push ", now.Push), may: cota.NotRunning,
		ask: func(ctx context.Context) (facts, error) {
			_, err := o.s.StopPush(ctx, now.Push, "as the test has it")
			return now, err
		},
		would: func(facts) facts { return now },
	}
}

func (o *operator) addDevice() *change {
	now := o.sure
	now.Devices++
	name := fmt.Sprintf("extra-%d", now.Devices)
	return &change{
		action: "device.add", what: name,
		ask: func(ctx context.Context) (facts, error) {
			all, err := o.s.AddDevices(ctx, o.product, name)
			if err == nil {
				o.devices = append(o.devices, all...)
			}
			return now, err
		},
		would: func(facts) facts { return now },
	}
}

// look asks the server for what there is.
func (o *operator) look(ctx context.Context) (facts, error) {
	p, err := o.s.Product(ctx, o.product)
	if err != nil {
		return facts{}, err
	}
	c, err := o.s.Config(ctx, o.product)
	if err != nil {
		return facts{}, err
	}
	now := facts{Enabled: c.Enabled, Link: c.Policy.LinkSeconds, Devices: p.Devices}
	if c.Current != nil {
		now.Version, now.ConfigID, now.SHA256 = c.Current.Number, c.Current.ConfigID, c.Current.SHA256
		v, err := o.s.Version(ctx, o.product, now.Version)
		if err != nil {
			return facts{}, err
		}
		if got := cota.Digest(v.Content); got != now.SHA256 {
			return facts{}, fmt.Errorf("version %d has content of digest %s; want %s", v.Number, got, now.SHA256)
		}
	}
	for push, err := range o.s.Pushes(ctx, client.PushFilter{Product: o.product}) {
		if err != nil {
			return facts{}, err
		}
		if !c.Enabled && push.State == cota.Running {
			return facts{}, fmt.Errorf("push %d is running though the product is switched off", push.No)
		}
		now.Push, now.Pushed, now.Stopped = push.No, push.Version, push.State == cota.Stopped && push.Reason == "as the test has it"
		break
	}
	return now, nil
}

// check compares what the server has with what was answered, and settles what
// was not: it has happened whole, or not at all.
func (o *operator) check(ctx context.Context) error {
	now, err := o.look(ctx)
	if err != nil {
		return err
	}
	did, last, err := o.audit(ctx)
	if err != nil {
		return err
	}
	want, actions := o.sure, o.actions
	if o.asked != nil && len(did) == len(actions)+1 {
		want, actions = o.asked.would(now), append(slices.Clone(actions), o.asked.action)
		o.book.isTold("operator of "+o.product, o.asked.action+" happened without an answer")
	}
	if now != want {
		return fmt.Errorf("product %s is %+v; by what was answered it is %+v (asked without an answer: %+v)", o.product, now, want, o.asked)
	}
	if !slices.Equal(did, actions) {
		return fmt.Errorf("the audit log of product %s has %q; want %q", o.product, did, actions)
	}
	o.sure, o.asked, o.since, o.actions = want, nil, last, nil
	return nil
}

// audit lists the actions on record since the last check, oldest first.
func (o *operator) audit(ctx context.Context) (actions []string, last int64, err error) {
	last = o.since
	for e, err := range o.s.Audit(ctx, client.AuditFilter{Product: o.product}) {
		if err != nil {
			return nil, 0, err
		}
		if e.ID <= o.since {
			break
		}
		last = max(last, e.ID)
		actions = append(actions, e.Action)
	}
	slices.Reverse(actions)
	return actions, last, nil
}

// checkAll compares everything that was ever answered with what the server
// has: versions, pushes, and that devices that were added can sign in.
func (o *operator) checkAll(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	versions := 0
	for v, err := range o.s.Versions(ctx, o.product) {
		if err != nil {
			return err
		}
		if was := o.saved[v.ConfigID]; was.Number != v.Number || was.SHA256 != v.SHA256 {
			return fmt.Errorf("version %d of %s is %s, %s; saved was %+v", v.Number, o.product, v.ConfigID, v.SHA256, was)
		}
		versions++
	}
	if versions != len(o.saved) {
		return fmt.Errorf("product %s has %d versions; want %d", o.product, versions, len(o.saved))
	}
	var pushes []cota.Push
	for p, err := range o.s.Pushes(ctx, client.PushFilter{Product: o.product}) {
		if err != nil {
			return err
		}
		if sum := p.Pending + p.Sent + p.Received + p.Fetched + p.Applied + p.Failed; sum != p.Total || min(p.Pending, p.Sent, p.Received, p.Fetched, p.Applied, p.Failed) < 0 {
			return fmt.Errorf("push %d counts %+v", p.No, p.Counts)
		}
		pushes = append(pushes, cota.Push{No: p.No, Version: p.Version})
	}
	slices.Reverse(pushes)
	if !slices.Equal(pushes, o.pushed) {
		return fmt.Errorf("product %s has pushes %+v; want %+v", o.product, pushes, o.pushed)
	}
	for _, d := range o.devices {
		nc, _, err := signIn(ctx, o.s.ports[1], o.product, d)
		if err != nil {
			return err
		}
		nc.Close()
	}
	return nil
}

// version is what a configuration is, if it was saved.
func (o *operator) version(configID string) (number int64, sha256 string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.saved[configID]
	return v.Number, v.SHA256
}
