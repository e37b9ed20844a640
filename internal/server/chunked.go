package server

import "net/http"

// closeChunked ends the connection after a request that came in chunks. It may
// have named a length besides, which net/http has put aside by now: a proxy
// that went by the length would take what follows for another request than we
// (RFC 9112, 6.1: the server must close the connection after such a one).
func closeChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
