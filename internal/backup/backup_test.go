package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota/internal/backup"
)

var header = backup.Header{
	Cota: "v1.2.3", MadeAt: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC), Schema: 9, Size: 5000, KeyName: "0123456789abcdef",
}

// written is a backup of a database of 5,000 bytes.
func written(t testing.TB) (file, database []byte) {
	t.Helper()
	database = bytes.Repeat([]byte("12345"), 1000)
	var out bytes.Buffer
	if err := backup.Write(&out, header, bytes.NewReader(database)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), database
}

// read is what a file holds.
func read(file []byte) (h backup.Header, database []byte, err error) {
	r, err := backup.Open(bytes.NewReader(file))
	if err != nil {
		return h, nil, err
	}
	var out bytes.Buffer
	err = r.CopyTo(&out)
	return r.Header, out.Bytes(), err
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	file, want := written(t)
	h, database, err := read(file)
	if err != nil || !bytes.Equal(database, want) {
		t.Fatalf("read %d bytes, %v; want the %d that were written", len(database), err, len(want))
	}
	if diff := cmp.Diff(header, h); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if !bytes.HasPrefix(file, []byte("cota backup 1\n{")) {
		t.Errorf("file begins with %q", file[:20])
	}
}

func TestSizeThatIsWrong(t *testing.T) {
	if err := backup.Write(io.Discard, header, strings.NewReader("short")); err == nil {
		t.Error("Write of fewer bytes than the header says succeeded")
	}
}

// A file that ends anywhere too early, or of which any one byte is another, is
// refused.
func TestEveryFaultIsSeen(t *testing.T) {
	file, _ := written(t)
	for n := range file {
		_, _, err := read(file[:n])
		want := backup.ErrCut
		if n < len("cota backup ") {
			want = backup.ErrNone
		}
		if !errors.Is(err, want) {
			t.Fatalf("the first %d bytes: %v; want %v", n, err, want)
		}
		other := bytes.Clone(file)
		other[n] ^= 1
		if _, _, err := read(other); err == nil {
			t.Fatalf("byte %d changed: no error", n)
		}
	}
	if _, _, err := read(append(bytes.Clone(file), '\n')); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a byte more: %v; want %v", err, backup.ErrDamaged)
	}
}

func TestWhatIsNoBackup(t *testing.T) {
	for text, want := range map[string]string{
		"":                                             backup.ErrNone.Error(),
		"SQLite format 3\x00":                          backup.ErrNone.Error(),
		strings.Repeat("x", 100):                       backup.ErrNone.Error(),
		"cota backup two\n":                            backup.ErrNone.Error(),
		"cota backup 2\n{}\n":                          "the file has format 2; this cota reads only 1",
		"cota backup 1\n{}\nsha256 0\n":                backup.ErrCut.Error(),
		"cota backup 1\n[]\n":                          backup.ErrDamaged.Error(),
		"cota backup 1\n{\"size\":-1}\n":               backup.ErrDamaged.Error(),
		"cota backup 1\n{\"size\":1000000000}\n":       backup.ErrCut.Error(),
		"cota backup 1\n" + strings.Repeat(" ", 1<<20): backup.ErrDamaged.Error(),
	} {
		if _, _, err := read([]byte(text)); fmt.Sprint(err) != want {
			t.Errorf("%.40q: %v; want %s", text, err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	file, _ := written(f)
	f.Add(file)
	f.Add([]byte("cota backup 1\n{\"size\":0}\nsha256 "))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, database, err := read(file)
		if err != nil {
			return
		}
		if int64(len(database)) != h.Size {
			t.Errorf("the database has %d bytes; the header says %d", len(database), h.Size)
		}
	})
}
