package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/control"
)

func TestAddDevices(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Editor)
	product := w.product(0)
	path := "/api/v1/products/" + product + "/devices"
	for _, tt := range []struct{ name, body, want string }{
		{"one", `{"deviceName":"a.b:c@d_e-1"}`, "a.b:c@d_e-1"},
		{"several", `{"deviceNames":["dev1","dev2"]}`, "dev1 dev2"},
		{"so many", `{"count":2}`, "dev-000001 dev-000002"},
		{"more", `{"count":1,"prefix":"dev-"}`, "dev-000003"},
		{"so many without a prefix", `{"count":1,"prefix":""}`, "000001"},
	} {
		var got struct{ Devices []map[string]string }
		a := w.ask("POST", path, tt.body)
		w.into(a, &got)
		var names []string
		for _, d := range got.Devices {
			names = append(names, d["deviceName"])
			if len(d) != 2 || len(d["deviceSecret"]) != 32 {
				t.Errorf("%s: %v; want a name and a secret", tt.name, d)
			}
		}
		if a.status != 201 || strings.Join(names, " ") != tt.want {
			t.Errorf("%s = %d %s; want 201 and %s", tt.name, a.status, a.body, tt.want)
		}
	}
	added, err := c.AddDevices(t.Context(), product, "mine")
	w.must(err)
	numbered, err := c.AddNumberedDevices(t.Context(), product, "x-", 2)
	w.must(err)
	if len(added) != 1 || len(numbered) != 2 || numbered[1].Name != "x-000002" {
		t.Errorf("added %v and %v; want mine, x-000001 and x-000002", added, numbered)
	}
	d, err := c.Device(t.Context(), product, "a.b:c@d_e-1")
	w.must(err)
	if d.Name != "a.b:c@d_e-1" || d.Product != product {
		t.Errorf("Device = %+v; want a.b:c@d_e-1", d)
	}
	if a := w.ask("GET", path, ""); strings.Contains(a.body, "ecret") {
		t.Errorf("devices = %s; want no secrets", a.body)
	}
}

// A fleet moves in with the key and the secrets that it has.
func TestImport(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Editor)
	p, err := c.ImportProduct(t.Context(), "", "old fleet", "a1OldFleet0", "ItsOldSecret1234")
	w.must(err)
	if p.Key != "a1OldFleet0" || p.Secret != "ItsOldSecret1234" {
		t.Errorf("ImportProduct = %+v; want the key and the secret that were given", p)
	}
	w.refused("its key again", w.ask("POST", "/api/v1/products", `{"name":"other","productKey":"a1OldFleet0"}`), 409, cota.Exists)
	w.refused("a short key", w.ask("POST", "/api/v1/products", `{"name":"other","productKey":"a1"}`), 400, cota.Invalid)

	path := "/api/v1/products/a1OldFleet0/devices"
	a := w.ask("POST", path, `{"devices":[{"deviceName":"old-1","deviceSecret":"s1"}]}`)
	if a.status != 201 || !strings.Contains(a.body, `{"deviceName":"old-1","deviceSecret":"s1"}`) {
		t.Errorf("import = %d %s; want 201 and the device", a.status, a.body)
	}
	for _, body := range []string{
		`{"devices":[]}`, `{"devices":[{"deviceName":"old-2"}]}`, `{"devices":[{"deviceName":"old-2","deviceSecret":""}]}`,
		`{"devices":[{"deviceName":"old-2","deviceSecret":"s"}],"count":1}`, `{"devices":[{"deviceName":"old-2","deviceSecret":"s","x":1}]}`,
	} {
		w.refused(body, w.ask("POST", path, body), 400, cota.Invalid)
	}
	w.refused("one there already", w.ask("POST", path, `{"devices":[{"deviceName":"old-2","deviceSecret":"s"},{"deviceName":"old-1","deviceSecret":"s"}]}`), 409, cota.Exists)

	most := make([]cota.Credentials, control.MaxDevices)
	for i := range most {
		most[i] = cota.Credentials{Name: fmt.Sprintf("a-name-of-32-characters-%08d", i), Secret: cota.NewDeviceSecret()}
	}
	w.must(c.ImportDevices(t.Context(), p.Key, most...))
	_, secret, err := w.store.DeviceLogin(t.Context(), p.Key, most[9999].Name)
	if err != nil || secret != most[9999].Secret {
		t.Errorf("secret of the last of %d = %q, %v; want %q", len(most), secret, err, most[9999].Secret)
	}
	if strings.Contains(w.log.String(), "ItsOldSecret1234") || strings.Contains(w.log.String(), secret) {
		t.Error("a secret is in the log")
	}
}

func TestChangeDevice(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Publisher)
	product := w.product(1)
	path := "/api/v1/products/" + product + "/devices/dev-000001"
	login := func() string {
		t.Helper()
		_, secret, err := w.store.DeviceLogin(t.Context(), product, "dev-000001")
		w.must(err)
		return secret
	}
	before := login()
	d, err := c.DisableDevice(t.Context(), product, "dev-000001", true)
	w.must(err)
	if !d.Disabled || login() != before {
		t.Errorf("DisableDevice = %+v; want it disabled, with the secret it had", d)
	}
	secret, err := c.ResetDeviceSecret(t.Context(), product, "dev-000001")
	w.must(err)
	if secret == before || secret != login() {
		t.Errorf("ResetDeviceSecret = %s; want a new secret that the device signs in with", secret)
	}
	a := w.ask("PATCH", path, `{"disabled":false,"resetSecret":true}`)
	if a.status != 200 || !strings.Contains(a.body, `"disabled":false`) || !strings.Contains(a.body, login()) {
		t.Errorf("both at once = %d %s; want it enabled, with its new secret", a.status, a.body)
	}
	if a := w.ask("PATCH", path, `{"disabled":false}`); strings.Contains(a.body, "ecret") {
		t.Errorf("enable = %s; want no secret", a.body)
	}
	w.must(c.RemoveDevice(t.Context(), product, "dev-000001"))
	_, err = c.Device(t.Context(), product, "dev-000001")
	w.code("Device after RemoveDevice", err, cota.NotFound)
	w.code("RemoveDevice again", c.RemoveDevice(t.Context(), product, "dev-000001"), cota.NotFound)
}

// A device is shown as its product's push sees it.
func TestDevicesStandInThePush(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Viewer)
	product, first := w.pushed(3)
	w.climb(first, "dev-000001", cota.Applied)
	w.climb(first, "dev-000002", cota.Sent)
	d, err := c.Device(t.Context(), product, "dev-000001")
	w.must(err)
	if d.Push != first.No || d.State != cota.Applied || d.StateAt == nil {
		t.Errorf("Device = %+v; want it applied in push %d", d, first.No)
	}
	second := w.saveAndPush(product, `{"n":2}`)
	w.climb(second, "dev-000002", cota.Received)
	d, err = c.Device(t.Context(), product, "dev-000001")
	w.must(err)
	if d.Push != second.No || d.State != cota.Pending || d.Code != 0 || d.Detail != "" || d.StateAt != nil {
		t.Errorf("Device after the next push = %+v; want it pending in push %d", d, second.No)
	}

	in := func(list func(*cota.Rung) (names []string)) map[cota.Rung]string {
		found := map[cota.Rung]string{}
		for rung := cota.Pending; rung <= cota.Applied; rung++ {
			if names := list(&rung); names != nil {
				found[rung] = strings.Join(names, " ")
			}
		}
		return found
	}
	states := func(no int64) func(*cota.Rung) []string {
		return func(rung *cota.Rung) (names []string) {
			devices := c.Devices(t.Context(), product, client.DeviceFilter{State: rung})
			if no != 0 {
				devices = c.PushDevices(t.Context(), no, rung)
			}
			for d, err := range devices {
				w.must(err)
				if d.State != *rung {
					t.Errorf("device %+v is listed as %s", d, rung)
				}
				names = append(names, d.Name)
			}
			return names
		}
	}
	want := map[cota.Rung]string{cota.Pending: "dev-000001 dev-000003", cota.Received: "dev-000002"}
	equal(t, "devices by their state", in(states(0)), want)
	equal(t, "devices of the push by their state", in(states(second.No)), want)
	equal(t, "devices of the push before", in(states(first.No)), map[cota.Rung]string{cota.Applied: "dev-000001", cota.Pending: "dev-000003"})

	_, err = w.control.StopPush(t.Context(), admin, second.No, "enough")
	w.must(err)
	equal(t, "devices after the stop", in(states(0)), map[cota.Rung]string{
		cota.Applied: "dev-000001", cota.Received: "dev-000002", cota.Pending: "dev-000003",
	})

	offline, online := false, true
	if n := len(all(t, c.Devices(t.Context(), product, client.DeviceFilter{Online: &offline, Prefix: "dev-00000"}))); n != 3 {
		t.Errorf("%d devices offline; want 3", n)
	}
	if n := len(all(t, c.Devices(t.Context(), product, client.DeviceFilter{Online: &online}))); n != 0 {
		t.Errorf("%d devices online; want none", n)
	}
	var kinds []cota.EventKind
	for e, err := range c.Events(t.Context(), product, "dev-000002") {
		w.must(err)
		kinds = append(kinds, e.Kind)
	}
	equal(t, "Events", kinds, []cota.EventKind{"received", "sent"})
}

func TestMessages(t *testing.T) {
	w := newWorld(t)
	product := w.product(1)
	d, err := w.store.Device(t.Context(), product, "dev-000001")
	w.must(err)
	got, err := w.as(cota.Viewer).Messages(t.Context(), product, d.Name)
	w.must(err)
	equal(t, "Messages", got, said(d.ID))
	_, err = w.as(cota.Viewer).Messages(t.Context(), product, "nobody")
	w.code("Messages of no device", err, cota.NotFound)
}

func TestServer(t *testing.T) {
	w := newWorld(t)
	got, err := w.as(cota.Viewer).Server(t.Context())
	w.must(err)
	equal(t, "Server", got, client.Server{Version: "test", MQTTPort: 1883, FilesURL: "http://files"})
}
