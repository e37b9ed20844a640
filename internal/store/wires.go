package store

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// How long PostgreSQL is waited for where nothing it is asked takes long: to
// accept a connection, and to take what was sent.
const (
	connectWithin = 5 * time.Second
	takenWithin   = 15 * time.Second
)

var errSilent = errors.New("the database server does not answer")

// wires are a node's connections to PostgreSQL, but for the one that listens.
// A server that is gone refuses, and ends what was asked. One that is stopped,
// or behind a network that swallows what is sent, does neither: whoever has
// asked it something would wait for ever, and so would all who come after. So
// once it is known to be silent (see pulse) the wires are cut: what is asked
// fails at once, as if the server were gone, until it is heard again.
//
// A deadline for each statement would do less: it would have to be longer than
// the longest takes, and every one of those who wait would wait that long.
type wires struct {
	mu   sync.Mutex
	gone bool               // the wires are cut; guarded by mu
	open map[*wire]struct{} // guarded by mu
}

// wire is one connection.
type wire struct {
	net.Conn
	of *wires
}

// dial is how a pool connects.
func (ws *wires) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if ws.cut() {
		return nil, errSilent
	}
	nc, err := dialPostgres(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &wire{nc, ws}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.gone {
		nc.Close()
		return nil, errSilent
	}
	if ws.open == nil {
		ws.open = make(map[*wire]struct{})
	}
	ws.open[w] = struct{}{}
	return w, nil
}

func (w *wire) Close() error {
	w.of.mu.Lock()
	delete(w.of.open, w)
	w.of.mu.Unlock()
	return w.Conn.Close()
}

// silence cuts the wires, and mend lets connect again. Both report whether that
// is news.
func (ws *wires) silence() (news bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	news, ws.gone = !ws.gone, true
	for w := range ws.open {
		w.Conn.Close() // whoever uses it is told, and closes it again
	}
	clear(ws.open)
	return news
}

func (ws *wires) mend() (news bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	news, ws.gone = ws.gone, false
	return news
}

func (ws *wires) cut() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.gone
}

// dialPostgres connects. The system ends a connection whose other end is not
// there any more, even if nobody has anything to say.
func dialPostgres(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: takenWithin, Interval: takenWithin / 3, Count: 3},
		Control:         boundUntaken,
	}
	return d.DialContext(ctx, network, addr)
}
