package download

import (
	"net/http"
	"strconv"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// resumable bounds how many broken downloads are remembered. A device whose
// own is forgotten, or that goes on at another node, is not on record as
// having fetched the file; what it reports later still counts.
const resumable = 10_000

// fetchedLinks bounds how many links are remembered that a file was fetched
// through whole.
const fetchedLinks = 50_000

// progress remembers how much of the file has been sent through each link, so
// that only a device that was sent every byte counts as having fetched it, and
// counts once: C SDK 3.2 downloads again and again when its application does.
type progress struct {
	sent    *lru.Cache[string, int] // through those that were not fetched whole
	fetched *lru.Cache[string, struct{}]
}

func newProgress() progress {
	sent, err := lru.New[string, int](resumable)
	if err != nil {
		panic(err) // the size is ours
	}
	fetched, err := lru.New[string, struct{}](fetchedLinks)
	if err != nil {
		panic(err) // the size is ours
	}
	return progress{sent, fetched}
}

// whole notes that the bytes [from, to) of a file of the given size were sent
// through a link, and reports whether with them all of it was, to the last, for
// the first time.
func (p progress) whole(token string, from, to, size int) bool {
	if p.fetched.Contains(token) {
		return false
	}
	before := 0
	if from > 0 || to < size {
		before, _ = p.sent.Get(token)
	}
	if from > before {
		return false // there is a gap
	}
	if to = max(to, before); to < size {
		p.sent.Add(token, to)
		return false
	}
	p.sent.Remove(token)
	again, _ := p.fetched.ContainsOrAdd(token, struct{}{}) // by two connections at once
	return !again
}

// meter sees which bytes of the file an answer sends.
type meter struct {
	http.ResponseWriter
	file bool // what is sent are bytes of the file, one after the other
	from int  // offset of the first
	sent int
}

func (m *meter) WriteHeader(status int) {
	switch status {
	case http.StatusOK:
		m.file = true
	case http.StatusPartialContent:
		// bytes N-M/size; not there for several ranges at once, which no device asks for
		first, _, _ := strings.Cut(strings.TrimPrefix(m.Header().Get("Content-Range"), "bytes "), "-")
		n, err := strconv.Atoi(first)
		m.file, m.from = err == nil, n
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(b []byte) (int, error) {
	n, err := m.ResponseWriter.Write(b)
	m.sent += n
	return n, err
}
