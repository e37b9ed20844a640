package store

import (
	"errors"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// boundUntaken has a connection end when what was sent is not acknowledged in
// time (tcp(7), TCP_USER_TIMEOUT). By itself the system tries for a quarter of
// an hour.
func boundUntaken(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	control := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(takenWithin.Milliseconds()))
	})
	return errors.Join(control, err)
}
