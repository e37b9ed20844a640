package gateway_test

import (
	"crypto/tls"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cotahq/cota/internal/certtest"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// file is the device's end of a connection, which takes no memory of Go's.
type file int

func dialFile(t *testing.T, to net.Addr) file {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	check(t, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	check(t, unix.Connect(fd, &unix.SockaddrInet4{Port: to.(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}))
	return file(fd)
}

func (f file) Read(b []byte) (int, error)       { return unix.Read(int(f), b) }
func (f file) Write(b []byte) (int, error)      { return unix.Write(int(f), b) }
func (f file) Close() error                     { return nil }
func (f file) LocalAddr() net.Addr              { return nil }
func (f file) RemoteAddr() net.Addr             { return nil }
func (f file) SetDeadline(time.Time) error      { return nil }
func (f file) SetReadDeadline(time.Time) error  { return nil }
func (f file) SetWriteDeadline(time.Time) error { return nil }

// TestIdleDevicesAreSmall guards what a device takes that is signed in and
// silent, of which there are to be millions. By TCP 430 to 490 bytes were
// seen, as maps grow by leaps, and by TLS 6,500 to 7,500: a buffer that is kept
// would show.
func TestIdleDevicesAreSmall(t *testing.T) {
	ca := certtest.New(t, "test CA")
	client := &tls.Config{RootCAs: ca.Pool(), ServerName: "cota.test"}
	for _, tt := range []struct {
		name    string
		devices int
		most    int64
		speak   func(nc net.Conn) net.Conn
	}{
		{"TCP", 5000, 540, func(nc net.Conn) net.Conn { return nc }},
		{"TLS", 400, 9_000, func(nc net.Conn) net.Conn { return tls.Client(nc, client) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRigOf(t, tt.devices, gateway.Options{})
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			check(t, err)
			door := port.New(port.Options{TLS: &tls.Config{Certificates: []tls.Certificate{ca.Server("cota.test")}}}).Listen(ln)
			served := make(chan error, 1)
			go func() { served <- r.gateway.Serve(door) }()
			t.Cleanup(func() {
				check(t, door.Close())
				check(t, <-served)
			})
			files := make([]file, 0, tt.devices)
			t.Cleanup(func() {
				for _, f := range files {
					unix.Close(int(f))
				}
			})
			signIn := func(i int) {
				files = append(files, dialFile(t, ln.Addr()))
				w := &wire{t: t, nc: tt.speak(files[i]), version: mqtt.V311}
				c := r.login(i)
				w.write(c.Append(nil))
				w.connack()
			}
			for i := range tt.devices / 2 { // and whatever else there is once
				signIn(i)
			}
			r.must(r.store.Flush(t.Context()))
			before := inUse()
			for i := tt.devices / 2; i < tt.devices; i++ {
				signIn(i)
			}
			r.must(r.store.Flush(t.Context()))
			each := (inUse() - before) / int64(tt.devices-tt.devices/2)
			t.Logf("%d bytes", each)
			if each > tt.most {
				t.Errorf("an idle device takes %d bytes; want %d at most", each, tt.most)
			}
		})
	}
}

// TestOfferAllocatesNothing guards what a push is made of millions of times.
func TestOfferAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("with the race detector, what is shared is let go of at times")
	}
	r := newRig(t, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r.live = ln
	door := port.New(port.Options{}).Listen(ln)
	served := make(chan error, 1)
	go func() { served <- r.gateway.Serve(door) }()
	t.Cleanup(func() {
		check(t, door.Close())
		check(t, <-served)
	})
	w := r.connect(0)
	v := r.save(`{}`)
	o := control.Offer{Push: 1, Version: &v, Expires: time.Now().Add(time.Hour)}
	offer, err := r.gateway.Offers(r.product, r.state(0).ID, o)
	check(t, err)
	for o.Push < 20 { // so that what is remembered of offers has its size
		if !offer(o) {
			t.Fatalf("offer %d was not made", o.Push)
		}
		w.offered()
		w.caughtUp()
		o.Push++
	}
	if n := testing.AllocsPerRun(5, func() {
		if !offer(o) {
			t.Error("an offer was not made")
		}
		o.Push++
	}); n > 0 {
		t.Errorf("an offer allocates %v times; want none", n)
	}
}

// inUse is what Go's memory holds.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
