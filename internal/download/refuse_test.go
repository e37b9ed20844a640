package download_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/download"
)

func TestLinkThatIsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		token := r.token()
		other := byte('A')
		if token[30] == other {
			other = 'B'
		}
		altered := token[:30] + string(other) + token[31:]
		signer, err := cota.NewSigner(cota.SigningKey{ID: 1, Secret: make([]byte, 32)})
		r.must(err)
		grant := cota.Grant{Product: r.product, Version: 1, Device: r.device.ID, Push: 1, Expires: time.Now().Add(time.Hour)}
		foreign := string(signer.AppendToken(nil, grant))
		noVersion := string(r.control.AppendToken(nil, &r.device, control.Offer{
			Version: &cota.Version{Number: 99}, Expires: grant.Expires,
		}))
		noProduct := string(r.control.AppendToken(nil, &control.Device{ID: 1, Product: "a1nothing00"}, control.Offer{
			Version: &r.version, Expires: grant.Expires,
		}))
		for _, tt := range []struct {
			name, line string
			want       int
		}{
			{"good", "GET /c/" + token, http.StatusOK},
			{"with a query", "GET /c/" + token + "?a=b", http.StatusOK},

			{"altered", "GET /c/" + altered, http.StatusForbidden},
			{"altered, HEAD", "HEAD /c/" + altered, http.StatusForbidden},
			{"signed by another server", "GET /c/" + foreign, http.StatusForbidden},
			{"cut", "GET /c/" + token[:len(token)-1], http.StatusForbidden},
			{"longer", "GET /c/" + token + "A", http.StatusForbidden},
			{"padded", "GET /c/" + token + "=", http.StatusForbidden},
			{"empty", "GET /c/", http.StatusForbidden},
			{"of a version that is gone", "GET /c/" + noVersion, http.StatusForbidden},
			{"of a product that is gone", "GET /c/" + noProduct, http.StatusForbidden},
			{"of 10 KB", "GET /c/" + strings.Repeat("A", 10<<10), http.StatusForbidden},

			{"up", "GET /c/../c/" + token, http.StatusForbidden},
			{"up, at the end", "GET /c/" + token + "/..", http.StatusForbidden},
			{"up, escaped", "GET /c/%2e%2e/c/" + token, http.StatusForbidden},
			{"slash at the end", "GET /c/" + token + "/", http.StatusForbidden},
			{"escaped token", "GET /c/%" + "41" + token[1:], http.StatusForbidden}, // tokens of key 1 begin with an A
			{"escaped slash", "GET /c%2f" + token, http.StatusNotFound},
			{"escaped c", "GET /%63/" + token, http.StatusNotFound},
			{"two slashes first", "GET //c/" + token, http.StatusNotFound},
			{"two slashes", "GET /c//" + token, http.StatusForbidden},
			{"backslash", `GET /c\` + token, http.StatusNotFound},
			{"upper case", "GET /C/" + token, http.StatusNotFound},
			{"from elsewhere", "GET /x/../c/" + token, http.StatusNotFound},

			{"root", "GET /", http.StatusNotFound},
			{"favicon", "GET /favicon.ico", http.StatusNotFound},
			{"management", "GET /api/v1/me", http.StatusNotFound},
			{"metrics", "GET /metrics", http.StatusNotFound},
			{"data", "GET /c/cota.db", http.StatusForbidden},
			{"POST elsewhere", "POST /api/v1/session", http.StatusNotFound},

			{"POST", "POST /c/" + token, http.StatusMethodNotAllowed},
			{"PUT", "PUT /c/" + token, http.StatusMethodNotAllowed},
			{"DELETE", "DELETE /c/" + token, http.StatusMethodNotAllowed},
			{"OPTIONS", "OPTIONS /c/" + token, http.StatusMethodNotAllowed},
		} {
			if status, body := r.do(tt.line); status != tt.want || status != http.StatusOK && body != "" {
				t.Errorf("%s: %d %q; want %d", tt.name, status, body, tt.want)
			}
		}
		if strings.Contains(r.log.String(), token[:20]) {
			t.Error("the log holds a link")
		}
	})
}

func TestMethodThatIsNotAllowed(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		c := r.dial()
		c.send("POST /c/" + r.token())
		want := "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\r\n"
		if head := c.head(); head != want {
			t.Errorf("head %q; want %q", head, want)
		}
	})
}

func TestLinkLivesHalfAnHour(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		line := "GET /c/" + r.token()
		time.Sleep(30*time.Minute - time.Millisecond)
		if status, _ := r.do(line); status != http.StatusOK {
			t.Errorf("a moment before: %d; want 200", status)
		}
		time.Sleep(time.Millisecond)
		if status, _ := r.do(line); status != http.StatusForbidden {
			t.Errorf("after 30 minutes: %d; want 403", status)
		}
	})
}

func TestSwitch(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		line := "GET /c/" + r.token()
		for _, on := range []bool{true, false, true} {
			r.enable(on)
			want := http.StatusForbidden
			if on {
				want = http.StatusOK
			}
			if status, _ := r.do(line); status != want {
				t.Errorf("switched on: %t: %d; want %d", on, status, want)
			}
		}
	})
}

func TestLinkOutlivesItsPush(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		line := "GET /c/" + r.token()
		_, err := r.control.StopPush(t.Context(), control.System, r.push.No, "")
		r.must(err)
		for range 8 { // beyond the history
			n, err := r.store.Product(t.Context(), r.product)
			r.must(err)
			_, err = r.control.SaveVersion(t.Context(), control.System, r.product, control.Draft{Content: strings.Repeat(" ", int(n.Current)) + "{}"})
			r.must(err)
		}
		time.Sleep(29 * time.Minute)
		if status, body := r.do(line); status != http.StatusOK || body != "{}" {
			t.Errorf("%d %q; want the version that was pushed", status, body)
		}
		r.wantFetched("after the push was stopped", true)
	})
}

func TestProductThatIsRemoved(t *testing.T) {
	everywhere(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		line := "GET /c/" + r.token()
		if status, _ := r.do(line); status != http.StatusOK {
			t.Fatalf("%d; want 200", status)
		}
		r.must(r.control.RemoveDevice(t.Context(), control.System, r.product, "dev-1"))
		r.must(r.control.RemoveProduct(t.Context(), control.System, r.product))
		if status, _ := r.do(line); status != http.StatusForbidden {
			t.Errorf("%d; want 403", status)
		}
	})
}

func TestRefusalsAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRigOf(t, e, `{}`, download.Options{RefusalsPerAddress: 200})
		c := r.dial()
		for n := range 200 {
			c.send("GET /c/nonsense")
			if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 403 ") {
				t.Fatalf("refusal %d: %q; want 403", n+1, head)
			}
		}
		c.send("GET /c/nonsense")
		want := "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
		if head := c.head(); head != want {
			t.Errorf("refusal 201: %q; want %q", head, want)
		}
		if _, err := c.in.ReadByte(); err == nil {
			t.Error("the connection goes on; want it closed")
		}
		if status, _ := r.do("GET /c/" + r.token()); status != http.StatusOK {
			t.Errorf("a good link: %d; want 200", status)
		}
		time.Sleep(time.Second)
		if status, _ := r.do("GET /c/nonsense"); status != http.StatusForbidden {
			t.Errorf("a second later: %d; want 403", status)
		}
	})
}

// A device that asks for an expired link for ever is told so, and neither its
// good link nor its neighbours behind the same address suffer.
func TestRefusalsOfADeviceAreLimited(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRigOf(t, e, `{}`, download.Options{RefusalsPerAddress: 300, RefusalsPerDevice: 10})
		old := "GET /c/" + r.token()
		neighbour := "GET /c/" + string(r.control.AppendToken(nil, &control.Device{ID: 99, Product: r.product}, control.Offer{
			Push: r.push.No, Version: &r.version, Expires: time.Now().Add(time.Minute),
		}))
		time.Sleep(time.Hour)
		for range 10 {
			if status, _ := r.do(old); status != http.StatusForbidden {
				t.Fatalf("within the limit: %d; want 403", status)
			}
		}
		for range 1000 {
			if status, _ := r.do(old); status != http.StatusTooManyRequests {
				t.Fatalf("beyond the limit: %d; want 429", status)
			}
		}
		if status, _ := r.do(neighbour); status != http.StatusForbidden {
			t.Errorf("another device's expired link: %d; want 403", status)
		}
		if status, _ := r.do("GET /c/" + r.token()); status != http.StatusOK {
			t.Errorf("the device's good link: %d; want 200", status)
		}
		time.Sleep(6 * time.Second)
		if status, _ := r.do(old); status != http.StatusForbidden {
			t.Errorf("a tenth of a minute later: %d; want 403", status)
		}
	})
}

// What is refused costs no look at the database, whyever it is refused.
func TestRefusingCostsNoLook(t *testing.T) {
	bubble(t, func(t *testing.T, e engine) {
		r := newRig(t, e, `{}`)
		expired := r.token()
		time.Sleep(time.Hour)
		grant := func(product string, version int64) string {
			return string(r.control.AppendToken(nil, &control.Device{ID: 1, Product: product}, control.Offer{
				Version: &cota.Version{Number: version}, Expires: time.Now().Add(30 * time.Minute),
			}))
		}
		tokens := map[string]string{
			"invalid": "nonsense", "expired": expired, "of a version that is gone": grant(r.product, 99), "of a product that is gone": grant("a1nothing00", 1),
		}
		for what, token := range tokens {
			if status, _ := r.do("GET /c/" + token); status != http.StatusForbidden {
				t.Errorf("%s: %d; want 403", what, status)
			}
		}
		for _, table := range []string{"product", "version"} {
			r.sql("ALTER TABLE " + table + " RENAME TO hidden_" + table)
		}
		for what, token := range tokens {
			if status, _ := r.do("GET /c/" + token); status != http.StatusForbidden {
				t.Errorf("%s, and the database is broken: %d; want 403", what, status)
			}
		}
		time.Sleep(time.Minute)
		for _, what := range []string{"of a version that is gone", "of a product that is gone"} {
			if status, _ := r.do("GET /c/" + tokens[what]); status != http.StatusInternalServerError {
				t.Errorf("%s, a minute later: %d; want it looked for again, and 500", what, status)
			}
		}
	})
}
