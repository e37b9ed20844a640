package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/cotahq/cota"
)

// What keeps the database from its work, in words for operators.
const (
	troubleAway     = "the database does not answer; if you asked for a change, look whether it was made before you try again"
	troubleFull     = "the disk of the database is full; make room, and try again"
	troubleReadOnly = "the database cannot be written: its file, its directory or its disk is read-only"
	troubleDisk     = "the disk of the database fails to read or write; the server's log says more"
	troubleDamaged  = "the database is damaged; stop the server and restore a backup"
)

// Trouble is err, if it says that the database could not do its work, as a
// refusal with cota.Unavailable that says why; and any other error as it is.
func (s *Store) Trouble(err error) error {
	if err == nil || cota.CodeOf(err) != cota.Internal {
		return err
	}
	why := s.engine.trouble(err)
	if errors.Is(err, errDamaged) {
		why = troubleDamaged
	}
	if why != "" {
		return &cota.Error{Code: cota.Unavailable, Msg: why}
	}
	return err
}

// sqliteTrouble goes by the primary result code (SQLite: Result and Error
// Codes).
func sqliteTrouble(err error) string {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_FULL:
		return troubleFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return troubleReadOnly
	case sqlite3.SQLITE_IOERR:
		return troubleDisk
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return troubleDamaged
	case sqlite3.SQLITE_BUSY:
		return troubleAway
	}
	return ""
}

// postgresTrouble goes by the class of the SQLSTATE (PostgreSQL: Appendix A),
// and without one by whether the connection failed.
func postgresTrouble(err error) string {
	code := postgresCode(err)
	switch {
	case code == "53100":
		return troubleFull
	case code == "25006":
		return troubleReadOnly
	case strings.HasPrefix(code, "XX00"), code == "58030": // damaged data; an I/O error
		return troubleDamaged
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"):
		return troubleAway
	case code != "":
		return ""
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	if connecting || network || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return troubleAway
	}
	return ""
}
