// Package console serves the web console, a page that is embedded in the
// binary and knows the public API only. Its sources are in web; `make console`
// builds them into dist.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Handler serves the console. It is to be mounted on every path of the
// management door that is not somebody else's: paths that name no file of the
// build are pages, which all have one document.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is ours
	}
	return handler(built)
}

// handler serves the build in a directory.
func handler(built fs.FS) http.Handler {
	page, err := newPage(built)
	if err != nil {
		return http.HandlerFunc(missing)
	}
	files, err := newFiles(built)
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this path takes GET only", http.StatusMethodNotAllowed)
			return
		}
		harden(w.Header())
		if f := files[strings.TrimPrefix(r.URL.Path, "/")]; f != nil {
			f.serve(w, r)
			return
		}
		if isFile(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		page.serve(w)
	})
}

// isFile tells paths that ask for a file from those of pages. Device names may
// hold dots, so below the root only /assets/ holds files.
func isFile(path string) bool {
	name := strings.TrimPrefix(path, "/")
	return strings.HasPrefix(name, assets) || !strings.Contains(name, "/") && strings.Contains(name, ".")
}

// harden sets the headers that keep browsers from doing what nobody asked for.
// What may be loaded depends on the answer: see page.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// missing answers in a binary that was made without the console.
func missing(w http.ResponseWriter, _ *http.Request) {
	harden(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "This binary was built without the console: run `make console`, then build it again; "+
		"the API is at /api/v1 and its documentation at /docs.", http.StatusNotFound)
}
