package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/api"
)

func TestPush(t *testing.T) {
	w := newWorld(t)
	c := w.as(cota.Publisher)
	product, first := w.pushed(2)
	w.climb(first, "dev-000001", cota.Failed)
	shown, err := c.Push(t.Context(), first.No)
	w.must(err)
	equal(t, "Push", shown.Counts, cota.Counts{Total: 2, Pending: 1, Failed: 1})
	_, err = w.as(cota.Editor).SaveVersion(t.Context(), product, client.Draft{Content: "[2]"})
	w.must(err)
	second, err := c.StartPush(t.Context(), product, 0)
	w.must(err)
	if second.State != cota.Running || second.Version != 2 || second.StartedBy != "admin/publisher" || second.Pending != 2 {
		t.Errorf("StartPush = %+v; want version 2 running, two devices pending", second)
	}
	stopped, err := c.StopPush(t.Context(), second.No, "wrong file")
	w.must(err)
	if stopped.State != cota.Stopped || stopped.Reason != "wrong file" || stopped.EndedAt == nil {
		t.Errorf("StopPush = %+v; want it stopped, with reason and time", stopped)
	}
	var states []string
	for p, err := range c.Pushes(t.Context(), client.PushFilter{Product: product}) {
		w.must(err)
		states = append(states, fmt.Sprint(p.No, " ", p.State))
	}
	equal(t, "Pushes", states, []string{"2 stopped", "1 superseded"})
	if n := len(all(t, c.Pushes(t.Context(), client.PushFilter{}))); n != 2 {
		t.Errorf("all Pushes = %d; want 2", n)
	}
	equal(t, "stopped Pushes", all(t, c.Pushes(t.Context(), client.PushFilter{State: cota.Stopped})), []cota.Push{stopped})
	for _, err := range c.Pushes(t.Context(), client.PushFilter{Product: "none"}) {
		w.code("Pushes of no product", err, cota.NotFound)
	}
	w.climb(stopped, "dev-000001", cota.Applied)
	progress, err := c.Progress(t.Context(), stopped.No)
	w.must(err)
	if len(progress) != 1 || progress[0].Percent != 50 || progress[0].At.Before(stopped.StartedAt) {
		t.Errorf("Progress = %v; want 50 percent, after %v", progress, stopped.StartedAt)
	}
	_, err = c.Progress(t.Context(), 99)
	w.code("Progress of no push", err, cota.NotFound)
}

// follow is a Watch that is asked for one state after the other.
func (w *world) follow(ctx context.Context, c *client.Client, no int64) (next func() cota.Push, ended func()) {
	pull, stop := iter.Pull2(c.Watch(ctx, no))
	w.Cleanup(stop)
	next = func() cota.Push {
		w.Helper()
		p, err, ok := pull()
		if err != nil || !ok {
			w.Fatalf("Watch ended with %v; want another state", err)
		}
		return p
	}
	ended = func() {
		w.Helper()
		if p, err, ok := pull(); ok {
			w.Errorf("Watch = %+v, %v; want that it has ended", p, err)
		}
	}
	return next, ended
}

func TestWatchUntilCompleted(t *testing.T) {
	w := newWorld(t)
	_, push := w.pushed(2)
	next, ended := w.follow(t.Context(), w.as(cota.Viewer), push.No)
	equal(t, "first state", next().Counts, cota.Counts{Total: 2, Pending: 2})
	w.climb(push, "dev-000001", cota.Sent)
	equal(t, "after sent", next().Counts, cota.Counts{Total: 2, Pending: 1, Sent: 1})
	w.climb(push, "dev-000001", cota.Applied)
	equal(t, "after applied", next().Counts, cota.Counts{Total: 2, Pending: 1, Applied: 1})
	w.climb(push, "dev-000002", cota.Applied)
	last := next()
	if last.State != cota.Completed || last.EndedAt == nil || last.Applied != 2 {
		t.Errorf("last state = %+v; want completed, with both applied", last)
	}
	ended()

	next, ended = w.follow(t.Context(), w.as(cota.Viewer), push.No)
	equal(t, "a push that has ended", next(), last)
	ended()
}

// cutter breaks off each of the first connections after its first event.
type cutter struct {
	http.ResponseWriter
	left *atomic.Int32
}

func (c cutter) Flush() {
	c.ResponseWriter.(http.Flusher).Flush()
	if c.left.Add(-1) >= 0 {
		panic(http.ErrAbortHandler)
	}
}

func (c cutter) SetWriteDeadline(at time.Time) error {
	return http.NewResponseController(c.ResponseWriter).SetWriteDeadline(at)
}

func TestWatchConnectsAgain(t *testing.T) {
	w := newWorld(t)
	_, push := w.pushed(1)
	var left, connections atomic.Int32
	left.Store(2)
	handler := api.New(api.Options{Control: w.control, Store: w.store, Log: discard})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		connections.Add(1)
		handler.ServeHTTP(cutter{rw, &left}, r)
	}))
	defer server.Close()
	next, ended := w.follow(t.Context(), client.New(server.URL, w.tokens[cota.Viewer]), push.No)
	equal(t, "first state", next().Counts, cota.Counts{Total: 1, Pending: 1})
	w.climb(push, "dev-000001", cota.Sent)
	equal(t, "after the connection broke", next().Counts, cota.Counts{Total: 1, Sent: 1})
	w.climb(push, "dev-000001", cota.Applied)
	equal(t, "after it broke again", next().State, cota.Completed)
	ended()
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections; want 3", n)
	}
}

func TestWatchGivesUp(t *testing.T) {
	w := newWorld(t)
	for _, err := range w.as(cota.Viewer).Watch(t.Context(), 99) {
		w.code("Watch of an unknown push", err, cota.NotFound)
	}
	for _, err := range client.New(w.server.URL, "").Watch(t.Context(), 99) {
		w.code("Watch of nobody", err, cota.Unauthenticated)
	}
	_, push := w.pushed(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for p, err := range w.as(cota.Viewer).Watch(ctx, push.No) {
		switch n++; n {
		case 1:
			equal(t, "first state", p.Pending, 1)
			cancel()
		case 2:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Watch after cancel = %+v, %v; want context.Canceled", p, err)
			}
		}
	}
	if n != 2 {
		t.Errorf("Watch yielded %d times; want a state and an error", n)
	}
	server := httptest.NewServer(nil)
	server.Close()
	for _, err := range client.New(server.URL, "").Watch(t.Context(), 1) {
		if err == nil || cota.CodeOf(err) != cota.Internal {
			t.Errorf("Watch of no server: %v; want an error that is no refusal", err)
		}
	}
}

func TestEventStream(t *testing.T) {
	w := newWorld(t)
	_, push := w.pushed(1)
	path := fmt.Sprintf("%s/api/v1/pushes/%d/events", w.server.URL, push.No)
	open := func(method, lastID string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, path, nil)
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+w.tokens[cota.Viewer])
		if lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		t.Cleanup(func() { resp.Body.Close() })
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
			t.Fatalf("events = %d %s; want 200 text/event-stream", resp.StatusCode, got)
		}
		return resp
	}
	open("HEAD", "")
	resp := open("GET", "41")
	lines := bufio.NewReader(resp.Body)
	var event []string
	for range 4 {
		line, err := lines.ReadString('\n')
		w.must(err)
		event = append(event, line)
	}
	if event[0] != "id: 42\n" || event[1] != "event: push\n" || !strings.HasPrefix(event[2], `data: {"no":1,`) || event[3] != "\n" {
		t.Errorf("event = %q; want push 1 as event 42", event)
	}
	close(w.done)
	rest, err := io.ReadAll(lines)
	if err != nil || len(rest) != 0 {
		t.Errorf("after shutdown = %q, %v; want a clean end", rest, err)
	}
}
