// Package client lets Go programs use the management API of a cota server.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/cotahq/cota"
)

// Client is one user of the management API of one server. Its methods may be
// called by many goroutines.
//
// A refusal by the server is a *cota.Error: its Code says why, its Msg is
// for people, its Until is when it ends by itself, its TriesLeft how many
// more codes may be tried, and its Challenge is what to pass before the same is
// asked again. An error of any other kind says that the server was not reached,
// or did not answer as a cota server does.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	err   error // what is wrong with the URL
}

// New makes a Client of the server at base, such as http://localhost:8080.
// It acts by token; with "" it acts for nobody until SignIn. If base is not an
// http or https URL, every method says so.
func New(base, token string) *Client {
	jar, err := cookiejar.New(nil)
	c := &Client{token: token, http: &http.Client{Jar: jar}, err: err}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		c.err = cota.Errorf(cota.Invalid, "the address of the server must look like http://host:port")
		return c
	}
	c.base = u.JoinPath("/api/v1/")
	return c
}

// query are the parameters of a request; empty values are left out.
type query map[string]string

func (q query) encode() string {
	values := url.Values{}
	for name, value := range q {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values.Encode()
}

// path joins the escaped parts of a path below /api/v1.
func path(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// do sends a request with in as its body, unless nil, and reads the answer
// into out, unless nil.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	return c.send(ctx, method, path, nil, in, out)
}

// call is do for an answer of one kind.
func call[T any](ctx context.Context, c *Client, method, path string, in any) (T, error) {
	var out T
	err := c.do(ctx, method, path, in, &out)
	return out, err
}

func (c *Client) send(ctx context.Context, method, path string, header http.Header, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	resp, err := c.open(ctx, method, path, header, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base.Host, err)
	}
	return nil
}

// open sends a request and returns the answer, if it is not a refusal.
func (c *Client) open(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", c.base.Host, reason(err))
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

// reason leaves out the request's URL, which the reader knows.
func reason(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// maxProblem bounds what is read of a refusal.
const maxProblem = 64 << 10

// refusal is what the server's problem document says, or what can be said
// without one: proxies refuse as well.
func refusal(resp *http.Response) error {
	var problem struct {
		Code      cota.Code `json:"code"`
		Detail    string    `json:"detail"`
		Until     time.Time `json:"until"`
		TriesLeft *int64    `json:"triesLeft"`
		cota.Challenge
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && kind == "application/problem+json" {
		err = json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(&problem)
	}
	switch {
	case err == nil && problem.Code != "":
		e := &cota.Error{Code: problem.Code, Msg: problem.Detail, Until: problem.Until, TriesLeft: problem.TriesLeft}
		if problem.Challenge.ID != "" {
			e.Challenge = &problem.Challenge
		}
		return e
	case resp.StatusCode >= 500:
		return cota.Errorf(cota.Unavailable, "the server answered %s", resp.Status)
	}
	return fmt.Errorf("the server answered %s, and not as a cota server does", resp.Status)
}
