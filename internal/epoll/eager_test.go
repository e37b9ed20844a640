//go:build linux

package epoll

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// listenEager has the group accept what speaks first.
func (r *rig) listenEager(handler func(*Place, netip.AddrPort) Handler) *rig {
	a, err := r.group.ListenEager(r.ln, handler, func(err error) { r.t.Error(err) })
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, a.Close()) })
	return r
}

func TestEager(t *testing.T) {
	r := newRig(t)
	r.listenEager(func(p *Place, _ netip.AddrPort) Handler { return newEcho(p) })
	var all sync.WaitGroup
	for i := range 100 {
		nc := r.knock()
		all.Go(func() { converse(t, nc, rand.New(rand.NewPCG(6, uint64(i))), 20) })
	}
	all.Wait()
}

// Whoever ends a connection with the first word leaves nothing behind.
func TestEagerEnd(t *testing.T) {
	r := newRig(t)
	made := make(chan *echo, 1)
	r.listenEager(func(p *Place, _ netip.AddrPort) Handler {
		e := newEcho(p)
		made <- e
		return e
	})
	for range 20 {
		nc := r.knock()
		nc.Write(append(frame(8), frame(0)...))
		got, _ := io.ReadAll(nc)
		if want := frame(8); !bytes.Equal(got, want) {
			t.Fatalf("read %x; want %x", got, want)
		}
		wantEnd(t, <-made, errBye)
	}
}

// A connection on which too little comes has a deadline like any other.
func TestEagerDeadline(t *testing.T) {
	r := newRig(t)
	made := make(chan *echo, 1)
	r.listenEager(func(p *Place, _ netip.AddrPort) Handler {
		e := newEcho(p)
		e.conn.SetDeadline(time.Second)
		made <- e
		return e
	})
	nc := r.knock()
	nc.Write(frame(8)[:5])
	wantEnd(t, <-made, ErrTimeout)
}

// shared answers everything with the same bytes.
type shared struct {
	conn *Conn
	body []byte
	done chan struct{}
}

func (s *shared) Take(b []byte) (int, error) {
	return len(b), s.conn.WriteFile([]byte("head "), s.body, nil, 0)
}
func (s *shared) Written()     { close(s.done) }
func (s *shared) Closed(error) {}

func TestWriteBoth(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than there is room for
	for _, size := range []int{0, 10, len(body)} {
		r := newRig(t)
		made := make(chan *shared, 1)
		r.listenEager(func(p *Place, _ netip.AddrPort) Handler {
			s := &shared{p.KeepIn(new(Conn)), body[:size], make(chan struct{})}
			made <- s
			return s
		})
		nc := r.knock()
		nc.Write([]byte("x"))
		s := <-made
		want := append([]byte("head "), s.body...)
		if size == len(body) {
			for s.conn.Unsent() == 0 { // it has been asked, and is about to
				runtime.Gosched()
			}
			if s.conn.WriteFile(nil, nil, nil, 0) != ErrStalled {
				t.Error("WriteBoth while something waits succeeds; want ErrStalled")
			}
			s.conn.mu.Lock()
			out := s.conn.buffers.out
			if &out[len(out)-1] != &body[len(body)-1] || cap(out) != len(out) {
				t.Error("what waits is a copy; want the body itself, and nothing behind it")
			}
			s.conn.mu.Unlock()
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d: read something else, %v", size, err)
		}
		if size == len(body) {
			<-s.done
		}
	}
}
