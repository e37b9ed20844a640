package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

// Bounds of a request's body.
const (
	maxBody        = 1 << 20
	maxDevicesBody = 2 << 20 // as many devices as may be added, with names and secrets of full length
	maxVersionBody = 8 << 20 // a configuration, each byte of it escaped at worst

	// bodyTimeout is for the whole body. huma leaves the deadline in place
	// after that, so it bounds how long a handler may run as well.
	bodyTimeout = time.Minute
)

// handler adds a handler to a huma API as an operation.
type handler func(*server, huma.API, huma.Operation)

// of makes a handler of a function that answers with an Out or an error. What
// the function is given ends with it; an Out that goes on has a context of its
// own.
func of[In, Out any](answer func(context.Context, *In) (*Out, error)) handler {
	return func(s *server, a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *In) (*Out, error) {
			ctx, cancel := withDeadline(ctx)
			defer cancel()
			out, err := answer(ctx, in)
			if err != nil {
				return nil, s.refuse(ctx, err)
			}
			return out, nil
		})
	}
}

// Shapes of answers: with a body, with the current version's number besides,
// and with neither.
type (
	reply[T any] struct{ Body T }

	tagged[T any] struct {
		ETag string `header:"ETag" doc:"number of the product's current version, for If-Match"`
		Body T
	}

	nothing struct{}
)

var errNobody = cota.Errorf(cota.Unauthenticated, "sign in first, or send Authorization: Bearer with a token")

// guard lets those pass who have at least the role.
func (s *server) guard(least cota.Role) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		ctx, cancel := withDeadline(c.Context())
		defer cancel()
		r := requestOf(ctx)
		by, err := s.identify(ctx, r)
		if err == nil {
			r.by = by
			if by.Role < least {
				err = cota.Errorf(cota.Forbidden, "this needs the role %s; %s has the role %s", least, by.Name, by.Role)
			}
		}
		if err != nil {
			s.turnAway(ctx, c, err)
			return
		}
		next(c)
	}
}

func (s *server) turnAway(ctx context.Context, c huma.Context, err error) {
	p := s.refuse(ctx, err)
	if p.Status == http.StatusUnauthorized {
		c.SetHeader("WWW-Authenticate", "Bearer")
	}
	c.SetHeader("Content-Type", p.ContentType(""))
	c.SetStatus(p.Status)
	_ = writeJSON(c.BodyWriter(), p) // an error says that nobody listens any more
}

// identify finds out who asks: the bearer of a token, or else of a session.
func (s *server) identify(ctx context.Context, r *request) (control.Actor, error) {
	if authorization := r.in.Header.Get("Authorization"); authorization != "" {
		scheme, token, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return control.Actor{}, errNobody
		}
		return s.control.Token(ctx, strings.TrimSpace(token), r.addr)
	}
	if r.secret = r.cookie(sessionCookie); r.secret == "" {
		return control.Actor{}, errNobody
	}
	by, err := s.control.Session(ctx, r.secret, r.addr)
	if err != nil {
		return by, err
	}
	return s.recognize(by, r), nil
}

// actor is who asks. It is nobody where no role is needed.
func actor(ctx context.Context) control.Actor { return requestOf(ctx).by }

// need refuses an actor whose role does not do for what the route's own least
// role does not cover.
func need(by control.Actor, least cota.Role, what string) error {
	if by.Role < least {
		return cota.Errorf(cota.Forbidden, "%s needs the role %s; %s has the role %s", what, least, by.Name, by.Role)
	}
	return nil
}
