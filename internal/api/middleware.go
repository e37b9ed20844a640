package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

// request is what is known of a request beside what it asks.
type request struct {
	in     *http.Request // as it came
	id     string
	from   netip.Addr // of the client, behind proxies or not
	addr   string     // from, as text
	secure bool       // came by TLS
	by     control.Actor
	secret string // of the session; "" with a token

	browser string // value of its cookie; "" unless it is one of ours
}

type requestKey struct{}

// requestOf is the request that ctx belongs to. Every handler runs in one.
func requestOf(ctx context.Context) *request { return ctx.Value(requestKey{}).(*request) }

// trace gives each request its number and writes its line in the log: without
// its query, which may hold anything.
func (s *server) trace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		began := time.Now()
		from, secure := s.proxies.client(hr)
		r := &request{in: hr, id: rand.Text()[:16], from: from, addr: from.String(), secure: secure}
		hr = hr.WithContext(context.WithValue(hr.Context(), requestKey{}, r))
		w.Header().Set("X-Request-Id", r.id)
		sw := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(sw, hr)

		level := slog.LevelInfo
		if hr.Method == http.MethodGet || hr.Method == http.MethodHead {
			level = slog.LevelDebug
		}
		s.log.Log(hr.Context(), level, "request", "request", r.id, "method", hr.Method, "route", hr.Pattern,
			"status", sw.status, "took", time.Since(began), "actor", r.by.Name, "addr", r.addr)
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: nothing written yet
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recover answers a request whose handler panics. Its writer is trace's.
func (s *server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			r := requestOf(hr.Context())
			if v != http.ErrAbortHandler {
				s.log.Error("handler panicked", "request", r.id, "panic", v, "stack", string(debug.Stack()))
			}
			if w.(*statusWriter).status != 0 {
				panic(http.ErrAbortHandler) // the answer is half out: break it off, visibly
			}
			writeProblem(w, r.internal())
		}()
		next.ServeHTTP(w, hr)
	})
}

// secure sets the headers that keep browsers from doing what nobody asked for.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, hr)
	})
}

// sameOrigin refuses changes that a page of somebody else's asks for.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, cota.Errorf(cota.Forbidden, "a page of another origin must not ask for this"))
	}))
	return p.Handler(next)
}

// known answers for the paths and methods that mux does not know.
func (s *server) known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		if !plainText(hr.URL) {
			writeProblem(w, cota.Errorf(cota.Invalid, "the address holds what is not text"))
			return
		}
		h, pattern := mux.Handler(hr)
		if pattern != "" {
			mux.ServeHTTP(w, hr)
			return
		}
		told := &statusWriter{ResponseWriter: discard{w.Header()}}
		h.ServeHTTP(told, hr)
		p := newProblem(errNoPath)
		if told.status == http.StatusMethodNotAllowed {
			p = newProblem(cota.Errorf(cota.Invalid, "this path does not take %s; it takes %s", hr.Method, w.Header().Get("Allow")))
			p.Status, p.Title = told.status, http.StatusText(told.status)
		}
		w.Header().Del("Content-Length")
		p.write(w)
	})
}

// plainText reports whether the path and query hold UTF-8 without U+0000, as
// everything does that could be there.
func plainText(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = "" // the query is refused where it is read
	}
	text := u.Path + query
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// discard keeps the headers of an answer.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
