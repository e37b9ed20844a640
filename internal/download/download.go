// Package download serves configuration files to devices.
//
// It answers what SDKs in the field can read: HTTP/1.1 with a Content-Length,
// few and short headers, no compression, no chunks, no redirects, and ranges.
package download

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
)

// cached is how many versions are kept in memory. A fleet fetches the same
// few again and again.
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
	contents *lru.Cache[contentKey, string]
	progress progress
}

type contentKey struct {
	product string
	version int64
}

// New makes a Handler.
func New(o Options) *Handler {
	contents, err := lru.New[contentKey, string](cached)
	if err != nil {
		panic(err) // the size is ours
	}
	return &Handler{
		control: o.Control, log: o.Log, contents: contents, progress: newProgress(), gone: newGone(),
		refusals: limit.NewRefusals(o.RefusalsPerAddress, o.RefusalsPerDevice),
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
	}
	g, err := h.control.Grant(token)
	if err == nil {
		err = h.open(w, r, token, g)
	}
	if err != nil {
		h.fail(w, r, g, err)
	}
}

// open serves what a link of ours that has not expired leads to.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, token string, g cota.Grant) error {
	if h.gone.has(g, time.Now()) {
		return errGone
	}
	err := h.control.Permit(r.Context(), g)
	if err == nil {
		err = h.serve(w, r, token, g)
	}
	if code := cota.CodeOf(err); code == cota.LinkInvalid || code == cota.NotFound {
		h.gone.add(g, time.Now())
	}
	return err
}

// serve sends the file, or the part of it that is asked for, and records that
// it has been fetched once its last byte has gone out.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, token string, g cota.Grant) error {
	content, err := h.content(r.Context(), g)
	if err != nil {
		return err
	}
	w.Header()["Date"] = nil // every header costs a small device memory
	w.Header().Set("Content-Type", "application/json")
	out := &meter{ResponseWriter: w}
	http.ServeContent(out, r, "", time.Time{}, strings.NewReader(content))
	downloads.WithLabelValues("served").Inc()
	if r.Method == http.MethodHead || !out.file {
		return nil
	}
	to := out.from + out.sent
	if http.NewResponseController(w).Flush() != nil {
		to = min(to, len(content)-1) // cut off: the device may go on from anywhere, but lacks the end
	}
	if !h.progress.whole(token, out.from, to, len(content)) {
		return nil
	}
	// A device may hang up as soon as it has the last byte, and be right.
	if err := h.control.Fetched(context.WithoutCancel(r.Context()), g); err != nil {
		h.log.Warn("download is not on record", "product", g.Product, "err", err)
	}
	return nil
}

func (h *Handler) content(ctx context.Context, g cota.Grant) (string, error) {
	key := contentKey{g.Product, g.Version}
	if content, ok := h.contents.Get(key); ok {
		return content, nil
	}
	v, err := h.control.Content(ctx, g)
	if err != nil {
		return "", err
	}
	h.contents.Add(key, v.Content)
	return v.Content, nil
}

// fail answers a link that is not served.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, g cota.Grant, err error) {
	switch cota.CodeOf(err) {
	case cota.LinkExpired, cota.LinkInvalid, cota.Disabled, cota.NotFound:
		h.refuse(w, r, device(g), http.StatusForbidden)
	default:
		h.log.Error("download failed", "product", g.Product, "err", err)
		downloads.WithLabelValues("failed").Inc()
		answer(w, http.StatusInternalServerError)
	}
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

// refuse answers with a status and no body. Some SDKs ask again at once and
// for ever; after a while they are told so.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, device string, status int) {
	addr := limit.Address(r.RemoteAddr)
	switch b := h.refusals.PutOff(addr, device); b {
	case limit.None:
		h.refusals.Refused(addr, device)
		downloads.WithLabelValues("refused").Inc()
	default:
		putOff.WithLabelValues(string(b)).Inc()
		status = http.StatusTooManyRequests
		w.Header().Set("Connection", "close")
	}
	answer(w, status)
}

// answer writes a status and no body.
func answer(w http.ResponseWriter, status int) {
	w.Header()["Date"] = nil
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}
