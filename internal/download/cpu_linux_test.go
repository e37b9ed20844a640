package download_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/download"
)

// BenchmarkServe measures what a download over TCP takes of the server, in CPU
// time: what the process spends without the threads that play the clients.
func BenchmarkServe(b *testing.B) {
	for _, e := range []struct {
		name  string
		serve func(*download.Server, net.Listener) error
	}{
		{"loops", (*download.Server).Serve},
		{"http", func(s *download.Server, ln net.Listener) error { return s.HTTP.Serve(ln) }},
	} {
		for _, size := range []int{4 << 10, 64 << 10} {
			for _, keep := range []bool{true, false} {
				b.Run(fmt.Sprintf("%s/size=%d/keep=%t", e.name, size, keep), func(b *testing.B) { benchmarkServe(b, e.serve, size, keep) })
			}
		}
	}
}

func benchmarkServe(b *testing.B, serve func(*download.Server, net.Listener) error, size int, keep bool) {
	ctl, p, v := benchControl(b, size)
	h := download.New(download.Options{Control: ctl})
	s := &download.Server{Files: h, HTTP: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 15 * time.Second}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- serve(s, ln) }()
	defer func() {
		s.Shutdown(b.Context())
		<-served
	}()
	const clients, links = 8, 500
	requests := make([][]byte, links)
	for i := range requests {
		token := ctl.AppendToken(nil, &control.Device{ID: int64(i + 1), Product: p.Key}, control.Offer{Version: &v, Expires: time.Now().Add(time.Hour)})
		requests[i] = fmt.Appendf(nil, "GET /c/%s HTTP/1.1\r\nHost: 127.0.0.1:8082\r\nAccept: text/html,application/xhtml+xml\r\n\r\n", token)
	}
	to := unix.SockaddrInet4{Port: ln.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}

	var next, theirs atomic.Int64
	var all sync.WaitGroup
	before := spent(unix.RUSAGE_SELF)
	b.ResetTimer()
	for range clients {
		all.Go(func() {
			runtime.LockOSThread() // and end with it
			c := &rawClient{to: &to, in: make([]byte, 128<<10), keep: keep}
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := c.fetch(requests[n%links], size); err != nil {
					b.Error(err)
					break
				}
			}
			c.hangUp()
			theirs.Add(int64(spent(unix.RUSAGE_THREAD)))
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(spent(unix.RUSAGE_SELF)-before-time.Duration(theirs.Load()))/float64(b.N)/1e3, "server-us/op")
}

// spent is the CPU time that who has taken.
func spent(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rawClient downloads with as little as it takes.
type rawClient struct {
	to   unix.Sockaddr
	in   []byte
	keep bool
	fd   int // 0: not connected
}

func (c *rawClient) fetch(request []byte, size int) error {
	if c.fd == 0 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		c.fd = fd
		if err := unix.Connect(fd, c.to); err != nil {
			return err
		}
	}
	if _, err := unix.Write(c.fd, request); err != nil {
		return err
	}
	for got, want := 0, -1; got != want; {
		n, err := unix.Read(c.fd, c.in)
		if err != nil || n == 0 {
			return fmt.Errorf("after %d bytes of %d: %w", got, want, err)
		}
		if want < 0 {
			want = bytes.Index(c.in[:n], []byte("\r\n\r\n")) + 4 + size
		}
		got += n
	}
	if !c.keep {
		c.hangUp()
	}
	return nil
}

func (c *rawClient) hangUp() {
	if c.fd != 0 {
		unix.Close(c.fd)
		c.fd = 0
	}
}
