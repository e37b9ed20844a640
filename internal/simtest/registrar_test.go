package simtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// registrar is the operator who adds, removes, disables and resets devices.
type registrar struct {
	w    *world
	rng  *rand.Rand
	mail *courier
	api  *client.Client
	made int
}

func (w *world) registrar() *registrar {
	rng := w.rand("registrar")
	r := &registrar{w: w, rng: rng}
	r.mail = &courier{w: w, who: "registrar", from: w.address(), path: w.plan.path(rng), rng: rng, cuts: w.plan.cuts}
	r.api = r.mail.client(w.token)
	return r
}

func (r *registrar) run() {
	for pause(r.w.busy, time.Duration(r.rng.ExpFloat64()*float64(r.w.plan.registerEvery))+time.Duration(r.rng.IntN(1e6))) {
		id := r.w.somebody(r.rng, r.w.model.products[r.rng.IntN(len(r.w.model.products))])
		switch n := r.rng.IntN(10); {
		case id == nil || n < 3:
			r.add()
		case n < 5:
			r.remove(id)
		case n < 8:
			r.disable(id)
		default:
			r.reset(id)
		}
	}
}

// insist repeats a request until it is answered. It may be done twice.
func (r *registrar) insist(what string, send func() error) error {
	for {
		err := send()
		r.w.trace.add("registrar", "%s: %s", what, outcome(err))
		if answered(err) {
			return err
		}
		if !pause(r.w.over, 10*time.Second+time.Duration(r.rng.Int64N(int64(20*time.Second)))) {
			return err
		}
	}
}

func (r *registrar) add() {
	w, m := r.w, r.w.model
	p := m.products[r.rng.IntN(len(m.products))]
	names := make([]string, 1+r.rng.IntN(3))
	for i := range names {
		r.made++
		names[i] = fmt.Sprintf("new-%03d", r.made)
	}
	m.mu.Lock()
	for _, name := range names {
		p.adding[name] = true
	}
	m.mu.Unlock()
	var all []cota.Credentials
	tries := 0
	err := r.insist(fmt.Sprintf("add %v to %s", names, p.tag), func() (err error) {
		tries++
		all, err = r.api.AddDevices(w.over, p.key, names...)
		return err
	})
	if cota.CodeOf(err) == cota.Exists && tries > 1 {
		all, err = nil, nil // it had been done, and nobody knows the secrets
		for _, name := range names {
			secret := ""
			err = r.insist("reset "+name, func() (err error) {
				secret, err = r.api.ResetDeviceSecret(w.over, p.key, name)
				return err
			})
			if err != nil {
				break
			}
			all = append(all, cota.Credentials{Name: name, Secret: secret})
		}
	}
	switch {
	case err == nil:
	case answered(err):
		m.fail("%s: adding %v was answered %v", p.tag, names, err)
		return
	default:
		return // the run is over
	}
	for _, c := range all {
		w.enlist(p, c)
	}
}

func (r *registrar) remove(id *identity) {
	m := r.w.model
	m.mu.Lock()
	id.maybeShut.begin(time.Now())
	id.unsure = true
	m.mu.Unlock()
	tries := 0
	err := r.insist("remove "+id.tag, func() error {
		tries++
		return r.api.RemoveDevice(r.w.over, id.p.key, id.name)
	})
	if err != nil && !(cota.CodeOf(err) == cota.NotFound && tries > 1) {
		if answered(err) {
			m.fail("removing %s was answered %v", id, err)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id.removed, id.unsure = true, false
	id.shut.begin(r.mail.sent)
	delete(id.p.ids, id.name)
}

// disable disables a device, and later enables it.
func (r *registrar) disable(id *identity) {
	m := r.w.model
	set := func(disabled bool) bool {
		err := r.insist(fmt.Sprintf("disable %s: %t", id, disabled), func() error {
			_, err := r.api.DisableDevice(r.w.over, id.p.key, id.name, disabled)
			return err
		})
		if err != nil && answered(err) {
			m.fail("disabling %s was answered %v", id, err)
		}
		return err == nil
	}
	m.mu.Lock()
	id.maybeShut.begin(time.Now())
	m.mu.Unlock()
	if !set(true) {
		return
	}
	m.mu.Lock()
	id.shut.begin(r.mail.sent)
	m.mu.Unlock()
	if r.rng.IntN(4) == 0 {
		return // for good
	}
	pause(r.w.busy, time.Duration(r.rng.Int64N(int64(3*time.Hour))))
	m.mu.Lock()
	id.shut.end(time.Now())
	m.mu.Unlock()
	if !set(false) {
		return
	}
	m.mu.Lock()
	id.maybeShut.end(r.mail.sent)
	m.mu.Unlock()
}

func (r *registrar) reset(id *identity) {
	m := r.w.model
	m.mu.Lock()
	shut := id.maybeShut.open()
	id.maybeShut.begin(time.Now())
	m.mu.Unlock()
	secret := ""
	err := r.insist("reset "+id.tag, func() (err error) {
		secret, err = r.api.ResetDeviceSecret(r.w.over, id.p.key, id.name)
		return err
	})
	if err != nil {
		if answered(err) {
			m.fail("resetting %s was answered %v", id, err)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id.stale = append(id.stale, staleSecret{id.secret, r.mail.sent})
	id.secret = secret
	if !shut {
		id.maybeShut.end(r.mail.sent)
	}
}
