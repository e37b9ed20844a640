package register_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
	"github.com/cotahq/cota/internal/register"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

// rig is a handler, behind TLS but in a bubble of time, with a product that
// lets its devices register.
type rig struct {
	*testing.T
	store   *store.Store
	control *control.Control
	handler http.Handler
	server  *httptest.Server
	log     *bytes.Buffer
	product string
	secret  string // the ProductSecret
	creds   []cota.Credentials
}

func newRig(t *testing.T, change func(*register.Options)) *rig {
	t.Helper()
	r := newBareRig(t, change)
	r.server = httptest.NewTLSServer(r.handler)
	t.Cleanup(r.server.Close)
	return r
}

func newBareRig(t *testing.T, change func(*register.Options)) *rig {
	t.Helper()
	r := &rig{T: t, store: storetest.SQLite(t), log: new(bytes.Buffer)}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	r.control, err = control.New(t.Context(), control.Options{Store: r.store, FilesURL: "http://f", Log: log})
	r.must(err)
	o := register.Options{Control: r.control, Log: log, Client: client, MQTTPort: 1883}
	if change != nil {
		change(&o)
	}
	r.handler = register.New(o)
	var p cota.Product
	p, r.secret, err = r.control.AddProduct(t.Context(), control.System, cota.DefaultInstance, "meter")
	r.must(err)
	r.product = p.Key
	r.creds, err = r.control.AddDevices(t.Context(), control.System, p.Key, []string{"dev-1", "dev-2"})
	r.must(err)
	r.turn(true)
	return r
}

// client is where a request comes from if no proxy is trusted.
func client(r *http.Request) (netip.Addr, bool) { return limit.Address(r.RemoteAddr), r.TLS != nil }

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) turn(on bool) {
	r.Helper()
	_, err := r.control.SetRegistration(r.Context(), control.System, r.product, &on, nil)
	r.must(err)
}

// form is a registration that is signed as it should be.
func (r *rig) form(product, name string) string {
	r.Helper()
	form, err := alink.SignRegistration(product, name, r.secret, "8Ygb7ULYh53B6OA")
	r.must(err)
	return form
}

type answer struct {
	status int
	header http.Header
	body   string
	Code   alink.Code
	Data   struct {
		ProductKey, DeviceName, DeviceSecret string
		IotID, IotToken                      string
		Resources                            struct{ MQTT struct{ Host, Port any } }
	}
	Message string
}

const (
	registerPath = "/auth/register/device"
	preAuthPath  = "/auth/devicename"
)

func (r *rig) ask(method, path, body string) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.server.URL+path, strings.NewReader(body))
	r.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.send(req)
}

func (r *rig) send(req *http.Request) (a answer) {
	r.Helper()
	resp, err := r.server.Client().Do(req)
	r.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.must(err)
	if err := json.Unmarshal(text, &a); err != nil {
		r.Fatalf("answer %q: %v", text, err)
	}
	a.status, a.header, a.body = resp.StatusCode, resp.Header, string(text)
	if strings.ContainsAny(a.body, "\n\\") || strings.Contains(a.body, ": ") || resp.ContentLength != int64(len(text)) || len(a.header) > 3 {
		r.Errorf("answer %q, headers %v; want compact JSON with its length, and few headers", a.body, a.header)
	}
	return a
}

func (r *rig) want(what string, a answer, status int, code alink.Code) {
	r.Helper()
	if a.status != status || a.Code != code || (code != 200) != (a.Data.DeviceSecret == "" && a.Data.IotToken == "") {
		r.Errorf("%s = %d %s; want %d with code %d", what, a.status, a.body, status, code)
	}
}

// signsIn reports whether a device with this secret is let in.
func (r *rig) signsIn(name, secret string) bool {
	r.Helper()
	_, err := r.control.SignIn(r.Context(), r.product, name, func(s string) bool { return s == secret })
	return err == nil
}

func TestRegister(t *testing.T) {
	r := newRig(t, nil)
	first := r.ask("POST", registerPath, r.form(r.product, "dev-1"))
	r.want("a listed device", first, 200, 200)
	want := fmt.Sprintf(`{"code":200,"data":{"productKey":"%s","deviceName":"dev-1","deviceSecret":"%s"},"message":"success"}`, r.product, first.Data.DeviceSecret)
	if first.body != want || len(first.body) >= 256 {
		t.Errorf("answer %s; want %s", first.body, want)
	}
	second := r.ask("POST", registerPath, strings.Replace(r.form(r.product, "dev-1"), "hmacsha256", "HMACSHA256", 1))
	r.want("again", second, 200, 200)
	if r.signsIn("dev-1", first.Data.DeviceSecret) || !r.signsIn("dev-1", second.Data.DeviceSecret) {
		t.Error("it is not the last secret that counts")
	}
	form := r.form(r.product, "dev-1")
	sign := strings.Index(form, "&sign=") + len("&sign=")
	forged := form[:sign] + strings.Repeat("0", 64) + form[sign+64:]
	for _, tt := range []struct {
		name, form string
		want       alink.Code
	}{
		{"forged", forged, alink.CodeRegistrationWrong},
		{"no product", r.form("a1nothing00", "dev-1"), alink.CodeProductNotFound},
		{"not listed", r.form(r.product, "dev-9"), alink.CodeDeviceNotFound},
		{"a bad name", strings.Replace(form, "dev-1", "d", 1), alink.CodeBadDeviceName},
		{"an unknown method", strings.Replace(form, "hmacsha256", "md5", 1), alink.CodeBadSignMethod},
		{"no form", `{"productKey":1}`, alink.CodeBadParameters},
		{"nothing", "", alink.CodeBadParameters},
	} {
		r.want(tt.name, r.ask("POST", registerPath, tt.form), 200, tt.want)
	}
	r.turn(false)
	r.want("switched off", r.ask("POST", registerPath, form), 200, alink.CodeRegistrationOff)
	r.want("switched off, forged", r.ask("POST", registerPath, forged), 200, alink.CodeRegistrationWrong)
	r.turn(true)
	r.must(r.control.DisableDevice(t.Context(), control.System, r.product, "dev-1", true))
	r.want("disabled", r.ask("POST", registerPath, form), 200, alink.CodeDeviceDisabled)
	r.must(r.control.DisableDevice(t.Context(), control.System, r.product, "dev-1", false))
	r.want("after all that", r.ask("POST", registerPath, form), 200, 200)
	for _, s := range []string{r.secret, first.Data.DeviceSecret, second.Data.DeviceSecret, form[sign : sign+64]} {
		if strings.Contains(r.log.String(), s) {
			t.Errorf("the log holds a secret:\n%s", r.log)
		}
	}
}

// The HTTP form is as strict as the codes are.
func TestRequestsThatAreNone(t *testing.T) {
	r := newRig(t, nil)
	form := r.form(r.product, "dev-1")
	r.want("GET", r.ask("GET", registerPath, ""), 405, alink.CodeRequestFailed)
	r.want("another path", r.ask("POST", "/auth/register", form), 404, alink.CodeRequestFailed)
	r.want("too large", r.ask("POST", registerPath, form+"&x="+strings.Repeat("x", alink.MaxForm)), 413, alink.CodeBadParameters)
	if got := r.ask("GET", preAuthPath, "").header.Get("Allow"); got != "POST" {
		t.Errorf("Allow = %q; want POST", got)
	}
}

func TestPlainRequestsAreRefused(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		r := newRig(t, func(o *register.Options) { o.AllowPlain = allowed })
		plain := httptest.NewServer(r.handler)
		defer plain.Close()
		r.server.URL = plain.URL
		a := r.ask("POST", registerPath, r.form(r.product, "dev-1"))
		if !allowed {
			r.want("without TLS", a, 403, alink.CodeBadParameters)
			continue
		}
		r.want("without TLS, which is allowed", a, 200, 200)
	}
}

// limitedRig puts off after 60 refusals of an address, and 3 of a device there.
func limitedRig(t *testing.T) (r *rig, from *netip.Addr, ask func(form string) *http.Response) {
	from = new(netip.Addr)
	r = newBareRig(t, func(o *register.Options) {
		o.Client = func(*http.Request) (netip.Addr, bool) { return *from, true }
		o.RefusalsPerAddress, o.RefusalsPerDevice = 60, 3
	})
	return r, from, func(form string) *http.Response {
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, httptest.NewRequest("POST", registerPath, strings.NewReader(form)))
		return w.Result()
	}
}

func TestRefusalsOfAnAddressAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, from, ask := limitedRig(t)
		*from = netip.MustParseAddr("192.0.2.7")
		good, known := r.form(r.product, "dev-1"), r.form(r.product, "dev-2")
		if resp := ask(known); resp.StatusCode != 200 {
			t.Fatalf("the first request = %s; want 200", resp.Status)
		}
		for n := range 60 {
			if resp := ask("sign=0"); resp.StatusCode != 200 {
				t.Fatalf("refusal %d = %s; want 200 with a code", n, resp.Status)
			}
		}
		before, putOff := r.log.Len(), r.putOff("address")
		for what, form := range map[string]string{"a good form": good, "none": "sign=0"} {
			if resp := ask(form); resp.StatusCode != 429 || resp.Header.Get("Connection") != "close" || r.log.Len() != before {
				t.Errorf("%s after 60 refusals = %s, headers %v; want 429, the connection closed, and no line in the log", what, resp.Status, resp.Header)
			}
		}
		if n := r.putOff("address") - putOff; n != 2 {
			t.Errorf("%v were counted as put off; want 2", n)
		}
		if resp := ask(known); resp.StatusCode != 200 {
			t.Errorf("a device that was accepted there before = %s; want 200", resp.Status)
		}
		*from = netip.MustParseAddr("192.0.2.8")
		if resp := ask(good); resp.StatusCode != 200 {
			t.Errorf("another address = %s; want 200", resp.Status)
		}
		*from = netip.MustParseAddr("192.0.2.7")
		time.Sleep(time.Second)
		if resp := ask(r.form(r.product, "dev-3")); resp.StatusCode != 200 {
			t.Errorf("a second later = %s; want to be looked at", resp.Status)
		}
	})
}

func TestRefusalsOfADeviceAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, from, ask := limitedRig(t)
		*from = netip.MustParseAddr("192.0.2.7")
		good := r.form(r.product, "dev-1")
		forged := strings.Replace(good, "&sign=", "&sign=00", 1)
		for n := range 3 {
			if resp := ask(forged); resp.StatusCode != 200 {
				t.Fatalf("refusal %d = %s; want 200 with a code", n, resp.Status)
			}
		}
		putOff := r.putOff("device")
		if resp := ask(good); resp.StatusCode != 429 || r.putOff("device")-putOff != 1 {
			t.Errorf("after 3 refusals = %s; want 429, counted by device", resp.Status)
		}
		if resp := ask(r.form(r.product, "dev-2")); resp.StatusCode != 200 {
			t.Errorf("its neighbour = %s; want 200", resp.Status)
		}
		*from = netip.MustParseAddr("192.0.2.8")
		if resp := ask(good); resp.StatusCode != 200 {
			t.Errorf("from another address = %s; want 200", resp.Status)
		}
	})
}

// putOff is how many requests were put off by a bound, as the metrics say.
func (r *rig) putOff(bound string) (n float64) {
	r.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	r.must(err)
	for _, f := range families {
		if f.GetName() != "cota_registration_requests_put_off_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == bound {
				n = m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func TestPreAuth(t *testing.T) {
	r := newRig(t, nil)
	login, err := alink.Sign(r.product, "dev-1", r.creds[0].Secret, alink.SignOptions{Timestamp: "2524608000000"})
	r.must(err)
	form := "productKey=" + r.product + "&deviceName=dev-1&sign=" + login.Password + "&version=default&clientId=" + r.product + ".dev-1" +
		"&timestamp=2524608000000&resources=mqtt&signmethod=hmacsha256"
	a := r.ask("POST", preAuthPath, form)
	r.want("pre-authentication", a, 200, 200)
	want := fmt.Sprintf(`{"code":200,"data":{"iotId":"%s","iotToken":"%s","resources":{"mqtt":{"host":"127.0.0.1","port":1883}}},"message":"success"}`,
		a.Data.IotID, a.Data.IotToken)
	if a.body != want || len(a.body)+register.MaxHost-len("127.0.0.1")+1 >= 300 {
		t.Errorf("answer %s; want %s", a.body, want)
	}
	l, err := alink.ParseLogin(login.ClientID, a.Data.IotID, a.Data.IotToken)
	r.must(err)
	product, name, verify, err := r.control.PreAuthorized(t.Context(), l.IotID, l.Password())
	if err != nil || product != r.product || name != "dev-1" || !verify(r.creds[0].Secret) {
		t.Errorf("PreAuthorized = %s, %s, %v; want dev-1", product, name, err)
	}
	for _, tt := range []struct {
		name, form string
		want       alink.Code
	}{
		{"another device", strings.ReplaceAll(form, "dev-1", "dev-2"), alink.CodeBadAuth},
		{"no device", strings.Replace(form, "deviceName=dev-1", "deviceName=dev-9", 1), alink.CodeUnknownDevice},
		{"no product", strings.Replace(form, "productKey="+r.product, "productKey=a1nothing00", 1), alink.CodeUnknownDevice},
		{"nothing", "", alink.CodeBadParameters},
	} {
		r.want(tt.name, r.ask("POST", preAuthPath, tt.form), 200, tt.want)
	}
	r.must(r.control.DisableDevice(t.Context(), control.System, r.product, "dev-1", true))
	r.want("disabled", r.ask("POST", preAuthPath, form), 200, alink.CodeDeviceDisabled)
	if strings.Contains(r.log.String(), a.Data.IotToken) || strings.Contains(r.log.String(), r.creds[0].Secret) {
		t.Error("the log holds a secret")
	}
}

func TestPreAuthSaysWhereToConnect(t *testing.T) {
	for _, tt := range []struct {
		configured, host string
		want             any // nil: refused
	}{
		{"", "iot-auth.example.com", "iot-auth.example.com"},
		{"", "iot-auth.example.com:8443", "iot-auth.example.com"},
		{"", "[2001:db8::1]:443", "2001:db8::1"},
		{"", strings.Repeat("h", 64), nil},
		{"", "a_b", nil},
		{"mqtt.example.com", "a_b", "mqtt.example.com"},
	} {
		r := newRig(t, func(o *register.Options) { o.MQTTHost = tt.configured })
		login, err := alink.Sign(r.product, "dev-1", r.creds[0].Secret, alink.SignOptions{ClientID: "c"})
		r.must(err)
		form := "productKey=" + r.product + "&deviceName=dev-1&sign=" + login.Password + "&clientId=c&signmethod=hmacsha256"
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.server.URL+preAuthPath, strings.NewReader(form))
		r.must(err)
		req.Host = tt.host
		a := r.send(req)
		if tt.want == nil {
			r.want("host "+tt.host, a, 400, alink.CodeBadParameters)
			continue
		}
		if a.Data.Resources.MQTT.Host != tt.want {
			t.Errorf("host %q: answer %s; want %s", tt.host, a.body, tt.want)
		}
	}
}

func TestBrokenDatabaseIsNotTheDevicesFault(t *testing.T) {
	r := newRig(t, nil)
	form := r.form(r.product, "dev-1")
	r.must(r.store.Close(t.Context()))
	a := r.ask("POST", registerPath, form)
	r.want("with the database closed", a, 500, alink.CodeServerError)
}
