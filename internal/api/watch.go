package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cotahq/cota"
)

const (
	watchEvery = 250 * time.Millisecond // how often a push that is watched is looked at
	watchBeat  = 15 * time.Second       // a comment as often, so that both ends know that the other lives
	watchWrite = 30 * time.Second       // a reader that takes nothing for so long is gone
)

type watchInput struct {
	OfPush
	LastID int64 `header:"Last-Event-ID" minimum:"0" doc:"the last event seen before the connection broke"`
}

// watchPush follows a push until it ends, the reader goes or the server shuts
// down. Every event is the whole push, so nothing is missed between two
// connections.
func (s *server) watchPush(ctx context.Context, in *watchInput) (*huma.StreamResponse, error) {
	p, err := s.store.Push(ctx, in.No)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		ctx := c.Context() // goes on for longer than an answer may take
		c.SetHeader("Content-Type", "text/event-stream")
		c.SetHeader("X-Accel-Buffering", "no") // asks a proxy to pass events on at once
		if c.Method() == http.MethodHead {
			return
		}
		w := &watcher{out: c.BodyWriter().(http.ResponseWriter), id: in.LastID}
		err := s.watch(ctx, p, w)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("watching a push broke off", "push", p.No, "request", requestOf(ctx).id, "err", err)
		}
	}}, nil
}

func (s *server) watch(ctx context.Context, p cota.Push, w *watcher) error {
	look, beat := time.NewTicker(watchEvery), time.NewTicker(watchBeat)
	defer look.Stop()
	defer beat.Stop()
	for {
		if err := w.tell(p); err != nil || p.State != cota.Running {
			return err
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		case <-beat.C:
			err = w.write([]byte(":\n\n"))
		case <-look.C:
			p, err = s.store.Push(ctx, p.No)
		}
		if err != nil {
			return err
		}
	}
}

// watcher writes a push as server-sent events.
type watcher struct {
	out  http.ResponseWriter
	id   int64  // of the last event
	last []byte // what it said
}

// tell writes an event, unless the push is as it was.
func (w *watcher) tell(p cota.Push) error {
	var text bytes.Buffer
	if err := writeJSON(&text, p); err != nil {
		return err
	}
	if bytes.Equal(text.Bytes(), w.last) {
		return nil
	}
	w.last = text.Bytes()
	w.id++
	return w.write(fmt.Appendf(nil, "id: %d\nevent: push\ndata: %s\n", w.id, w.last))
}

func (w *watcher) write(event []byte) error {
	rc := http.NewResponseController(w.out)
	if err := rc.SetWriteDeadline(time.Now().Add(watchWrite)); err != nil {
		return fmt.Errorf("bound the write: %w", err)
	}
	if _, err := w.out.Write(event); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	if err := rc.Flush(); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return nil
}
