package control_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// hookContext runs fn the nth time that its value is asked for: that is at
// the beginning and the end of each query, in the goroutine that makes it.
type hookContext struct {
	context.Context
	left *atomic.Int32
	fn   func()
}

func (c hookContext) Value(key any) any {
	if c.left.Add(-1) == 0 {
		c.fn()
	}
	return c.Context.Value(key)
}

// Whenever a change comes while facts are being read, what is remembered is
// not what was before it.
func TestFactsThatChangeWhileTheyAreRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		// set is a change that another node made.
		set := func(key string, enabled bool) {
			r.must(r.store.Update(r.ctx, func(tx *store.Tx) error {
				p, err := tx.Product(r.ctx, key)
				if err != nil {
					return err
				}
				p.Enabled = enabled
				tx.Note(store.Note{Product: key})
				return tx.SetProduct(r.ctx, p)
			}))
		}
		for n, came := int32(1), true; came; n++ {
			came = false
			p, _, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, fmt.Sprintf("product %d", n))
			r.must(err)
			for _, enabled := range []bool{true, false} { // first when nothing is remembered of it, then when something is
				var left atomic.Int32
				left.Store(n)
				changed := false
				_, err = r.Facts(hookContext{r.ctx, &left, func() {
					changed = true
					set(p.Key, enabled)
				}}, p.Key)
				r.must(err)
				if !changed {
					set(p.Key, enabled)
				}
				came = came || changed
				if f, err := r.Facts(r.ctx, p.Key); err != nil || f.Enabled != enabled {
					t.Fatalf("change at moment %d: enabled %t, %v; want %t", n, f.Enabled, err, enabled)
				}
			}
		}
	})
}

func TestFactsOfInventedProductsAreNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		_, err := r.Facts(r.ctx, "a1nothing00")
		r.refused("facts of nothing", err, cota.NotFound)
		r.refused("missing", second(r.SignIn(r.ctx, "a1nothing00", "dev-1", nil)), cota.NotFound)
	})
}
