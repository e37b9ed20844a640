package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// What the client says to a real server is tested in internal/api. Here it
// meets what is no cota server, and addresses that are none.

func TestAddress(t *testing.T) {
	for _, base := range []string{"", "localhost:8080", "ftp://host", "http://", "http://user:password@host", "http://host?x=y", "http://host#x", "http://a b"} {
		_, err := client.New(base, "").Me(t.Context())
		if cota.CodeOf(err) != cota.Invalid || strings.Contains(err.Error(), "password") {
			t.Errorf("Me at %q: %v; want a refusal of the address", base, err)
		}
	}
}

func TestRequest(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body))
		io.WriteString(w, "{}")
	}))
	defer server.Close()
	c := client.New(server.URL+"/behind/a/proxy/", "cota_x")
	if _, err := c.Device(t.Context(), "a1Productxx", "odd name/?#%"); err != nil {
		t.Error(err)
	}
	if _, err := c.StartPush(t.Context(), "a1Productxx", 3); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /behind/a/proxy/api/v1/products/a1Productxx/devices/odd%20name%2F%3F%23%25 Bearer cota_x  ",
		`POST /behind/a/proxy/api/v1/products/a1Productxx/pushes Bearer cota_x application/json {"version":3}`,
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("requests = %q; want %q", got, want)
			break
		}
	}
}

func TestAnswers(t *testing.T) {
	problem := "application/problem+json; charset=utf-8"
	for _, tt := range []struct {
		name   string
		status int
		kind   string
		body   string
		code   cota.Code
		says   string
	}{
		{"problem", 409, problem, `{"code":"cooldown","detail":"too soon","until":"2031-01-02T03:04:05Z"}`, cota.Cooldown, "too soon"},
		{"problem of a newer server", 418, problem, `{"code":"teapot","detail":"short and stout"}`, "teapot", "short and stout"},
		{"proxy without a server", 502, "text/html", "<html>", cota.Unavailable, "502 Bad Gateway"},
		{"another server", 404, "text/html", "<html>", cota.Internal, "404 Not Found"},
		{"problem that is none", 500, problem, "<html>", cota.Unavailable, "500"},
		{"no JSON", 200, "text/html", "<html>", cota.Internal, "read the answer"},
		{"a list without its key", 200, "application/json", `{}`, cota.Internal, "list of products"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			n := 0
			for _, err := range client.New(server.URL, "").Products(t.Context(), client.ProductFilter{}) {
				n++
				if err == nil || cota.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("Products: %v; want code %q and %q", err, tt.code, tt.says)
				}
				if e, ok := err.(*cota.Error); tt.code == cota.Cooldown && (!ok || !e.Until.Equal(time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC))) {
					t.Errorf("Products: %#v; want until", err)
				}
			}
			if n != 1 {
				t.Errorf("Products yielded %d times; want one error", n)
			}
		})
	}
}
