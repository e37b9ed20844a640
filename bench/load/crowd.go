package load

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// jobTimeout bounds a job that does not say how long it may take.
const jobTimeout = 5 * time.Minute

// crowd is the connections of one process. It belongs to one goroutine.
type crowd struct {
	poll    int
	by      []handler // by descriptor
	devices []*device
	fleet   Fleet
	connect Connect
	held    tlsCrowd

	events [512]unix.EpollEvent
	in     [128 << 10]byte

	expect  *Expect // nil: messages are strays
	got     int     // devices that have what is waited for
	failed  int
	stray   int
	inline  int // configurations that came in the push itself
	bytes   int
	qos     int
	waiting []*device // for a download to begin
	active  int       // downloads
	sources int       // addresses used for downloads
	failure error     // the first
}

// handler is the owner of a descriptor.
type handler interface {
	// ready is called when the descriptor has become readable or writable.
	// It reads all there is: descriptors are watched edge-triggered.
	ready(c *crowd, events uint32)
}

func newCrowd() (*crowd, error) {
	runtime.LockOSThread()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll descriptor: %w", err)
	}
	return &crowd{poll: poll}, nil
}

var errTimeout = errors.New("took too long")

// until handles events until done says so.
func (c *crowd) until(done func() bool, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for !done() {
		left := time.Until(deadline)
		if left <= 0 {
			return errTimeout
		}
		if err := c.turn(min(left, time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// turn handles what has happened, and waits for it at most so long.
func (c *crowd) turn(wait time.Duration) error {
	n, err := unix.EpollWait(c.poll, c.events[:], int(wait/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for events: %w", err)
	}
	for _, e := range c.events[:max(n, 0)] {
		if h := c.by[e.Fd]; h != nil {
			h.ready(c, e.Events)
		}
	}
	return nil
}

// dial begins a connection from a loopback address. Its handler is called
// when it is made.
func (c *crowd) dial(to netip.AddrPort, from netip.Addr, h handler) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("make a socket: %w", err)
	}
	if err := c.begin(fd, to, from, h); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (c *crowd) begin(fd int, to netip.AddrPort, from netip.Addr, h handler) error {
	// The port is chosen at connect, so that two connections may share one
	// where the other ends differ.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fmt.Errorf("set a socket's options: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("set a socket's options: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
		return fmt.Errorf("bind to %s: %w", from, err)
	}
	err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect to %s: %w", to, err)
	}
	for fd >= len(c.by) {
		c.by = append(c.by, make([]handler, max(1024, len(c.by)))...)
	}
	c.by[fd] = h
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(c.poll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		c.by[fd] = nil
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

func (c *crowd) hangUp(fd int) {
	c.by[fd] = nil
	unix.Close(fd)
}

// fail counts an operation that went wrong, and keeps the first reason.
func (c *crowd) fail(err error) {
	c.failed++
	if c.failure == nil {
		c.failure = err
	}
}

// socketError is what became of a connection attempt.
func socketError(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

// send writes a small packet. The socket's buffer always has room for it.
func send(fd int, b []byte) error {
	n, err := unix.Write(fd, b)
	if err == nil && n < len(b) {
		err = errors.New("the socket is full")
	}
	return err
}

// perAddress is how many connections come from one source address: fewer
// than there are ports.
const perAddress = 5000

// source is the address of the i-th connection from 127.0.block.*.
func source(block byte, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 0, block, byte(1 + i/perAddress%250)})
}

func quantiles(values []int64) Quantiles {
	if len(values) == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	at := func(percent int) int64 { return values[(len(values)*percent+99)/100-1] }
	return Quantiles{P50: at(50), P95: at(95), P99: at(99), Max: at(100)}
}
