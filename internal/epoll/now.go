//go:build linux

package epoll

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What follows are the system calls of loops. None of them ever waits: sockets
// do not block, and epoll is asked for what there is. So Go's scheduler is not
// told of them, as x/sys does not tell it of EpollCtl: it would keep a thread
// awake, every 20 us, that sees whether they wait (runtime.sysmon), and give the
// processor away while one takes longer than that. Both cost more than many of
// the calls do.

// readNow reads what has come: nothing and no error at the end, errAgain when
// that is still to come.
func readNow(fd int32, b []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	switch e {
	case 0:
		return int(n), nil
	case unix.EAGAIN, unix.EINTR:
		return 0, errAgain
	}
	return 0, e
}

// writeNow writes as much as there is room for.
func writeNow(fd int32, b []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return written(n, e)
}

// writeBothNow writes as much of a, and then of b, as there is room for.
func writeBothNow(fd int32, a, b []byte) (int, error) {
	both := [2]unix.Iovec{{Base: unsafe.SliceData(a)}, {Base: unsafe.SliceData(b)}}
	both[0].SetLen(len(a))
	both[1].SetLen(len(b))
	n, _, e := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&both)), uintptr(len(both)))
	return written(n, e)
}

// writeMoreNow is writeNow of what more follows at once.
func writeMoreNow(fd int32, b []byte) (int, error) {
	n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_MORE, 0, 0)
	return written(n, e)
}

// sendFileNow sends as much of a file as there is room for; 0 if it cannot.
func sendFileNow(fd int32, file uintptr, offset, size int) int {
	n, _, e := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), file, uintptr(unsafe.Pointer(&offset)), uintptr(size), 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

func written(n uintptr, e unix.Errno) (int, error) {
	switch e {
	case 0:
		return int(n), nil
	case unix.EAGAIN, unix.EINTR:
		return 0, nil
	}
	return 0, e
}

// acceptNow accepts a connection, which does not block either.
func acceptNow(fd int32) (conn int32, from netip.AddrPort, err error) {
	var sa unix.RawSockaddrInet6 // has room for both kinds
	size := uint32(unsafe.Sizeof(sa))
	n, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if e != 0 {
		return -1, netip.AddrPort{}, e
	}
	return int32(n), addrOf(&sa), nil
}

// addrOf is the address in what accept(2) fills in; the zero AddrPort if it is
// of no kind of TCP.
func addrOf(sa *unix.RawSockaddrInet6) netip.AddrPort {
	var addr netip.Addr
	switch sa.Family {
	case unix.AF_INET:
		addr = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr)
	case unix.AF_INET6:
		addr = netip.AddrFrom16(sa.Addr).Unmap()
	default:
		return netip.AddrPort{}
	}
	port := (*[2]byte)(unsafe.Pointer(&sa.Port)) // in the order of the network, and at the same place in both
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(port[:]))
}

// lookNow takes events that have happened.
func lookNow(epoll int, events []unix.EpollEvent) int {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if e != 0 {
		return 0 // interrupted: they are there next time
	}
	return int(n)
}

// closeNow closes a socket. What is to be sent still, the kernel sends.
func closeNow(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }
