package api_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/api"
)

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/products", "/api/v1/nothing", "/healthz", "/openapi.json", "/docs", "/metrics"} {
		a := w.ask("GET", path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s = %q; want %q", path, name, got, want)
			}
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s = %v; want a policy and a request id", path, a.header)
		}
	}
	a := w.ask("GET", "/api/v1/me", "", "Authorization", "")
	if got := a.header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate = %q; want Bearer", got)
	}
}

func TestOtherOriginsMayNotChange(t *testing.T) {
	w := newWorld(t)
	body := `{"name":"a"}`
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		w.refused(strings.Join(header, " "), w.ask("POST", "/api/v1/products", body, header...), 403, cota.Forbidden)
		if a := w.ask("GET", "/api/v1/products", "", header...); a.status != 200 {
			t.Errorf("read with %s = %d; want 200", header, a.status)
		}
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		a := w.ask(method, "/api/v1/products", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s by another origin: %s is there; want no page of another origin allowed", method, name)
			}
		}
	}
	if a := w.ask("POST", "/api/v1/products", body, "Origin", w.server.URL, "Sec-Fetch-Site", "same-origin"); a.status != 201 {
		t.Errorf("change by our own page = %d %s; want 201", a.status, a.body)
	}
}

func TestOneLineOfLogPerRequest(t *testing.T) {
	w := newWorld(t)
	product := w.product(0)
	w.log.Reset()
	w.ask("POST", "/api/v1/session", `{"username":"admin","password":"`+password+`"}`)
	w.ask("PATCH", "/api/v1/products/"+product, `{"name":"other"}`, "Authorization", "Bearer "+w.tokens[cota.Editor])
	w.ask("GET", "/api/v1/products?instance=default", "")
	w.ask("GET", "/api/v1/nowhere?token=x", "")
	w.server.Close()
	var lines []string
	id := regexp.MustCompile(`^time=\S+ (.*) request=[A-Z2-7]{16} (.*) took=\S+ (.*)$`)
	for line := range strings.Lines(w.log.String()) {
		lines = append(lines, id.ReplaceAllString(strings.TrimSpace(line), "$1 $2 $3"))
	}
	equal(t, "the log", lines, []string{
		`level=INFO msg=request method=POST route="POST /api/v1/session" status=200 actor="" addr=127.0.0.1`,
		`level=INFO msg=request method=PATCH route="PATCH /api/v1/products/{productKey}" status=200 actor=admin/editor addr=127.0.0.1`,
		`level=DEBUG msg=request method=GET route="GET /api/v1/products" status=200 actor=admin/admin addr=127.0.0.1`,
		`level=DEBUG msg=request method=GET route="" status=404 actor="" addr=127.0.0.1`,
	})
}

func TestFaultsOfOursSayNothing(t *testing.T) {
	w := newWorld(t)
	product := w.product(0)
	w.must(w.store.Close(t.Context()))
	a := w.ask("GET", "/readyz", "")
	w.refused("readyz without a database", a, 503, cota.Unavailable)
	if a := w.ask("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz without a database = %d; want 200", a.status)
	}
	a = w.ask("GET", "/api/v1/products/"+product, "")
	w.refused("query without a database", a, 500, cota.Internal)
	id := a.header.Get("X-Request-Id")
	if want := `{"status":500,"code":"internal","title":"Internal Server Error","detail":"request ` + id + `; the server's log says more"}` + "\n"; a.body != want {
		t.Errorf("query without a database = %s; want %s", a.body, want)
	}
	w.server.Close()
	if !strings.Contains(w.log.String(), `level=ERROR msg="request failed" request=`+id+` err=`) {
		t.Errorf("log = %s; want why request %s failed", w.log, id)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(api.New(api.Options{
		Control: w.control, Store: w.store, Log: discard, Online: func(string) int { panic("a bug of ours") },
	}))
	defer server.Close()
	w.server.Config.Handler = server.Config.Handler
	w.product(0)
	a := w.ask("GET", "/api/v1/products", "")
	w.refused("a handler that panics", a, 500, cota.Internal)
	if strings.Contains(a.body, "bug") {
		t.Errorf("a handler that panics = %s; want no word of why", a.body)
	}
	if a := w.ask("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz after a panic = %d; want 200", a.status)
	}
}

func TestDoorsAreOpenToProbes(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": "go_goroutines", "/docs": "swagger-ui", "/docs/": "swagger-ui"} {
		if a := w.ask("GET", path, "", "Authorization", ""); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s = %d %.200s; want 200 with %s", path, a.status, a.body, want)
		}
	}
}

// The page loads what it needs from this server, and its policy would stop
// it from loading anything else.
func TestDocsLoadNothingRemote(t *testing.T) {
	w := newWorld(t)
	page := w.ask("GET", "/docs", "")
	for _, directive := range strings.Split(page.header.Get("Content-Security-Policy"), "; ") {
		if regexp.MustCompile(`https?:|\*|unsafe-eval`).MatchString(directive) {
			t.Errorf("the page's policy allows %q", directive)
		}
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.body, -1)
	if len(links) < 4 {
		t.Fatalf("page = %s; want its style and scripts", page.body)
	}
	for _, link := range links {
		if link[1] == "data:," {
			continue
		}
		if !strings.HasPrefix(link[1], "/docs/") {
			t.Errorf("the page loads %s; want only what is under /docs", link[1])
		}
		if a := w.ask("GET", link[1], "", "Authorization", ""); a.status != http.StatusOK {
			t.Errorf("%s = %d; want 200", link[1], a.status)
		}
	}
	own := w.ask("GET", "/docs/index.js", "")
	if !strings.Contains(own.body, `"/openapi.json"`) || !strings.Contains(own.body, "validatorUrl: null") || strings.Contains(own.body, "//swagger") {
		t.Errorf("index.js = %s; want our description, and no validator", own.body)
	}
	css := w.ask("GET", "/docs/swagger-ui.css", "")
	if regexp.MustCompile(`@import|url\((?:"|')?(?:https?:)?//`).MatchString(css.body) {
		t.Error("the style loads something remote")
	}
	w.refused("a file that is not there", w.ask("GET", "/docs/none.js", ""), 404, cota.NotFound)
	licences, err := fs.Glob(api.Docs, "docs/*LICENSE*")
	if err != nil || len(licences) != 2 {
		t.Errorf("licences = %v, %v; want Swagger UI's and its parts'", licences, err)
	}
}
