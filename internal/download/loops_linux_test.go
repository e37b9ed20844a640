package download

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/store"
	"github.com/cotahq/cota/internal/store/storetest"
)

const (
	socketRoom = 16 << 10 // of each end
	loopedFile = 256 << 10
)

// looped is a Server on loops, with a file that no socket has room for.
type looped struct {
	t      *testing.T
	store  *store.Store
	server *Server
	addr   string
	file   string
	line   string // request for it, but for the empty line
	served chan error
}

func newLooped(t *testing.T) *looped {
	t.Helper()
	return newLoopedWithin(t, time.Minute, time.Minute, time.Minute)
}

// newLoopedWithin is newLooped with these deadlines.
func newLoopedWithin(t *testing.T, head, file, idle time.Duration) *looped {
	t.Helper()
	t.Parallel()
	l := &looped{t: t, store: storetest.SQLite(t), served: make(chan error, 1)}
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	ctl, err := control.New(ctx, control.Options{Store: l.store, FilesURL: "http://files.example.com", Log: log})
	l.must(err)
	p, _, err := ctl.AddProduct(ctx, control.System, cota.DefaultInstance, "meter")
	l.must(err)
	on, most := true, int64(loopedFile)
	l.must(ctl.SetConfig(ctx, control.System, p.Key, &on, &cota.PolicyPatch{MaxBytes: &most}))
	l.file = `["` + strings.Repeat("x", loopedFile-4) + `"]`
	v, err := ctl.SaveVersion(ctx, control.System, p.Key, control.Draft{Content: l.file})
	l.must(err)
	token := ctl.AppendToken(nil, &control.Device{ID: 1, Product: p.Key}, control.Offer{Version: &v, Expires: time.Now().Add(time.Hour)})
	l.line = fmt.Sprintf("GET /c/%s HTTP/1.1\r\nHost: h\r\n", token)

	l.server = &Server{Files: New(Options{Control: ctl, Log: log}), HTTP: &http.Server{
		ReadHeaderTimeout: head, WriteTimeout: file, IdleTimeout: idle,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Method, r.URL.Path, string(body), err)
		}),
	}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	raw, err := ln.(*net.TCPListener).SyscallConn()
	l.must(err)
	l.must(raw.Control(func(fd uintptr) { // each connection has it from its listener
		l.must(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, socketRoom))
	}))
	l.addr = ln.Addr().String()
	go func() { l.served <- l.server.Serve(ln) }()
	return l
}

func (l *looped) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *looped) dial() *net.TCPConn {
	l.t.Helper()
	small := func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { l.must(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, socketRoom)) })
	}
	nc, err := (&net.Dialer{Control: small}).Dial("tcp", l.addr)
	l.must(err)
	l.t.Cleanup(func() { nc.Close() })
	l.must(nc.SetDeadline(time.Now().Add(time.Minute)))
	return nc.(*net.TCPConn)
}

func (l *looped) send(nc net.Conn, text string) {
	l.t.Helper()
	_, err := io.WriteString(nc, text)
	l.must(err)
}

func (l *looped) wantFile(in *bufio.Reader) {
	l.t.Helper()
	res, err := http.ReadResponse(in, nil)
	l.must(err)
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != l.file {
		l.t.Errorf("status %d, %d bytes, %v; want the file", res.StatusCode, len(body), err)
	}
}

func (l *looped) wantEnd(in io.Reader) {
	l.t.Helper()
	if n, err := in.Read(make([]byte, 1)); n != 0 || err == nil {
		l.t.Error("the connection goes on; want it closed")
	} else if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		l.t.Error("the connection is silent; want it closed")
	}
}

func (l *looped) shutdown(ctx context.Context) {
	l.t.Helper()
	l.must(l.server.Shutdown(ctx))
	if err := <-l.served; !errors.Is(err, http.ErrServerClosed) {
		l.t.Errorf("Serve = %v; want http.ErrServerClosed", err)
	}
}

// underway waits until an answer waits for room.
func (l *looped) underway() {
	for all := l.server.loopsOf(); len(all) == 0 || all[0].unsent.Load() == 0; all = l.server.loopsOf() {
		runtime.Gosched() // it may be about to listen still
	}
}

func (s *Server) loopsOf() []*loops {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loops
}

// progressOf is how much of the file was sent through the link, and whether it
// counts as fetched.
func (l *looped) progressOf() (sent int, fetched bool) {
	token, _, _ := strings.Cut(strings.TrimPrefix(l.line, "GET /c/"), " ")
	sent, _ = l.server.Files.progress.sent.Get(token)
	return sent, l.server.Files.progress.fetched.Contains(token)
}

// Nobody is served twice at once: who asks for more while a file is on its way
// gets that file, and no more.
func TestAskingWhileAnswered(t *testing.T) {
	l := newLooped(t)
	nc := l.dial()
	l.send(nc, l.line+"\r\n")
	l.underway()
	for range 3 {
		l.send(nc, l.line+"\r\n")
	}
	in := bufio.NewReader(nc)
	l.wantFile(in)
	l.wantEnd(in)
	l.shutdown(t.Context())
	if _, fetched := l.progressOf(); !fetched {
		t.Error("not on record as fetched")
	}
}

func TestFilesOneAfterTheOther(t *testing.T) {
	l := newLooped(t)
	nc := l.dial()
	in := bufio.NewReader(nc)
	for range 3 {
		l.send(nc, l.line+"\r\n")
		l.wantFile(in)
	}
	l.send(nc, l.line+"Connection: close\r\n\r\n")
	l.wantFile(in)
	l.wantEnd(in)
	l.shutdown(t.Context())
}

func TestCutOnALoop(t *testing.T) {
	l := newLooped(t)
	nc := l.dial()
	l.send(nc, l.line+"\r\n")
	l.underway()
	l.must(nc.SetLinger(0))
	nc.Close()
	for l.server.loopsOf()[0].unsent.Load() > 0 {
		runtime.Gosched()
	}
	l.shutdown(t.Context())
	if sent, fetched := l.progressOf(); fetched || sent != len(l.file)-1 {
		t.Errorf("sent %d, fetched %t; want all but the last byte sent", sent, fetched)
	}
}

// Shutdown lets a download that has begun end, and its connection with it.
func TestShutdownLetsDownloadsEnd(t *testing.T) {
	l := newLooped(t)
	nc, idle := l.dial(), l.dial()
	l.send(nc, l.line+"\r\n")
	l.underway()
	l.send(idle, "GET /c/") // is not served any more
	var all sync.WaitGroup
	all.Go(func() { l.shutdown(t.Context()) })
	in := bufio.NewReader(nc)
	l.wantFile(in)
	l.wantEnd(in)
	all.Wait()
	if _, err := net.Dial("tcp", l.addr); err == nil {
		t.Error("the door is open; want it closed")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	l.must(err)
	if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve after Shutdown = %v; want http.ErrServerClosed", err)
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	l := newLooped(t)
	nc := l.dial()
	l.send(nc, l.line+"\r\n")
	l.underway()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.shutdown(ctx)
	got, _ := io.ReadAll(nc) // whichever way it ends
	if _, fetched := l.progressOf(); fetched || len(got) >= loopedFile {
		t.Errorf("fetched %t, %d bytes; want it cut off", fetched, len(got))
	}
}

func TestDeadlinesOnALoop(t *testing.T) {
	l := newLoopedWithin(t, time.Second, 3*time.Second, 2*time.Second)
	deaf := l.dial()
	l.send(deaf, l.line+"\r\n")
	slow := l.dial()
	l.send(slow, "GET /c/")
	idle := l.dial()
	l.send(idle, l.line+"\r\n")
	in := bufio.NewReader(idle)
	l.wantFile(in)
	late := l.dial() // in time with the first, and not with the second
	l.send(late, l.line+"\r\n"+l.line)
	inLate := bufio.NewReader(late)
	l.wantFile(inLate)
	l.wantEnd(inLate)
	l.wantEnd(slow)
	l.wantEnd(in)
	l.underway()
	for l.server.loopsOf()[0].unsent.Load() > 0 { // of the deaf one
		runtime.Gosched()
	}
	l.shutdown(t.Context())
}

// What is no plain request goes to net/http, whole, also behind one that is.
func TestHandover(t *testing.T) {
	l := newLooped(t)
	nc := l.dial()
	in := bufio.NewReader(nc)
	l.send(nc, l.line+"\r\n")
	l.wantFile(in)
	for range 2 {
		l.send(nc, "POST /auth/register/device HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo")
		l.send(nc, "dy")
		res, err := http.ReadResponse(in, nil)
		l.must(err)
		if body, err := io.ReadAll(res.Body); string(body) != "POST/auth/register/devicebody<nil>" {
			t.Errorf("answered %q, %v", body, err)
		}
	}
	l.shutdown(t.Context())
	l.wantEnd(in)
}

// Many who come at once for what nobody remembers cost a few looks.
func TestCrowd(t *testing.T) {
	l := newLooped(t)
	var all sync.WaitGroup
	for range 100 {
		nc := l.dial()
		all.Go(func() {
			l.send(nc, l.line+fmt.Sprintf("Range: bytes=%d-\r\nConnection: close\r\n\r\n", loopedFile-6))
			text, err := io.ReadAll(nc)
			if err != nil || !bytes.HasSuffix(text, []byte("\r\n\r\nxxxx\"]")) {
				t.Errorf("%q, %v; want the last six bytes", text, err)
			}
		})
	}
	all.Wait()
	l.shutdown(t.Context())
}
