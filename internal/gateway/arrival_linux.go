package gateway

import (
	"runtime"
	"sync"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

const (
	// maxTogether bounds the devices that sign in together.
	maxTogether = 64
	// gatherFor is how long others may gather after some have signed in.
	gatherFor = time.Millisecond
)

// arrivals are devices that are about to sign in, by secrets of their own and on
// connections that loops serve, as nearly all do. While some sign in the next
// gather. So one that comes alone is looked at at once, and of a storm many
// share a look at the database, and the goroutine that takes it.
type arrivals struct {
	mu      sync.Mutex
	waiting []*arrival // guarded by mu
	busy    int        // workers that sign devices in; guarded by mu
}

// arrival is a device that is about to sign in. Its connection is paused.
type arrival struct {
	control.Claim
	socket     *socket
	login      *alink.Login
	properties []cota.Property // of its CONNECT
}

// arrive has a device sign in, soon. The connection must be paused; whoever signs
// the device in carries on with it.
func (s *socket) arrive(login *alink.Login, properties []cota.Property) {
	g := s.gw
	a := &arrival{socket: s, login: login, properties: properties}
	a.Product, a.Name, a.Verify = login.ProductKey, login.DeviceName, login.Verify
	if g.loops.arrivals.add(a) {
		g.workers.do(g.welcome)
	}
}

// add reports whether there is work for one more worker.
func (w *arrivals) add(a *arrival) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, a)
	more := len(w.waiting) > w.busy*maxTogether && w.busy < runtime.GOMAXPROCS(0)
	if more {
		w.busy++
	}
	return more
}

// next takes those who are to sign in together; none if a worker is to end.
func (w *arrivals) next() []*arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), maxTogether)
	some := w.waiting[:n:n]
	if w.waiting = w.waiting[n:]; len(w.waiting) == 0 {
		w.waiting = nil
	}
	if n == 0 {
		w.busy--
	}
	return some
}

// welcome signs in who has arrived, until there is nobody.
func (g *Gateway) welcome() {
	for {
		some := g.loops.arrivals.next()
		if len(some) == 0 {
			return
		}
		g.admitAll(some)
		for _, a := range some {
			a.settle()
		}
		if len(some) > 1 {
			time.Sleep(gatherFor)
		}
	}
}

// admitAll is conn.admit of some who do it together.
func (g *Gateway) admitAll(some []*arrival) {
	changes := g.changes.Load()
	g.control.SignInAll(g.ctx, choose(some, func(a *arrival) bool {
		a.Err = a.socket.mayTry(*a.login)
		return a.Err == nil
	}))
	again := choose(some, func(a *arrival) (again bool) {
		if a.Err == nil {
			again, a.Err = a.socket.join(a.Entrant, *a.login, changes)
		}
		return again && a.Err == nil
	})
	g.control.RecheckAll(g.ctx, again)
	for _, a := range some {
		if a.Err == nil {
			a.socket.stand(a.Entrant.Standing)
		}
	}
}

// choose are the claims of those for whom yes is true.
func choose(some []*arrival, yes func(*arrival) bool) []*control.Claim {
	claims := make([]*control.Claim, 0, len(some))
	for _, a := range some {
		if yes(a) {
			claims = append(claims, &a.Claim)
		}
	}
	return claims
}

// settle tells the device what became of it, and goes on with its connection.
// The greeting is left to a worker if it has to wait: it must not hold up the
// devices of other products.
func (a *arrival) settle() {
	s := a.socket
	if err := s.begin(*a.login, a.properties, a.Err); err != nil {
		s.carryOn(err)
		return
	}
	if did, err := s.fleet().greetNow(s.member()); did {
		s.carryOn(err)
		return
	}
	s.gw.workers.do(func() { s.carryOn(s.greet()) })
}
