package simtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// courier carries the requests of one operator over the simulated network, on
// a connection each. It is an http.RoundTripper without goroutines and without
// chance of its own.
type courier struct {
	w    *world
	who  string
	from net.IP
	path path
	rng  *rand.Rand // nil: nothing goes wrong
	cuts float64    // of requests are cut off before they are answered

	requests int
	sent     time.Time // when the server wrote the last answer
}

// patience is how long an operator waits for an answer.
const patience = time.Minute

func (c *courier) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests++
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	defer c.w.hurry()()
	nc, err := c.w.net.dial(ctx, "http", c.who, fmt.Sprintf("%s#%d", c.who, c.requests), c.from, c.path)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	if c.rng != nil && c.rng.Float64() < c.cuts {
		at := time.Duration(c.rng.Int64N(int64(3*c.path.delay + 3*c.path.jitter)))
		defer time.AfterFunc(at, nc.cut).Stop()
	}
	r = r.Clone(ctx)
	r.Close = true
	if err := r.Write(nc); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	c.sent = nc.sentAt()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// client is a client of the API that acts by a token, "" for none.
func (c *courier) client(token string) *client.Client {
	return client.New("http://management", token).Through(c)
}

// answered reports whether err is a refusal, or nil: what was asked for has
// been done or not, and the operator knows which. A fault of the server is no
// answer.
func answered(err error) bool {
	if err == nil {
		return true
	}
	e, ok := errors.AsType[*cota.Error](err)
	return ok && e.Code != cota.Unavailable && e.Code != cota.Internal
}
