package api_test

import (
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
)

func TestSubdevices(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Editor)
	product, push := w.pushed(1)
	other := w.product(3)
	device := func(product, name string) store.DeviceRow {
		t.Helper()
		d, err := w.store.Device(t.Context(), product, name)
		w.must(err)
		return d
	}
	gateway := device(other, "dev-000001")
	for _, d := range []store.DeviceRow{device(other, "dev-000003"), device(product, "dev-000001"), device(other, "dev-000002")} {
		_, err := w.control.Attach(t.Context(), &control.Device{ID: gateway.ID, Product: other, Name: gateway.Name},
			[]control.Subdevice{{Product: d.Product, Name: d.Name, Verify: func(string) bool { return true }}})
		w.must(err)
	}
	now := time.Now()
	w.must(w.store.Record(t.Context(), store.Report{
		Device: device(other, "dev-000002").ID, At: now, Since: now, Connected: true, Through: gateway.ID,
	}))
	w.must(w.store.Flush(t.Context()))

	path := "/api/v1/products/" + other + "/devices/" + gateway.Name
	var seen []string
	for after := ""; ; {
		var got struct {
			Devices []cota.Device
			Next    string
		}
		w.into(w.ask("GET", path+"/subdevices?limit=1&after="+after, ""), &got)
		if len(got.Devices) != 1 {
			t.Fatalf("a page of %d; want 1", len(got.Devices))
		}
		d := got.Devices[0]
		seen = append(seen, d.Product+"/"+d.Name)
		if want := (cota.Gateway{Product: other, Name: gateway.Name, Connected: d.Name == "dev-000002"}); d.Gateway == nil || *d.Gateway != want {
			t.Errorf("%s is behind %+v; want %+v", d.Name, d.Gateway, want)
		}
		if d.Product == product && (d.Push != push.No || d.State != cota.Pending) {
			t.Errorf("%s stands on %v of push %d; want pending in its own product's", d.Name, d.State, d.Push)
		}
		if after = got.Next; after == "" {
			break
		}
	}
	equal(t, "the pages", seen, []string{product + "/dev-000001", other + "/dev-000002", other + "/dev-000003"})
	equal(t, "the list", len(all(t, c.Subdevices(t.Context(), other, gateway.Name))), 3)
	w.refused("a page after nonsense", w.ask("GET", path+"/subdevices?after=x", ""), 400, cota.Invalid)
	w.refused("of no device", w.ask("GET", path+"x/subdevices", ""), 404, cota.NotFound)

	w.must(c.DetachDevice(t.Context(), other, "dev-000002"))
	d, err := c.Device(t.Context(), other, "dev-000002")
	w.must(err)
	if d.Gateway != nil {
		t.Errorf("the device is behind %+v; want behind none", d.Gateway)
	}
	w.code("detaching it again", c.DetachDevice(t.Context(), other, "dev-000002"), cota.NotFound)
	equal(t, "the list after it", len(all(t, c.Subdevices(t.Context(), other, gateway.Name))), 2)
	w.must(c.RemoveDevice(t.Context(), other, gateway.Name))
	if d := device(other, "dev-000003"); d.Gateway != nil {
		t.Errorf("the device is behind %+v that was removed; want behind none", d.Gateway)
	}
}
