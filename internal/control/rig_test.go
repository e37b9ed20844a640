package control_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// bubble runs a test by a clock of its own, beside others.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, fn)
}

// rig is a control plane on a store of its own, with one product that is
// switched on.
type rig struct {
	*control.Control
	t       *testing.T
	ctx     context.Context
	store   *store.Store
	log     *strings.Builder
	product string
}

var system = control.System

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ctx: t.Context(), store: storetest.SQLite(t), log: new(strings.Builder)}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	var err error
	r.Control, err = control.New(r.ctx, control.Options{Store: r.store, FilesURL: "http://files.example.com/", Log: log})
	r.must(err)
	p, _, err := r.AddProduct(r.ctx, system, cota.DefaultInstance, "meter")
	r.must(err)
	r.product = p.Key
	r.enable(true)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// refused checks that err has the code.
func (r *rig) refused(what string, err error, want cota.Code) {
	r.t.Helper()
	if got := cota.CodeOf(err); got != want {
		r.t.Errorf("%s: error %v, code %q; want code %q", what, err, got, want)
	}
}

func (r *rig) enable(on bool) {
	r.t.Helper()
	r.must(r.SetConfig(r.ctx, system, r.product, &on, nil))
}

func (r *rig) policy(patch cota.PolicyPatch) {
	r.t.Helper()
	r.must(r.SetConfig(r.ctx, system, r.product, nil, &patch))
}

func (r *rig) save(content string) cota.Version {
	r.t.Helper()
	v, err := r.SaveVersion(r.ctx, system, r.product, control.Draft{Content: content})
	r.must(err)
	return v
}

func (r *rig) push() cota.Push {
	r.t.Helper()
	p, err := r.StartPush(r.ctx, system, r.product, 0)
	r.must(err)
	return p
}

// devices adds devices and returns them as if they had signed in.
func (r *rig) devices(names ...string) []*control.Device {
	r.t.Helper()
	_, err := r.AddDevices(r.ctx, system, r.product, names)
	r.must(err)
	all := make([]*control.Device, len(names))
	for i, name := range names {
		d, err := r.store.Device(r.ctx, r.product, name)
		r.must(err)
		all[i] = &control.Device{ID: d.ID, Product: r.product, Name: name}
	}
	return all
}

// tell has the product's push offered to a device.
func (r *rig) tell(d *control.Device) {
	r.t.Helper()
	r.must(r.Supply(r.ctx, r.product, func(o control.Offer) error { return r.Sent(r.ctx, d, o) }))
	r.must(r.store.Flush(r.ctx))
}

// report has a device say something and waits until it is on record.
func (r *rig) report(d *control.Device, w control.Word) {
	r.t.Helper()
	done := make(chan error, 1)
	r.must(r.Report(r.ctx, d, w, func(err error) { done <- err }))
	r.must(<-done)
}

// kept are the numbers of the versions that are kept, newest first.
func (r *rig) kept() []int64 {
	r.t.Helper()
	all, err := r.store.Versions(r.ctx, r.product, 0, 1000)
	r.must(err)
	numbers := make([]int64, len(all))
	for i, v := range all {
		numbers[i] = v.Number
	}
	return numbers
}

func ptr[T any](v T) *T { return &v }
