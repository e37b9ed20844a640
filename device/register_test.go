package device

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cotahq/cota/alink"
)

func TestRegister(t *testing.T) {
	const productSecret, secret = "ProductSecret16x", "0123456789abcdef0123456789abcdef"
	status, text := http.StatusOK, string(alink.AppendRegistered(nil, "a1B2c3D4e5F", "dev-01", secret))
	randoms := map[string]bool{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := io.ReadAll(r.Body)
		reg, parse := alink.ParseRegistration(form)
		if err != nil || parse != nil || !reg.Verify(productSecret) || r.Method != "POST" || r.URL.Path != "/auth/register/device" {
			t.Errorf("%s %s %q: %v, %v; want a registration that verifies", r.Method, r.URL, form, err, parse)
		}
		randoms[reg.Random] = true
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	defer s.Close()
	o := RegisterOptions{Server: s.URL + "/", ProductKey: "a1B2c3D4e5F", DeviceName: "dev-01", ProductSecret: productSecret, HTTPClient: s.Client()}
	for range 2 {
		if got, err := Register(t.Context(), o); got != secret || err != nil {
			t.Fatalf("Register = %q, %v; want the secret", got, err)
		}
	}
	if len(randoms) != 2 {
		t.Errorf("%d randoms in two registrations; want two", len(randoms))
	}
	for _, tt := range []struct {
		name   string
		status int
		text   string
		want   string
	}{
		{"refused", 200, string(alink.AppendRefused(nil, alink.CodeAlreadyActive)), "6289 device already active"},
		{"put off", 429, string(alink.AppendRefused(nil, alink.CodeTooManyRequests)), "429 Too Many Requests"},
		{"another server", 404, "<html>not here</html>", "404 Not Found"},
		{"endless", 200, strings.Repeat("x", maxRegistered+1), "not a JSON object"},
	} {
		status, text = tt.status, tt.text
		if got, err := Register(t.Context(), o); got != "" || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Register = %q, %v; want an error with %q", tt.name, got, err, tt.want)
		}
	}
	status, text = 200, string(alink.AppendRefused(nil, alink.CodeAlreadyActive))
	_, err := Register(t.Context(), o)
	if e, ok := errors.AsType[*alink.Error](err); !ok || e.Code != alink.CodeAlreadyActive {
		t.Errorf("Register refused: %v; want an *alink.Error with its code", err)
	}
	for name, change := range map[string]func(o *RegisterOptions){
		"no server":           func(o *RegisterOptions) { o.Server = "" },
		"a server of nothing": func(o *RegisterOptions) { o.Server = "https://[::1" },
		"an unknown authority": func(o *RegisterOptions) {
			o.HTTPClient = nil
		},
		"no secret":  func(o *RegisterOptions) { o.ProductSecret = "" },
		"a bad name": func(o *RegisterOptions) { o.DeviceName = "d" },
	} {
		bad := o
		change(&bad)
		if got, err := Register(t.Context(), bad); err == nil || got != "" || strings.Contains(err.Error(), productSecret) {
			t.Errorf("%s: Register = %q, %v; want an error without the secret", name, got, err)
		}
	}
}
