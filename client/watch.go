package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/cotahq/cota"
)

const (
	// silence is how long a stream may say nothing: the server sends a
	// comment every 15 s.
	silence = 45 * time.Second

	// A stream that broke off is opened again: after retryFirst, then after
	// twice as long each time up to retryMost, until retryFor has passed
	// without a word from the server.
	retryFirst = 250 * time.Millisecond
	retryMost  = 5 * time.Second
	retryFor   = time.Minute
)

// Watch yields a push as it is now, then whenever it changes, and ends after
// it has yielded the push's end. Changes in quick succession are yielded as
// one. If the connection breaks off it connects again, for up to a minute;
// only the first connection must succeed at once. After an error it ends.
func (c *Client) Watch(ctx context.Context, no int64) iter.Seq2[cota.Push, error] {
	return func(yield func(cota.Push, error) bool) {
		w := watch{client: c, no: no}
		err := w.run(ctx, func(p cota.Push) bool { return yield(p, nil) })
		if err != nil {
			yield(cota.Push{}, err)
		}
	}
}

// watch is one run of Watch.
type watch struct {
	client *Client
	no     int64
	last   string // what was yielded last
	ended  bool   // the push has, or the caller wants no more
}

func (w *watch) run(ctx context.Context, yield func(cota.Push) bool) error {
	if err := w.stream(ctx, yield); err != nil && (w.last == "" || final(err)) {
		return err
	}
	heard := time.Now()
	for pause := retryFirst; !w.ended; pause = min(2*pause, retryMost) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		err := w.stream(ctx, yield)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			heard, pause = time.Now(), retryFirst
		case final(err), time.Since(heard) > retryFor:
			return err
		}
	}
	return nil
}

// final tells whether trying again is of no use: the server said why.
func final(err error) bool {
	e, ok := errors.AsType[*cota.Error](err)
	return ok && e.Code != cota.Unavailable && e.Code != cota.Internal
}

// stream follows one connection. It returns nil if that told anything, however
// it ended.
func (w *watch) stream(ctx context.Context, yield func(cota.Push) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	resp, err := w.client.open(ctx, http.MethodGet, pushPath(w.no)+"/events", http.Header{"Accept": {"text/event-stream"}}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()

	lines := bufio.NewScanner(resp.Body)
	event, told := "", false
	for lines.Scan() {
		quiet.Reset(silence)
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "push":
			told = true
			if err := w.tell(value, yield); err != nil || w.ended {
				return err
			}
		}
	}
	if told {
		return nil
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("watch push %d: %w", w.no, err)
}

// tell yields a push, unless it is as it was.
func (w *watch) tell(data string, yield func(cota.Push) bool) error {
	var p cota.Push
	if err := json.Unmarshal([]byte(data), &p); err != nil {
		return fmt.Errorf("read push %d: %w", w.no, err)
	}
	if data == w.last {
		return nil
	}
	w.last = data
	w.ended = !yield(p) || p.State != cota.Running
	return nil
}
