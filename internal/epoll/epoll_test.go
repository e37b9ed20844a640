//go:build linux

package epoll

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

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
	there, here := r.pair()
	s := &sleeper{end: make(chan error, 1)}
	must(t, r.group.Add(here, nil, func(p *Place) Handler { s.conn = p.KeepIn(new(Conn)); return s }))
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
	there, here := r.pair()
	var e *echo
	f := append(frame(9), frame(12)...) // the first is answered after a pause
	must(t, r.group.Add(here, bytes.Clone(f), func(p *Place) Handler { e = newEcho(p); return e }))
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
	there, here := r.pair()
	d := &detacher{got: make(chan []byte, 1), nc: make(chan net.Conn, 1)}
	must(t, r.group.Add(here, nil, func(p *Place) Handler { d.conn = p.KeepIn(new(Conn)); return d }))
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
				must(t, r.group.AddTLS(tc, s, nil, func(p *Place) Handler { e := newEcho(p); served <- e; return e }))
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

// A million of these are eighty megabytes.
func TestSizeOfConn(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 80 {
		t.Errorf("a Conn takes %d bytes; want at most 80", n)
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
