//go:build linux

package epoll

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filed answers everything with what is behind an offset in a file.
type filed struct {
	conn   *Conn
	body   []byte
	file   *os.File
	offset int
}

func (f *filed) Take(b []byte) (int, error) {
	if err := f.conn.WriteFile([]byte("head "), f.body[f.offset:], f.file, f.offset); err != nil {
		return 0, err
	}
	if f.conn.Unsent() == 0 {
		f.conn.Close()
	}
	return len(b), nil
}
func (f *filed) Written()     { f.conn.Close() }
func (f *filed) Closed(error) {}

// What is sent at once comes from the file, which tells in a test by its having
// other letters, and all else from memory.
func TestWriteFile(t *testing.T) {
	const small, large = 100, 16 << 20 // of which there is room for one
	file := func(size int) *os.File {
		name := filepath.Join(t.TempDir(), "body")
		must(t, os.WriteFile(name, bytes.Repeat([]byte("F"), size), 0o600))
		f, err := os.Open(name)
		must(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	closed := file(small)
	closed.Close()
	for _, tt := range []struct {
		name         string
		size, offset int
		file         *os.File
		from         string // letters of what is sent, in this order
	}{
		{"whole", small, 0, file(small), "F"},
		{"from an offset on", small, 60, file(small), "F"},
		{"more than there is room for", large, 1, file(large), "FM"},
		{"no file", small, 3, nil, "M"},
		{"closed file", small, 3, closed, "M"},
		{"empty file", small, 0, file(0), "M"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.listenEager(func(p *Place, _ netip.AddrPort) Handler {
				return &filed{p.KeepIn(new(Conn)), bytes.Repeat([]byte("M"), tt.size), tt.file, tt.offset}
			})
			nc := r.knock()
			nc.Write([]byte("x"))
			text, err := io.ReadAll(nc)
			must(t, err)
			body, ok := strings.CutPrefix(string(text), "head ")
			if !ok || len(body) != tt.size-tt.offset {
				t.Errorf("read %.10q.. and %d bytes in all; want the head and %d", text, len(text), tt.size-tt.offset)
			}
			from := ""
			for rest := body; rest != ""; rest = strings.TrimLeft(rest, rest[:1]) {
				from += rest[:1]
			}
			if from != tt.from {
				t.Errorf("it is of %q, in this order; want %q (F: the file, M: memory)", from, tt.from)
			}
		})
	}
}
