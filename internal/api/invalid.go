package api

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cotahq/cota"
)

// huma checks requests against the description. These two put what it finds
// into our words and our statuses: its own answers repeat the rejected
// values, which may be secrets.

// ours is the transformer of answers.
func ours(ctx huma.Context, _ string, answer any) (any, error) {
	if e, ok := answer.(*huma.ErrorModel); ok {
		return newProblem(invalid(ctx.Operation(), e)), nil
	}
	return answer, nil
}

// mended is a context with our statuses: everything invalid is 400.
type mended struct {
	humaContext
	body *body
}

// humaContext is a name to embed by: the interface has a method Context.
type humaContext huma.Context

func mend(c huma.Context) mended { return mended{c, new(body)} }

func (c mended) SetStatus(status int) {
	switch {
	case status == http.StatusUnprocessableEntity, status == http.StatusUnsupportedMediaType, status == http.StatusRequestTimeout,
		status == http.StatusInternalServerError && c.body.broken:
		status = http.StatusBadRequest
	}
	c.humaContext.SetStatus(status)
}

func (c mended) BodyReader() io.Reader {
	c.body.Reader = c.humaContext.BodyReader()
	return c.body
}

// body remembers that it could not be read to its end. huma takes that for a
// fault of the server's; it is one of whoever sent it.
type body struct {
	io.Reader
	broken bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.broken = true
	}
	return n, err
}

func invalid(op *huma.Operation, e *huma.ErrorModel) *cota.Error {
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		return cota.Errorf(cota.TooLarge, "the body must have less than %d bytes", op.MaxBodyBytes)
	case http.StatusUnsupportedMediaType:
		return cota.Errorf(cota.Invalid, "the body must be JSON; send it with Content-Type: application/json")
	case http.StatusRequestTimeout:
		return cota.Errorf(cota.Invalid, "the body did not arrive in time; send it again")
	case http.StatusInternalServerError: // huma's for a body that breaks off
		return cota.Errorf(cota.Invalid, "the body did not arrive whole; send it again")
	}
	var all []string
	for _, d := range e.Errors[:min(len(e.Errors), 3)] {
		if d != nil {
			all = append(all, complaint(d))
		}
	}
	if len(all) == 0 {
		return cota.Errorf(cota.Invalid, "the body is missing; send a JSON object")
	}
	return cota.Errorf(cota.Invalid, "mend the request (/docs describes it): %s", strings.Join(all, "; "))
}

// complaint says what is wrong where.
func complaint(d *huma.ErrorDetail) string {
	what := d.Message
	switch what {
	case "unexpected property":
		what = "there is no such field"
	case "unknown query parameter":
		what = "there is no such parameter"
	}
	return place(d.Location) + ": " + what
}

// plainName is what a field that somebody misspelled may look like, and what
// none of our secrets does: they are longer.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,23}(\[[0-9]{1,5}\])?$`)

// place is the location of what is wrong, if it is one to repeat.
func place(location string) string {
	for part := range strings.SplitSeq(location, ".") {
		if !plainName.MatchString(part) {
			in, _, _ := strings.Cut(location, ".")
			return in
		}
	}
	return location
}
