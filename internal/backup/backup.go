// Package backup reads and writes backup files.
//
// A backup file is a line that names the format, a line of JSON that says what
// is in it, a copy of a database, and a line with the SHA-256 of everything
// before:
//
//	cota backup 1
//	{"cota":"v1.2.3","madeAt":"2031-05-06T07:08:09Z","schema":9,"size":155648}
//	(155648 bytes)
//	sha256 5ec2e75ec2e7...
package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"
)

// format is the number of the format that this package writes, and the only
// one that it reads.
const format = 1

const (
	magic     = "cota backup "
	digest    = "sha256 "
	maxMagic  = 32       // bytes of the first line
	maxHeader = 64 << 10 // bytes of the second
	trailer   = len(digest) + 2*sha256.Size + 1
)

// Header says what is in a backup.
type Header struct {
	Cota   string    `json:"cota"` // version that made it
	MadeAt time.Time `json:"madeAt"`
	Schema int64     `json:"schema"` // version of the database's schema
	Size   int64     `json:"size"`   // of the database, in bytes
	// KeyName tells the master key that seals from others, and does not help to
	// find it; "" if it is not known.
	KeyName string `json:"keyName,omitempty"`
	// MasterKeys are in hexadecimal; none, unless the operator wanted them in.
	MasterKeys []string `json:"masterKeys,omitempty"`
}

// Write writes a backup of a database, which must have h.Size bytes.
func Write(w io.Writer, h Header, database io.Reader) error {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s%d\n%s\n", magic, format, text); err != nil {
		return err
	}
	n, err := io.Copy(out, database)
	if err == nil && n != h.Size {
		err = fmt.Errorf("the database has %d bytes; want %d", n, h.Size)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%x\n", digest, sum.Sum(nil))
	return err
}

// Errors of what cannot be read. Each is a sentence about "the file".
var (
	ErrNone    = errors.New("the file is no backup of cota")
	ErrCut     = errors.New("the file is cut off: it ends before the backup does")
	ErrDamaged = errors.New("the file is damaged: it is not what its checksum says")
)

// Reader reads a backup.
type Reader struct {
	Header Header
	in     *bufio.Reader
	sum    hash.Hash
}

// Open reads what is in a backup. The header is not to be trusted before
// CopyTo has seen the checksum.
func Open(r io.Reader) (*Reader, error) {
	b := &Reader{in: bufio.NewReaderSize(r, maxHeader), sum: sha256.New()}
	switch head, err := b.in.Peek(len(magic)); {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case string(head) != magic:
		return nil, ErrNone
	}
	line, err := b.line(maxMagic, ErrNone)
	if err != nil {
		return nil, err
	}
	version, err := strconv.Atoi(strings.TrimPrefix(line, magic))
	if err != nil {
		return nil, ErrNone
	}
	if version != format {
		return nil, fmt.Errorf("the file has format %d; this cota reads only %d", version, format)
	}
	if line, err = b.line(maxHeader, ErrDamaged); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(line), &b.Header); err != nil || b.Header.Size < 0 {
		return nil, ErrDamaged
	}
	return b, nil
}

// line reads a line of at most so many bytes, and returns it without its end.
// A longer one is otherwise.
func (b *Reader) line(max int, otherwise error) (string, error) {
	var text []byte
	for len(text) < max {
		c, err := b.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return "", ErrCut
		}
		if err != nil {
			return "", err
		}
		text = append(text, c)
		if c == '\n' {
			b.sum.Write(text)
			return string(text[:len(text)-1]), nil
		}
	}
	return "", otherwise
}

// CopyTo writes the database to w, and sees that the whole file is what its
// checksum says. What it wrote is not to be used unless it returns nil.
func (b *Reader) CopyTo(w io.Writer) error {
	_, err := io.CopyN(io.MultiWriter(w, b.sum), b.in, b.Header.Size)
	if errors.Is(err, io.EOF) {
		return ErrCut
	}
	if err != nil {
		return err
	}
	end := make([]byte, trailer)
	switch _, err := io.ReadFull(b.in, end); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCut
	case err != nil:
		return err
	}
	if string(end) != digest+hex.EncodeToString(b.sum.Sum(nil))+"\n" {
		return ErrDamaged
	}
	switch _, err := b.in.ReadByte(); {
	case err == nil:
		return ErrDamaged // something follows
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
