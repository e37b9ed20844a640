//go:build unix

package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"syscall"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// stays refuses a connection of the pool on which something has come while
// nobody had asked anything: PostgreSQL takes its leave so. The pool takes
// another then. Without this, whoever came first after a restart would be told
// that the database does not answer.
func stays(_ context.Context, conn *pgx.Conn) error {
	nc := conn.PgConn().Conn()
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if w, ok := nc.(*wire); ok {
		nc = w.Conn
	}
	file, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return driver.ErrBadConn
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = err == unix.EAGAIN
	})
	if err != nil || !quiet {
		return driver.ErrBadConn
	}
	return nil
}
