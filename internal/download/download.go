// Package download serves configuration files to devices.
//
// It answers what SDKs in the field can read: HTTP/1.1 with a Content-Length,
// few and short headers, no compression, no chunks, no redirects, and ranges.
package download

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
)

// cached is how many versions are kept in memory, and of large ones each an open
// file. A fleet fetches the same few again and again.
const cached = 32

// Options are what a Handler is made of.
type Options struct {
	Control *control.Control
	Log     *slog.Logger
	// RefusalsPerAddress and RefusalsPerDevice bound how many downloads a minute
	// are refused before others are answered 429 (see limit.Refusals); 0: no
	// bound. A link that is good is served always.
	RefusalsPerAddress, RefusalsPerDevice int
}

// Handler serves /c/{token}.
type Handler struct {
	control  *control.Control
	log      *slog.Logger
	refusals *limit.Refusals
	gone     gone
	files    *lru.Cache[fileKey, *file]
	progress progress
	served   prometheus.Counter
}

// New makes a Handler.
func New(o Options) *Handler {
	files, err := lru.NewWithEvict(cached, func(_ fileKey, f *file) { f.forget() })
	if err != nil {
		panic(err) // the size is ours
	}
	return &Handler{
		control: o.Control, log: o.Log, files: files, progress: newProgress(), gone: newGone(),
		refusals: limit.NewRefusals(o.RefusalsPerAddress, o.RefusalsPerDevice), served: downloads.WithLabelValues("served"),
	}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.URL.EscapedPath(), "/c/") // a link has one spelling
	switch {
	case !ok:
		h.refuse(w, r, nobody, http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, r, nobody, http.StatusMethodNotAllowed)
		return
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		// A request for a file has no body. Whoever sends one may be about to
		// hide another request in it.
		w.Header().Set("Connection", "close")
		h.refuse(w, r, nobody, http.StatusBadRequest)
		return
	}
	g, err := h.control.Grant(token)
	var f *file
	if err == nil {
		f, err = h.open(r.Context(), g)
	}
	if err != nil {
		h.refuse(w, r, device(g), h.status(g, err))
		return
	}
	h.serve(w, r, token, g, f)
}

// open finds what a link of ours that has not expired leads to. It reads the
// database only for what is not remembered.
func (h *Handler) open(ctx context.Context, g cota.Grant) (*file, error) {
	if h.gone.has(g, time.Now()) {
		return nil, errGone
	}
	var f *file
	err := h.control.Permit(ctx, g)
	if err == nil {
		f, err = h.file(ctx, g)
	}
	if code := cota.CodeOf(err); code == cota.LinkInvalid || code == cota.NotFound {
		h.gone.add(g, time.Now())
	}
	return f, err
}

func (h *Handler) file(ctx context.Context, g cota.Grant) (*file, error) {
	if f, ok := h.files.Get(keyOf(g)); ok {
		return f, nil
	}
	v, err := h.control.Content(ctx, g)
	if err != nil {
		return nil, err
	}
	f := newFile(v.Content)
	if known, ok, _ := h.files.PeekOrAdd(keyOf(g), f); ok { // others came for it, too
		f.forget()
		return known, nil
	}
	return f, nil
}

// serve sends the file, or the part of it that is asked for, and records that
// it has been fetched once its last byte has gone out.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, token string, g cota.Grant, f *file) {
	w.Header()["Date"] = nil // every header costs a small device memory
	w.Header().Set("Content-Type", "application/json")
	out := &meter{ResponseWriter: w}
	http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(f.content))
	h.served.Inc()
	if r.Method == http.MethodHead || !out.file {
		return
	}
	err := http.NewResponseController(w).Flush()
	if h.sent(part{grant: g, token: token, from: out.from, to: out.from + out.sent, size: len(f.content)}, err == nil) {
		h.record(g)
	}
}

// sent notes that a part of a file went out, but for its end if it is not
// whole, and reports whether with it the file was fetched.
func (h *Handler) sent(p part, whole bool) bool {
	if p.size == 0 {
		return false // it was no file
	}
	if !whole {
		p.to = min(p.to, p.size-1) // the device may go on from anywhere, but lacks the end
	}
	return h.progress.whole(p.token, p.from, p.to, p.size)
}

// finish notes that a part of a file went out whole. It may wait.
func (h *Handler) finish(p part) {
	if h.sent(p, true) {
		h.record(p.grant)
	}
}

// tryFinish is finish that does not wait. It reports false when record is left
// to do.
func (h *Handler) tryFinish(p part) bool {
	return !h.sent(p, true) || h.control.TryFetched(p.grant)
}

// record puts on record that the file was fetched. It may wait. The device may
// hang up as soon as it has the last byte, and be right.
func (h *Handler) record(g cota.Grant) {
	if err := h.control.Fetched(context.Background(), g); err != nil {
		h.log.Warn("download is not on record", "product", g.Product, "err", err)
	}
}

// status is how it is said why a link is not served.
func (h *Handler) status(g cota.Grant, err error) int {
	switch cota.CodeOf(err) {
	case cota.LinkExpired, cota.LinkInvalid, cota.Disabled, cota.NotFound:
		return http.StatusForbidden
	}
	h.log.Error("download failed", "product", g.Product, "err", err)
	return http.StatusInternalServerError
}

// nobody is whom a request speaks of that has no link of ours.
const nobody = ""

// device is whose link a grant is of.
func device(g cota.Grant) string {
	if g.Device == 0 {
		return nobody
	}
	return strconv.FormatInt(g.Device, 10)
}

// refuse answers with a status and no body.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, device string, status int) {
	status = h.refused(limit.Address(r.RemoteAddr), device, status)
	if status == http.StatusTooManyRequests {
		w.Header().Set("Connection", "close")
	}
	w.Header()["Date"] = nil
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// refused counts what is not served, and returns the status to say so with.
// Some SDKs ask again at once and for ever; after a while they are told so.
func (h *Handler) refused(from netip.Addr, device string, status int) int {
	if status == http.StatusInternalServerError {
		downloads.WithLabelValues("failed").Inc()
		return status
	}
	if b := h.refusals.PutOff(from, device); b != limit.None {
		putOff.WithLabelValues(string(b)).Inc()
		return http.StatusTooManyRequests
	}
	h.refusals.Refused(from, device)
	downloads.WithLabelValues("refused").Inc()
	return status
}
