package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
)

// failingListener fails a few times before it serves.
type failingListener struct {
	*pipenet.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestServeOutlivesFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		door := &failingListener{pipenet.New("mqtt"), 5}
		served := make(chan error)
		start := time.Now()
		go func() { served <- r.gateway.Serve(door) }()
		nc, err := door.Dial(t.Context(), "", "")
		r.must(err)
		if took := time.Since(start); took != 155*time.Millisecond { // 5, 10, 20, 40 and 80
			t.Errorf("it served after %v; want 155ms", took)
		}
		w := &wire{t: t, nc: nc, version: mqtt.V311}
		c := r.login(0)
		w.write(c.Append(nil))
		w.connack()
		door.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v; want nil", err)
		}
		w.ping() // who is connected stays so
		nc.Close()
	})
}

func TestConnectionThatComesAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.must(r.gateway.Close(context.Background()))
		w := r.dial(mqtt.V311)
		if _, err := w.next(); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v; want it closed at once", err)
		}
		synctest.Wait()
		if lines := r.log.about("connection"); len(lines) != 0 {
			t.Errorf("log says %q; want nothing", lines)
		}
	})
}
