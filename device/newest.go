package device

import (
	"context"
	"sync"

	"github.com/cotahq/cota/alink"
)

// newest holds the newest offer until it is taken. A newer one takes its
// place, and interrupts the download of another that was taken.
type newest struct {
	more chan struct{} // has an element when an offer was put

	mu        sync.Mutex
	offer     *alink.Config      // guarded by mu
	taken     string             // ConfigID of the offer that was taken; guarded by mu
	interrupt context.CancelFunc // ends its download; guarded by mu
}

func (n *newest) put(offer alink.Config) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offer = &offer
	// A new link to what is on its way already is only needed if that fails.
	if n.interrupt != nil && n.taken != offer.ConfigID {
		n.interrupt()
	}
	n.wake()
}

func (n *newest) wake() {
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// take takes the offer, and a context that ends when there is a newer one.
func (n *newest) take(ctx context.Context) (alink.Config, context.Context, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.offer == nil {
		return alink.Config{}, nil, false
	}
	offer := *n.offer
	ctx, n.interrupt = context.WithCancel(ctx)
	n.offer, n.taken = nil, offer.ConfigID
	return offer, ctx, true
}

// supersedes reports whether, after the download of what was taken, there is
// something newer to turn to: another configuration, or another link if the
// download failed.
func (n *newest) supersedes(configID string, downloaded bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.offer != nil && n.offer.ConfigID == configID && downloaded {
		n.offer = nil
	}
	return n.offer != nil
}

// release ends what was taken.
func (n *newest) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.interrupt()
	n.interrupt, n.taken = nil, ""
	if n.offer != nil {
		n.wake()
	}
}
