package gateway

import (
	"net/netip"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/limit"
)

// Newcomers bound how many registrations without pre-registration a minute are
// granted, each of which may add a device: whoever has read a ProductSecret out
// of one device could add any number. 0: no bound.
type Newcomers struct{ PerProduct, PerAddress int }

// newcomers count what Newcomers bound.
type newcomers struct {
	products  *limit.Names
	addresses *limit.Limiter
}

func newNewcomers(n Newcomers) *newcomers {
	return &newcomers{limit.NewNames(n.PerProduct), limit.PerMinute(n.PerAddress)}
}

// check refuses a registration of which it is known that it would be beyond a
// bound. It counts nothing, and costs no look at the database.
func (n *newcomers) check(product string, from netip.Addr) error {
	switch {
	case n.addresses.Exhausted(from):
		newcomersPutOff.WithLabelValues("address").Inc()
	case n.products.Exhausted(product):
		newcomersPutOff.WithLabelValues("product").Inc()
	default:
		return nil
	}
	return errNewcomers
}

// once makes what counts a registration that nothing else stands against, the
// first time it is asked, and refuses it if that is beyond a bound.
func (n *newcomers) once(product string, from netip.Addr) func() error {
	counted := false
	return func() error {
		if counted {
			return nil // a transaction that is tried again
		}
		if err := n.check(product, from); err != nil {
			return err
		}
		counted = n.addresses.Allow(from) && n.products.Allow(product)
		if !counted {
			return errNewcomers // others were faster
		}
		return nil
	}
}

var errNewcomers = cota.Errorf(cota.RateLimited, "too many devices register without being listed")
