package download

import (
	"net/http"
	"os"
	"strconv"

	"github.com/cotahq/cota"
)

// fileKey names a version, which never changes.
type fileKey struct {
	product string
	version int64
}

func keyOf(g cota.Grant) fileKey { return fileKey{g.Product, g.Version} }

// file is a version as it is served. It never changes.
type file struct {
	content []byte
	whole   []byte // head of the answer to who asks for all of it
	open    []byte // the same, to who asks for bytes=0-

	// shared is content as the kernel keeps it, for epoll.Conn.WriteFile; nil: it
	// does not. It is closed when the file is not remembered any more.
	shared *os.File
}

func newFile(content string) *file {
	f := &file{content: []byte(content)}
	f.shared = share(f.content)
	f.whole = f.head(false, 0, false)
	f.open = f.head(true, 0, false)
	return f
}

// forget gives back what is kept beside the memory. The file can be served still.
func (f *file) forget() {
	if f.shared != nil {
		f.shared.Close()
	}
}

// head makes the head of an answer with what follows an offset. last says that
// the connection ends after it.
func (f *file) head(ranged bool, from int, last bool) []byte {
	size := strconv.Itoa(len(f.content))
	if !ranged {
		return head(http.StatusOK, last, "Accept-Ranges: bytes\r\nContent-Length: "+size+"\r\nContent-Type: application/json\r\n")
	}
	return head(http.StatusPartialContent, last, "Accept-Ranges: bytes\r\nContent-Length: "+strconv.Itoa(len(f.content)-from)+
		"\r\nContent-Range: bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(len(f.content)-1)+"/"+size+"\r\nContent-Type: application/json\r\n")
}

// head makes the head of an answer with these fields.
func head(status int, last bool, fields string) []byte {
	b := append([]byte("HTTP/1.1 "), strconv.Itoa(status)...)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\n"...)
	if last {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, fields...)
	return append(b, "\r\n"...)
}
