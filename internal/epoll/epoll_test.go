//go:build linux

package epoll

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// echo answers every frame, which is a length of four bytes and so many more,
// with the same frame. Frames whose length is odd are answered by another
// goroutine, with the connection paused.
type echo struct {
	conn    *Conn
	busy    atomic.Bool // in Take
	written atomic.Int32
	end     chan error
}

func newEcho(c *Conn) *echo { return &echo{conn: c, end: make(chan error, 1)} }

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
	a, err := r.group.Listen(r.ln, func(c *Conn, from netip.AddrPort) Handler {
		if !from.Addr().IsLoopback() {
			r.t.Errorf("from %v; want loopback", from)
		}
		e := newEcho(c)
		r.made <- e
		return e
	}, func(err error) { r.t.Error(err) })
	must(r.t, err)
	r.t.Cleanup(func() { must(r.t, a.Close()) })
	return r
}

// dial connects, and returns both ends.
func (r *rig) dial() (net.Conn, *echo) {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.ln.Addr().String())
	must(r.t, err)
	r.t.Cleanup(func() { nc.Close() })
	must(r.t, nc.SetDeadline(time.Now().Add(time.Minute)))
	return nc, <-r.made
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

func TestManyConnections(t *testing.T) {
	r := newRig(t).listen()
	var all sync.WaitGroup
	for i := range 200 {
		nc, _ := r.dial()
		all.Go(func() { converse(t, nc, rand.New(rand.NewPCG(1, uint64(i))), 50) })
	}
	all.Wait()
}

func TestEnds(t *testing.T) {
	r := newRig(t).listen()
	nc, e := r.dial()
	nc.Close()
	wantEnd(t, e, io.EOF)

	nc, e = r.dial()
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
	wantEnd(t, e, syscall.ECONNRESET)

	nc, e = r.dial()
	nc.Write(frame(0))
	wantEnd(t, e, errBye)
	if n, err := nc.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d, %v after the end; want an error", n, err)
	}
	if _, err := e.conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after the end: %v; want net.ErrClosed", err)
	}

	nc, e = r.dial()
	e.conn.Write([]byte("last word"))
	e.conn.Close()
	e.conn.Close()
	got, _ := io.ReadAll(nc)
	wantEnd(t, e, io.EOF)
	if string(got) != "last word" {
		t.Errorf("read %q; want the last word", got)
	}
}

// What does not fit into the socket waits, and goes out in order.
func TestSlowReader(t *testing.T) {
	r := newRig(t).listen()
	nc, e := r.dial()
	var sent bytes.Buffer
	for i := byte(0); ; i++ {
		b := bytes.Repeat([]byte{i}, 64<<10)
		if _, err := e.conn.Write(b); err != nil {
			if !errors.Is(err, ErrStalled) {
				t.Fatal(err)
			}
			break
		}
		sent.Write(b)
	}
	if n := e.conn.Unsent(); n == 0 || n > MaxUnsent {
		t.Errorf("%d bytes wait; want some, at most %d", n, MaxUnsent)
	}
	e.conn.Close()
	got, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(got, sent.Bytes()) {
		t.Errorf("read %d bytes, %v; want the %d that were taken", len(got), err, sent.Len())
	}
	wantEnd(t, e, io.EOF)
	if n := e.written.Load(); n != 1 {
		t.Errorf("Written was called %d times; want once", n)
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	r := newRig(t).listen()
	_, silent := r.dial()
	silent.conn.SetDeadline(time.Second)
	nc, never := r.dial() // lives on
	never.conn.SetDeadline(time.Second)
	never.conn.SetDeadline(time.Hour)
	_, full := r.dial()
	for err := error(nil); err == nil; {
		_, err = full.conn.Write(make([]byte, 64<<10))
	}
	full.conn.Close()
	wantEnd(t, silent, ErrTimeout)
	wantEnd(t, full, ErrStalled)
	converse(t, nc, rand.New(rand.NewPCG(2, 2)), 5)
}

// sleeper is paused until there is room again.
type sleeper struct {
	conn *Conn
	end  chan error
}

func (s *sleeper) Take(b []byte) (int, error) {
	s.conn.Pause()
	for err := error(nil); err == nil; {
		_, err = s.conn.Write(make([]byte, 64<<10))
	}
	return len(b), nil
}

func (s *sleeper) Written()         { s.conn.Resume() }
func (s *sleeper) Closed(err error) { s.end <- err }

// Who is paused until something was sent must not be so for ever.
func TestStalledWhilePaused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	there, err := net.Dial("tcp", r.ln.Addr().String())
	must(t, err)
	defer there.Close()
	here, err := r.ln.Accept()
	must(t, err)
	s := &sleeper{end: make(chan error, 1)}
	must(t, r.group.Add(here.(*net.TCPConn), nil, func(c *Conn) Handler { s.conn = c; return s }))
	there.Write([]byte("hello"))
	select {
	case err := <-s.end:
		if !errors.Is(err, ErrStalled) {
			t.Errorf("ended with %v; want ErrStalled", err)
		}
	case <-time.After(time.Minute):
		t.Error("it is open still")
	}
}

func TestAddWithFirstBytes(t *testing.T) {
	r := newRig(t)
	there, err := net.Dial("tcp", r.ln.Addr().String())
	must(t, err)
	defer there.Close()
	here, err := r.ln.Accept()
	must(t, err)
	var e *echo
	f := append(frame(9), frame(12)...) // the first is answered after a pause
	must(t, r.group.Add(here.(*net.TCPConn), bytes.Clone(f), func(c *Conn) Handler { e = newEcho(c); return e }))
	got := make([]byte, len(f))
	if _, err := io.ReadFull(there, got); err != nil || !bytes.Equal(got, f) {
		t.Errorf("read %x, %v; want %x", got, err, f)
	}
	converse(t, there, rand.New(rand.NewPCG(3, 3)), 20)
	there.Close()
	wantEnd(t, e, io.EOF)
}

// detacher gives the connection away as soon as something comes.
type detacher struct {
	conn *Conn
	got  chan []byte
	nc   chan net.Conn
}

func (d *detacher) Take(b []byte) (int, error) {
	d.got <- bytes.Clone(b)
	nc, err := d.conn.Detach()
	d.nc <- nc
	return 0, err
}

func (d *detacher) Written()     {}
func (d *detacher) Closed(error) { panic("not mine any more") }

func TestDetach(t *testing.T) {
	r := newRig(t)
	there, err := net.Dial("tcp", r.ln.Addr().String())
	must(t, err)
	defer there.Close()
	here, err := r.ln.Accept()
	must(t, err)
	d := &detacher{got: make(chan []byte, 1), nc: make(chan net.Conn, 1)}
	must(t, r.group.Add(here.(*net.TCPConn), nil, func(c *Conn) Handler { d.conn = c; return d }))
	there.Write([]byte("hello"))
	if got := <-d.got; string(got) != "hello" {
		t.Errorf("Take(%q); want hello", got)
	}
	nc := <-d.nc
	defer nc.Close()
	there.Write([]byte("again"))
	got := make([]byte, 5)
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != "again" {
		t.Errorf("read %q, %v; want again", got, err)
	}
}

// crypto/tls goes on after an error that is temporary. This is how connections
// under TLS are served without a goroutine each.
func TestTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t)
		config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}, MaxVersion: version}
		served := make(chan *echo, 100)
		go func() {
			for {
				nc, err := r.ln.Accept()
				if err != nil {
					return
				}
				s := NewSocket(nc.(*net.TCPConn))
				tc := tls.Server(s, config)
				if err := tc.Handshake(); err != nil {
					t.Error(err)
					return
				}
				must(t, r.group.AddTLS(tc, s, nil, func(c *Conn) Handler { e := newEcho(c); served <- e; return e }))
			}
		}()
		var all sync.WaitGroup
		for i := range 20 {
			nc, err := tls.Dial("tcp", r.ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
			must(t, err)
			defer nc.Close()
			all.Go(func() { converse(t, nc, rand.New(rand.NewPCG(4, uint64(i))), 30) })
		}
		all.Wait()
		e := <-served
		e.conn.Close()
		wantEnd(t, e, io.EOF)
		r.ln.Close()
	}
}

func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A million of these are a hundred megabytes.
func TestSizeOfConn(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 96 {
		t.Errorf("a Conn takes %d bytes; want at most 96", n)
	}
}

// A connection that has come to rest keeps no buffer.
func TestRest(t *testing.T) {
	r := newRig(t).listen()
	nc, e := r.dial()
	converse(t, nc, rand.New(rand.NewPCG(5, 5)), 50)
	for {
		e.conn.mu.Lock()
		busy, kept := e.conn.busy, e.conn.buffers
		e.conn.mu.Unlock()
		if !busy {
			if kept != nil {
				t.Errorf("at rest it keeps %+v; want nothing", kept)
			}
			return
		}
		runtime.Gosched()
	}
}
