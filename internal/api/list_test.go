package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/control"
)

// pages reads a list page by page and returns how long each page was.
func (w *world) pages(path, key string, limit int) (sizes []int, members []any) {
	w.Helper()
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	for after := ""; ; {
		var page map[string]any
		w.into(w.ask("GET", fmt.Sprintf("%s%slimit=%d%s", path, join, limit, after), ""), &page)
		list, ok := page[key].([]any)
		if !ok {
			w.Fatalf("%s = %v; want a list of %s", path, page, key)
		}
		sizes, members = append(sizes, len(list)), append(members, list...)
		next, there := page["next"].(string)
		if !there {
			return sizes, members
		}
		after = "&after=" + next
	}
}

func TestListsPage(t *testing.T) {
	w := newWorld(t)
	product, _ := w.pushed(5)
	for i := range 4 {
		w.saveAndPush(product, fmt.Sprintf(`{"i": %d}`, i))
		_, _, err := w.control.AddProduct(t.Context(), admin, cota.DefaultInstance, fmt.Sprint("p", i))
		w.must(err)
		_, err = w.control.AddInstance(t.Context(), admin, cota.Instance{ID: fmt.Sprint("i", i), Name: "I", Environment: "test"})
		w.must(err)
	}
	push, err := w.store.LastPush(t.Context(), product)
	w.must(err)
	for _, rung := range []cota.Rung{cota.Sent, cota.Received, cota.Fetched, cota.Failed, cota.Applied} {
		w.climb(*push, "dev-000001", rung)
	}
	p := "/api/v1/products/" + product
	for _, tt := range []struct{ path, key string }{
		{"/api/v1/instances", "instances"},
		{"/api/v1/products", "products"},
		{"/api/v1/products?instance=default", "products"},
		{p + "/devices", "devices"},
		{p + "/devices?prefix=dev-", "devices"},
		{p + "/devices/dev-000001/events", "events"},
		{p + "/config/versions", "versions"},
		{p + "/pushes", "pushes"},
		{"/api/v1/pushes", "pushes"},
		{fmt.Sprintf("/api/v1/pushes/%d/devices", push.No), "devices"},
	} {
		whole, want := w.pages(tt.path, tt.key, 500)
		equal(t, tt.path+" on one page", whole, []int{5})
		for limit, sizes := range map[int][]int{1: {1, 1, 1, 1, 1}, 2: {2, 2, 1}, 5: {5}} {
			got, members := w.pages(tt.path, tt.key, limit)
			equal(t, fmt.Sprintf("%s in pages of %d", tt.path, limit), got, sizes)
			equal(t, fmt.Sprintf("%s in pages of %d", tt.path, limit), members, want)
		}
	}
	sizes, _ := w.pages("/api/v1/tokens", "tokens", 3)
	equal(t, "tokens", sizes, []int{3, 1})
	if sizes, _ := w.pages("/api/v1/audit", "entries", 10); len(sizes) < 2 {
		t.Errorf("audit has pages of %v; want several", sizes)
	}
	if a := w.ask("GET", "/api/v1/products/"+w.product(0)+"/devices", ""); a.body != `{"devices":[]}`+"\n" {
		t.Errorf("no devices = %s; want an empty list", a.body)
	}
}

// The client goes on by itself where a page ends, and stops when told.
func TestClientPages(t *testing.T) {
	w := newWorld(t)
	product := w.product(1001)
	c := w.as(cota.Viewer)
	devices := all(t, c.Devices(t.Context(), product, client.DeviceFilter{}))
	if len(devices) != 1001 || devices[1000].Name != "dev-001001" {
		t.Errorf("Devices = %d, the last %s; want 1001", len(devices), devices[len(devices)-1].Name)
	}
	n := 0
	for range c.Devices(t.Context(), product, client.DeviceFilter{}) {
		if n++; n == 3 {
			break
		}
	}
	for _, err := range c.Devices(t.Context(), "a1Nothingxx", client.DeviceFilter{}) {
		w.code("Devices of an unknown product", err, cota.NotFound)
	}
}

func TestInstancesAndProducts(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Admin)
	lab, err := c.AddInstance(t.Context(), cota.Instance{ID: "lab", Name: "Lab"})
	w.must(err)
	if lab.Environment != "production" || lab.CreatedAt.IsZero() {
		t.Errorf("AddInstance = %+v; want production, made now", lab)
	}
	env := "test"
	lab, err = c.SetInstance(t.Context(), "lab", client.InstancePatch{Environment: &env})
	w.must(err)
	if lab.Name != "Lab" || lab.Environment != "test" {
		t.Errorf("SetInstance = %+v; want Lab, test", lab)
	}
	p, err := c.AddProduct(t.Context(), "lab", "meter")
	w.must(err)
	if len(p.Secret) != 16 || len(p.Key) != cota.ProductKeyLen || p.Instance != "lab" {
		t.Errorf("AddProduct = %+v; want a key, a secret, and lab", p)
	}
	_, err = w.control.AddNumberedDevices(t.Context(), admin, p.Key, "dev-", 3)
	w.must(err)
	on := true
	w.must(w.control.SetConfig(t.Context(), admin, p.Key, &on, nil))
	_, err = w.control.SaveVersion(t.Context(), admin, p.Key, control.Draft{Content: "{}"})
	w.must(err)
	push, err := c.StartPush(t.Context(), p.Key, 1)
	w.must(err)
	if push.ProductName != "meter" {
		t.Errorf("StartPush = %+v; want the product's name in it", push)
	}
	push.ProductName = "meter 2" // by the time it is listed

	lab, err = c.Instance(t.Context(), "lab")
	w.must(err)
	equal(t, "Instance", lab, client.Instance{Instance: lab.Instance, Products: 1, Devices: 3, Online: 7, Running: 1})
	list := all(t, c.Instances(t.Context()))
	equal(t, "Instances", list, []client.Instance{{Instance: list[0].Instance}, lab})

	renamed, err := c.RenameProduct(t.Context(), p.Key, "meter 2")
	w.must(err)
	shown, err := c.Product(t.Context(), p.Key)
	w.must(err)
	equal(t, "Product", shown, renamed)
	if shown.Name != "meter 2" || shown.Online != 7 || shown.Devices != 3 || shown.Push != 1 {
		t.Errorf("Product = %+v; want meter 2 with 3 devices, 7 online, push 1", shown)
	}
	registered, err := c.SetRegistration(t.Context(), p.Key, client.Registration{Dynamic: &on})
	w.must(err)
	if shown.DynamicRegistration || shown.WithoutPreRegistration || !registered.DynamicRegistration || registered.WithoutPreRegistration || registered.Name != "meter 2" {
		t.Errorf("SetRegistration = %+v after %+v; want dynamic registration on, and nothing else changed", registered, shown)
	}
	shown = registered
	equal(t, "Products of lab", all(t, c.Products(t.Context(), client.ProductFilter{Instance: "lab"})), []client.ListedProduct{{Product: shown, LastPush: &push}})
	equal(t, "Products of default", all(t, c.Products(t.Context(), client.ProductFilter{Instance: "default"})), nil)

	w.code("RemoveInstance with a product", c.RemoveInstance(t.Context(), "lab"), cota.InUse)
	for _, d := range all(t, c.Devices(t.Context(), p.Key, client.DeviceFilter{})) {
		w.must(c.RemoveDevice(t.Context(), p.Key, d.Name))
	}
	w.must(c.RemoveProduct(t.Context(), p.Key))
	w.must(c.RemoveInstance(t.Context(), "lab"))
	_, err = c.Instance(t.Context(), "lab")
	w.code("Instance after RemoveInstance", err, cota.NotFound)
}

// Text that is looked for is text, whatever it means to the database.
func TestSearchedTextIsNoSQL(t *testing.T) {
	w := newWorld(t)
	product := w.product(3)
	for _, text := range []string{"' OR '1'='1", "'; DROP TABLE product; --", `" OR 1=1`, "%", "_", `\`, "$1", "x) OR (1=1"} {
		for _, path := range []string{"/api/v1/products?q=", "/api/v1/products/" + product + "/devices?prefix=", "/api/v1/audit?actor=", "/api/v1/tokens?account="} {
			a := w.ask("GET", path+url.QueryEscape(text), "")
			if a.status >= 500 || strings.Contains(a.body, product) || strings.Contains(a.body, "dev-000001") || strings.Contains(a.body, `"admin"`) {
				t.Errorf("%s%s = %d %s; want nothing found", path, text, a.status, a.body)
			}
		}
	}
	if n := len(all(t, w.as(cota.Viewer).Products(t.Context(), client.ProductFilter{}))); n != 1 {
		t.Errorf("there are %d products afterwards; want the one", n)
	}
}
