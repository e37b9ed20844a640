package download

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/cotahq/cota"
)

// question is a plain request, and where it comes from.
type question struct {
	token  string
	from   netip.Addr
	ranged bool // from an offset on
	offset int
	last   bool // the connection is to end after the answer
}

// answer is what a question is answered with, to the byte.
type answer struct {
	head, body []byte   // neither changes any more
	shared     *os.File // holds the part of the file, too; nil: it does not
	last       bool     // the connection ends after it
	part       part     // of a file, that is in the body; zero if there is none
}

// part is the bytes [from, to) of a file of the given size, to be sent through
// a link.
type part struct {
	grant          cota.Grant
	token          string
	from, to, size int
}

// remembered answers from memory. known is false, and nothing is answered, when
// the database has to be asked, for which there is look.
func (h *Handler) remembered(q question) (a answer, known bool) {
	g, err := h.control.Grant(q.token)
	if err != nil {
		return h.refusal(q, g, err), true
	}
	err, known = h.control.PermitRemembered(g)
	switch {
	case !known && h.gone.has(g, time.Now()):
		return h.refusal(q, g, errGone), true
	case !known:
		return answer{}, false
	case err != nil:
		return h.refusal(q, g, err), true
	}
	f, known := h.files.Get(keyOf(g))
	if !known {
		return answer{}, false
	}
	return h.answer(q, g, f), true
}

// look answers, and may wait for the database.
func (h *Handler) look(ctx context.Context, q question) answer {
	g, err := h.control.Grant(q.token)
	var f *file
	if err == nil {
		f, err = h.open(ctx, g)
	}
	if err != nil {
		return h.refusal(q, g, err)
	}
	return h.answer(q, g, f)
}

// answer answers with a file.
func (h *Handler) answer(q question, g cota.Grant, f *file) answer {
	h.served.Inc()
	size := len(f.content)
	if q.offset >= size {
		return beyond(size, q.last)
	}
	a := answer{body: f.content[q.offset:], shared: f.shared, last: q.last, part: part{grant: g, token: q.token, from: q.offset, to: size, size: size}}
	switch {
	case q.last || q.offset > 0:
		a.head = f.head(q.ranged, q.offset, q.last)
	case q.ranged:
		a.head = f.open
	default:
		a.head = f.whole
	}
	return a
}

// beyond answers who asks for what comes after the end, as net/http does.
func beyond(size int, last bool) answer {
	const text = "invalid range: failed to overlap\n"
	return answer{
		head: head(http.StatusRequestedRangeNotSatisfiable, last, "Content-Range: bytes */"+strconv.Itoa(size)+
			"\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: "+strconv.Itoa(len(text))+"\r\n"),
		body: []byte(text), last: last,
	}
}

// refusal answers a link that is not served.
func (h *Handler) refusal(q question, g cota.Grant, err error) answer {
	status := h.refused(q.from, device(g), h.status(g, err))
	last := q.last || status == http.StatusTooManyRequests
	return answer{head: head(status, last, "Content-Length: 0\r\n"), last: last}
}
