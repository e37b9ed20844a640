package console

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"net/http"
	"strings"
)

// nonceMark stands in the built document where the nonce of an answer goes.
// It is html.cspNonce in web/vite.config.ts.
const nonceMark = "__COTA_NONCE__"

// page is the document of every page of the console.
type page struct {
	parts [][]byte // what is between the nonces
}

func newPage(built fs.FS) (*page, error) {
	html, err := fs.ReadFile(built, "index.html")
	if err != nil {
		return nil, err
	}
	return &page{bytes.Split(html, []byte(nonceMark))}, nil
}

func (p *page) serve(w http.ResponseWriter) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy(nonce))
	h.Set("Content-Type", "text/html; charset=utf-8")
	// An error says that nobody listens any more.
	_, _ = w.Write(bytes.Join(p.parts, []byte(nonce)))
}

// policy lets a page load what this server serves and nothing else. Scripts
// are files; styles may also be made by a script that knows the nonce, as
// antd's and CodeMirror's are.
func policy(nonce string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self' 'nonce-" + nonce + "'",
		"img-src 'self' data:",
		"font-src 'self'",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}
