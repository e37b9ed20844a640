package simtest

import (
	"math/rand/v2"
	"time"
)

// plan is what a seed makes of a run.
type plan struct {
	span          time.Duration // until the faults stop
	products      int
	devices       int // of all products
	twins         int
	editEvery     time.Duration
	registerEvery time.Duration
	auditEvery    time.Duration
	crashEvery    time.Duration
	pushRate      float64
	cuts          float64 // of operators' requests
	slow          time.Duration
	faulty        float64 // how far devices depart from what is expected
	online        time.Duration
	offline       time.Duration
}

const day = 24 * time.Hour

// newPlan makes small worlds of a week mostly, some of a busy day, and now and
// then a large one: of a few hours, or of a week in which devices mostly sleep.
func newPlan(rng *rand.Rand) *plan {
	p := &plan{
		span: 7 * day, products: 1 + rng.IntN(3), devices: 6 + rng.IntN(20), twins: rng.IntN(4),
		editEvery: hours(rng, 0.4, 1.6), registerEvery: hours(rng, 4, 16), auditEvery: hours(rng, 5, 13), crashEvery: hours(rng, 6, 30),
		cuts: 0.1 * rng.Float64(), faulty: rng.Float64(), online: hours(rng, 0.3, 4), offline: hours(rng, 1, 10),
	}
	switch n := rng.IntN(40); {
	case n < 6: // a busy day
		p.span, p.devices = day, 30+rng.IntN(40)
		p.editEvery, p.registerEvery, p.auditEvery, p.crashEvery = hours(rng, 0.05, 0.2), hours(rng, 0.5, 2), hours(rng, 0.5, 2), hours(rng, 1, 6)
		p.online, p.offline = hours(rng, 0.1, 2), hours(rng, 0.1, 2)
	case n == 6: // a crowd
		p.span, p.devices, p.twins = 6*time.Hour, 200+rng.IntN(200), 20
		p.editEvery, p.registerEvery, p.auditEvery, p.crashEvery = hours(rng, 0.1, 0.3), hours(rng, 0.2, 1), hours(rng, 1, 2), hours(rng, 1, 4)
		p.online, p.offline = hours(rng, 0.3, 2), hours(rng, 0.1, 1)
	case n == 7: // a crowd that sleeps
		p.devices, p.twins = 200+rng.IntN(200), 20
		p.editEvery, p.auditEvery = hours(rng, 1, 3), hours(rng, 12, 24)
		p.online, p.offline = hours(rng, 0.2, 0.5), hours(rng, 12, 24)
	}
	if rng.IntN(3) == 0 {
		p.pushRate = 0.5 + 4*rng.Float64() // a fan-out takes its time
	}
	if rng.IntN(2) == 0 {
		p.slow = time.Duration(1+rng.IntN(200)) * time.Millisecond
	}
	if rng.IntN(5) == 0 {
		p.crashEvery = 100 * day
	}
	return p
}

func hours(rng *rand.Rand, least, most float64) time.Duration {
	return time.Duration((least + rng.Float64()*(most-least)) * float64(time.Hour))
}

// goodPath is that of connections when the faults have stopped.
var goodPath = path{delay: 3 * time.Millisecond, jitter: 2 * time.Millisecond, window: 64 << 10}

// path draws what a connection is like.
func (p *plan) path(rng *rand.Rand) path {
	x := path{
		delay:  time.Duration(1 + rng.IntN(60e6)),
		jitter: time.Duration(1 + rng.IntN(20e6)),
		window: 2<<10 + rng.IntN(30<<10),
	}
	switch rng.IntN(8) {
	case 0: // far away
		x.delay, x.jitter = time.Duration(rng.IntN(1.5e9)), time.Duration(1+rng.IntN(2e9))
	case 1: // a thin line
		x.perByte, x.window = time.Millisecond/time.Duration(1+rng.IntN(20)), 1<<10+rng.IntN(4<<10)
	}
	return x
}

// character draws how far a device departs from what is expected of it.
func (p *plan) character(rng *rand.Rand) character {
	c := character{online: p.online, offline: p.offline, polls: rng.IntN(3) == 0}
	if rng.IntN(3) == 0 {
		c.saint, c.asks = true, 0.5
		return c
	}
	draw := func(most float64) float64 {
		if rng.IntN(2) == 0 {
			return 0
		}
		return most * p.faulty * rng.Float64()
	}
	c.liar, c.mute, c.lazy, c.late, c.fails = draw(1), draw(0.5), draw(0.5), draw(0.5), draw(0.3)
	c.deaf, c.drops, c.asks, c.shouts = draw(0.3), draw(1), draw(1), draw(0.05)
	return c
}
