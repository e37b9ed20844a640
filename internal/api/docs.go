package api

import (
	"embed"
	"net/http"
)

// docs is Swagger UI (swagger-ui-dist 5.35.0, Apache-2.0) without its source
// maps, and our page around it.
//
//go:embed docs
var docs embed.FS

// docsPolicy lets the page load its own files and read the description.
// Swagger UI writes styles into elements and holds its icons in data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func docsPage(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		http.ServeFileFS(w, r, docs, "docs/"+name)
	}
}

func docsFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if _, err := docs.Open("docs/" + name); err != nil {
		writeProblem(w, errNoPath)
		return
	}
	docsPage(name)(w, r)
}
