package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// build is what a build looks like.
var build = fstest.MapFS{
	".gitkeep":              {},
	"index.html":            {Data: []byte(`<meta property="csp-nonce" nonce="` + nonceMark + `"><link nonce="` + nonceMark + `">`)},
	"favicon.svg":           {Data: []byte("<svg/>")},
	"assets/main-1a.js":     {Data: []byte("plain")},
	"assets/main-1a.js.gz":  {Data: []byte("gzipped")},
	"assets/main-1a.js.br":  {Data: []byte("brotlied")},
	"assets/main-2b.css":    {Data: []byte("a{}")},
	"assets/only-3c.js":     {Data: []byte("plain")},
	"assets/only-3c.js.gz":  {Data: []byte("gzipped")},
	"assets/unknown-4d.bin": {Data: []byte("?")},
}

func ask(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPages(t *testing.T) {
	h := handler(build)
	for _, path := range []string{"/", "/settings", "/products/a1B2c3D4e5F", "/products/a1B2c3D4e5F/devices/meter.0001", "/index"} {
		resp := ask(t, h, "GET", path)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("GET %s = %d, %s; want the page", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control of %s = %q; want no-store: its nonce is for one answer", path, got)
		}
	}
	for _, path := range []string{"/assets/gone-5e.js", "/assets/", "/robots.txt", "/index.html", "/.gitkeep", "/assets/main-1a.js.gz"} {
		if resp := ask(t, h, "GET", path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d; want 404", path, resp.StatusCode)
		}
	}
}

func TestNonceIsOfOneAnswer(t *testing.T) {
	h := handler(build)
	seen := map[string]bool{}
	for range 3 {
		resp := ask(t, h, "GET", "/")
		policy := resp.Header.Get("Content-Security-Policy")
		m := regexp.MustCompile(`style-src 'self' 'nonce-([A-Z0-9]{20,})'`).FindStringSubmatch(policy)
		if m == nil {
			t.Fatalf("Content-Security-Policy = %q; want a nonce for styles", policy)
		}
		if got := text(t, resp); strings.Count(got, `nonce="`+m[1]+`"`) != 2 || strings.Contains(got, nonceMark) {
			t.Errorf("page = %s; want nonce %s at both marks", got, m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) != 3 {
		t.Errorf("3 answers had %d nonces; want 3", len(seen))
	}
}

func TestPolicyAllowsOwnOriginOnly(t *testing.T) {
	policy := ask(t, handler(build), "GET", "/").Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("Content-Security-Policy = %q; want %s", policy, want)
		}
	}
	for _, not := range []string{"unsafe", "http:", "https:", "*"} {
		if strings.Contains(policy, not) {
			t.Errorf("Content-Security-Policy = %q; want no %s", policy, not)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	for name, h := range map[string]http.Handler{"built": handler(build), "not built": handler(fstest.MapFS{})} {
		for _, path := range []string{"/", "/favicon.svg", "/assets/main-1a.js", "/assets/gone.js"} {
			header := ask(t, h, "GET", path).Header
			for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
				if got := header.Get(key); got != want {
					t.Errorf("%s: %s of %s = %q; want %q", name, key, path, got, want)
				}
			}
			if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %s has no policy", name, path)
			}
		}
	}
}

func TestFiles(t *testing.T) {
	h := handler(build)
	for _, c := range []struct {
		path, accept                string
		want, encoding, contentType string
		cache                       string
	}{
		{"/assets/main-1a.js", "", "plain", "", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/main-1a.js", "gzip, deflate, br", "brotlied", "br", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/main-1a.js", "gzip", "gzipped", "gzip", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/main-1a.js", "br;q=0, gzip;q=0.5", "gzipped", "gzip", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/main-1a.js", "brx, *", "plain", "", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/only-3c.js", "br, gzip", "gzipped", "gzip", "text/javascript; charset=utf-8", "immutable"},
		{"/assets/main-2b.css", "br", "a{}", "", "text/css; charset=utf-8", "immutable"},
		{"/assets/unknown-4d.bin", "br", "?", "", "application/octet-stream", "immutable"},
		{"/favicon.svg", "br", "<svg/>", "", "image/svg+xml", "no-cache"},
	} {
		resp := ask(t, h, "GET", c.path, "Accept-Encoding", c.accept)
		if got := text(t, resp); resp.StatusCode != 200 || got != c.want {
			t.Errorf("GET %s accepting %q = %d %q; want %q", c.path, c.accept, resp.StatusCode, got, c.want)
		}
		for key, want := range map[string]string{"Content-Encoding": c.encoding, "Content-Type": c.contentType} {
			if got := resp.Header.Get(key); got != want {
				t.Errorf("%s of %s accepting %q = %q; want %q", key, c.path, c.accept, got, want)
			}
		}
		if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, c.cache) {
			t.Errorf("Cache-Control of %s = %q; want %s", c.path, got, c.cache)
		}
	}
	if got := ask(t, h, "GET", "/assets/main-1a.js").Header.Get("Vary"); got != "Accept-Encoding" {
		t.Errorf("Vary = %q; want Accept-Encoding", got)
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	h := handler(build)
	tags := map[string]bool{}
	for _, accept := range []string{"", "gzip", "br"} {
		tag := ask(t, h, "GET", "/assets/main-1a.js", "Accept-Encoding", accept).Header.Get("ETag")
		tags[tag] = true
		resp := ask(t, h, "GET", "/assets/main-1a.js", "Accept-Encoding", accept, "If-None-Match", tag)
		if resp.StatusCode != http.StatusNotModified {
			t.Errorf("GET with If-None-Match %s = %d; want 304", tag, resp.StatusCode)
		}
	}
	if len(tags) != 3 {
		t.Errorf("three forms of a file have the tags %v; want three", tags)
	}
}

func TestOnlyReads(t *testing.T) {
	h := handler(build)
	if resp := ask(t, h, "POST", "/"); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
		t.Errorf("POST / = %d; want 405 with Allow", resp.StatusCode)
	}
	if resp := ask(t, h, "HEAD", "/assets/main-1a.js"); resp.StatusCode != 200 || text(t, resp) != "" {
		t.Errorf("HEAD = %d; want 200 without a body", resp.StatusCode)
	}
}

func TestMissingBuildSaysHowToMakeOne(t *testing.T) {
	resp := ask(t, handler(fstest.MapFS{".gitkeep": {}}), "GET", "/")
	if got := text(t, resp); resp.StatusCode != http.StatusNotFound || !strings.Contains(got, "make console") {
		t.Errorf("GET / = %d %q; want 404 that says `make console`", resp.StatusCode, got)
	}
}

// TestEmbedded holds for a binary with the console and for one without.
func TestEmbedded(t *testing.T) {
	resp := ask(t, Handler(), "GET", "/")
	switch got := text(t, resp); {
	case resp.StatusCode == http.StatusNotFound && strings.Contains(got, "make console"):
		t.Log("dist holds no build")
	case resp.StatusCode != http.StatusOK || strings.Contains(got, nonceMark) || !strings.Contains(got, "/"+assets):
		t.Errorf("GET / = %d %q; want the page with a nonce, and files in /%s", resp.StatusCode, got, assets)
	}
}
