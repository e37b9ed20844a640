package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/store"
)

// statuses says how every refusal looks in HTTP.
var statuses = map[cota.Code]int{
	cota.Invalid:              http.StatusBadRequest,
	cota.TooLarge:             http.StatusRequestEntityTooLarge,
	cota.Unauthenticated:      http.StatusUnauthorized,
	cota.Forbidden:            http.StatusForbidden,
	cota.WrongPassword:        http.StatusForbidden,
	cota.VerificationRequired: http.StatusForbidden,
	cota.NotFound:             http.StatusNotFound,
	cota.Exists:               http.StatusConflict,
	cota.InUse:                http.StatusConflict,
	cota.Unchanged:            http.StatusConflict,
	cota.Stale:                http.StatusPreconditionFailed,
	cota.NotCurrent:           http.StatusConflict,
	cota.NoConfig:             http.StatusConflict,
	cota.Disabled:             http.StatusConflict,
	cota.Cooldown:             http.StatusConflict,
	cota.AlreadyPushed:        http.StatusConflict,
	cota.PushRunning:          http.StatusConflict,
	cota.NotRunning:           http.StatusConflict,
	cota.LinkExpired:          http.StatusForbidden,
	cota.LinkInvalid:          http.StatusForbidden,
	cota.CodeWrong:            http.StatusForbidden,
	cota.CodeExpired:          http.StatusForbidden,
	cota.RateLimited:          http.StatusTooManyRequests,
	cota.Unavailable:          http.StatusServiceUnavailable,
	cota.Internal:             http.StatusInternalServerError,
}

var (
	errNoPath   = cota.Errorf(cota.NotFound, "there is nothing at this path; /docs lists what there is")
	errShutdown = cota.Errorf(cota.Unavailable, "the server is shutting down; try again")
)

// problem is a refusal as RFC 9457 has it. It is an error that huma writes as
// it is.
type problem struct {
	Status int        `json:"status" doc:"HTTP status"`
	Code   cota.Code  `json:"code" doc:"stable name of the reason, for programs" example:"not_found"`
	Title  string     `json:"title" doc:"what the status means"`
	Detail string     `json:"detail" doc:"the reason, and if there is one the way out, for people"`
	Until  *time.Time `json:"until,omitempty" doc:"when the refusal ends by itself"`

	TriesLeft *int64 `json:"triesLeft,omitempty" doc:"of code_wrong: how many more codes may be tried before a new one is needed; missing if tries are not counted"`

	// The challenge of verification_required.
	ChallengeID string        `json:"challengeId,omitempty" doc:"of verification_required: what to pass"`
	Methods     []cota.Method `json:"methods,omitzero" doc:"ways to pass it that the account has: sms and totp"`
	Phone       string        `json:"phone,omitempty" doc:"where the code goes, masked"`
	Sender      string        `json:"sender,omitempty" doc:"how codes are sent; log: they are in the server's log"`
	ResendAt    *time.Time    `json:"resendAt,omitempty" doc:"when another code may be asked for, if not now"`
}

func newProblem(e *cota.Error) *problem {
	p := &problem{Status: statuses[e.Code], Code: e.Code, Detail: e.Msg, TriesLeft: e.TriesLeft}
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	p.Title = http.StatusText(p.Status)
	if !e.Until.IsZero() {
		p.Until = &e.Until
	}
	if c := e.Challenge; c != nil {
		p.ChallengeID, p.Methods, p.Phone, p.Sender, p.ResendAt = c.ID, c.Methods, c.Phone, c.Sender, c.ResendAt
	}
	return p
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// refuse turns what went wrong into a problem. What is not meant for the
// caller goes to the log, and the caller gets the number of its request.
func (s *server) refuse(ctx context.Context, err error) *problem {
	var e *cota.Error
	switch {
	case errors.As(err, &e) && e.Code != cota.Internal:
		return newProblem(e)
	case errors.Is(err, store.ErrClosed):
		return newProblem(errShutdown)
	case context.Cause(ctx) == errSlow:
		s.log.Error("request took too long", "request", requestOf(ctx).id, "err", err)
		return newProblem(errSlow)
	case ctx.Err() != nil:
		return newProblem(cota.Errorf(cota.Unavailable, "the request ended before it was answered"))
	}
	r := requestOf(ctx)
	s.log.Error("request failed", "request", r.id, "err", err)
	if errors.As(s.store.Trouble(err), &e) && e.Code != cota.Internal {
		return newProblem(e)
	}
	return newProblem(r.internal())
}

// internal is all that a caller hears of a fault of ours.
func (r *request) internal() *cota.Error {
	return cota.Errorf(cota.Internal, "request %s; the server's log says more", r.id)
}

// writeProblem writes a refusal where huma does not.
func writeProblem(w http.ResponseWriter, e *cota.Error) { newProblem(e).write(w) }

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	// An error says that nobody listens any more.
	_ = writeJSON(w, p)
}
