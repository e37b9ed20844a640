//go:build linux

package epoll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// echo answers every frame, which is a length of four bytes and so many more,
// with the same frame. Frames whose length is odd are answered by another
// goroutine, with the connection paused.
type echo struct {
	conn    Conn
	busy    atomic.Bool // in Take
	written atomic.Int32
	end     chan error
}

func newEcho(p *Place) *echo {
	e := &echo{end: make(chan error, 1)}
	p.KeepIn(&e.conn)
	return e
}

func (e *echo) Take(b []byte) (int, error) {
	if e.busy.Swap(true) {
		panic("two at once")
	}
	defer e.busy.Store(false)
	if len(b) < 4 || len(b)-4 < int(binary.BigEndian.Uint32(b)) {
		return 0, nil
	}
	n := 4 + int(binary.BigEndian.Uint32(b))
	if n == 4 {
		return 0, errBye
	}
	if n%2 == 0 {
		_, err := e.conn.Write(b[:n])
		return n, err
	}
	frame := bytes.Clone(b[:n])
	e.conn.Pause()
	go func() {
		e.conn.Write(frame)
		e.conn.Resume()
	}()
	return n, nil
}

var errBye = errors.New("bye")

func (e *echo) Written() { e.written.Add(1) }

func (e *echo) Closed(err error) {
	if e.busy.Load() {
		panic("closed while it takes")
	}
	e.end <- err
}

// rig is a group that serves echo on a socket.
type rig struct {
	t     testing.TB
	group *Group
	ln    *net.TCPListener
	made  chan *echo
}

func newRig(t testing.TB) *rig {
	t.Helper()
	g, err := New()
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &rig{t: t, group: g, ln: ln.(*net.TCPListener), made: make(chan *echo, 10_000)}
	t.Cleanup(func() {
		ln.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// listen has the group accept by itself.
func (r *rig) listen() *rig {
	a, err := r.group.Listen(r.ln, func(p *Place, from netip.AddrPort) Handler {
		if !from.Addr().IsLoopback() {
			r.t.Errorf("from %v; want loopback", from)
		}
		e := newEcho(p)
		r.made <- e
		return e
	}, func(err error) { r.t.Error(err) })
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, a.Close()) })
	return r
}

// knock connects.
func (r *rig) knock() net.Conn {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.ln.Addr().String())
	must(r.t, err)
	r.t.Cleanup(func() { nc.Close() })
	must(r.t, nc.SetDeadline(time.Now().Add(time.Minute)))
	return nc
}

// dial connects to what the group accepts, and returns both ends.
func (r *rig) dial() (net.Conn, *echo) {
	r.t.Helper()
	return r.knock(), <-r.made
}

// pair connects, and returns both ends, of which the group knows nothing.
func (r *rig) pair() (there net.Conn, here *net.TCPConn) {
	r.t.Helper()
	there = r.knock()
	nc, err := r.ln.Accept()
	must(r.t, err)
	return there, nc.(*net.TCPConn)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func frame(n int) []byte {
	b := make([]byte, 4+n)
	binary.BigEndian.PutUint32(b, uint32(n))
	for i := range n {
		b[4+i] = byte(i)
	}
	return b
}

func wantEnd(t testing.TB, e *echo, want error) {
	t.Helper()
	select {
	case got := <-e.end:
		if !errors.Is(got, want) {
			t.Errorf("ended with %v; want %v", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("did not end; want %v", want)
	}
}

// converse sends frames of many sizes in pieces of many sizes, and checks that
// all come back.
func converse(t testing.TB, nc net.Conn, rnd *rand.Rand, frames int) {
	var sent bytes.Buffer
	for range frames {
		sent.Write(frame(1 + rnd.IntN(1<<(1+rnd.IntN(14)))))
	}
	want := bytes.Clone(sent.Bytes())
	go func() {
		for sent.Len() > 0 {
			if _, err := nc.Write(sent.Next(1 + rnd.IntN(1<<(1+rnd.IntN(17))))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what came back is not what was sent (%v)", err)
	}
}
