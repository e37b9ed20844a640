package sim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cotahq/cota/alink"
)

const downloadTimeout = 30 * time.Second

var (
	errNoLink = errors.New("link is not served")
	errDigest = errors.New("not the file that was offered")
)

// pool does the downloads, so many at a time. A device waits in it once at
// most.
type pool struct {
	most int

	mu      sync.Mutex
	queue   []*task // guarded by mu
	workers int     // guarded by mu
}

func (c *Crowd) enqueue(t *task) {
	p := &c.files
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, t)
	if p.workers < p.most {
		p.workers++
		c.done.Go(c.download)
	}
}

// download works until the queue is empty.
func (c *Crowd) download() {
	f := fetcher{crowd: c, in: bufio.NewReaderSize(nil, 4<<10), sum: sha256.New()}
	for {
		t := c.files.next(c.ctx)
		if t == nil {
			return
		}
		if offer, ok := t.begin(); ok {
			t.fetched(offer.URL, f.fetch(&offer, t.d.style))
		}
	}
}

// next takes a task out of the queue; nil ends the worker.
func (p *pool) next(ctx context.Context) *task {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || ctx.Err() != nil {
		p.workers--
		return nil
	}
	t := p.queue[0]
	p.queue[0] = nil
	if p.queue = p.queue[1:]; len(p.queue) == 0 {
		p.queue = nil
	}
	return t
}

// fetcher makes downloads, one after the other. It is as simple as the HTTP
// of small devices, and as demanding: HTTP/1.1 with a Content-Length.
type fetcher struct {
	crowd *Crowd
	in    *bufio.Reader
	out   []byte
	sum   hash.Hash
	hex   [2 * sha256.Size]byte
}

// fetch downloads what is offered, and verifies it.
func (f *fetcher) fetch(offer *alink.Config, style Style) error {
	rest, ok := strings.CutPrefix(offer.URL, "http://")
	host, path, _ := strings.Cut(rest, "/")
	if !ok || host == "" {
		return fmt.Errorf("%w: not an http URL", errNoLink)
	}
	addr := host
	if !strings.Contains(host, ":") {
		addr += ":80"
	}
	ctx, cancel := context.WithTimeout(f.crowd.ctx, downloadTimeout)
	defer cancel()
	nc, err := f.crowd.o.DialFiles(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	f.out = append(f.out[:0], "GET /"...)
	f.out = append(f.out, path...)
	f.out = append(f.out, " HTTP/1.1\r\nHost: "...)
	f.out = append(f.out, host...)
	if style == LinkSDK4 {
		f.out = append(f.out, "\r\nAccept: text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8\r\nRange: bytes=0-\r\nContent-Length: 0\r\n\r\n"...)
	} else {
		f.out = append(f.out, "\r\nConnection: close\r\n\r\n"...)
	}
	if _, err := nc.Write(f.out); err != nil {
		return err
	}
	f.in.Reset(nc)
	size, err := f.header()
	if err != nil {
		return err
	}
	if size != offer.Size {
		return errDigest
	}
	return f.verify(size, offer.Sign)
}

// verify reads the body and compares its digest.
func (f *fetcher) verify(size int64, sign string) error {
	f.sum.Reset()
	for size > 0 {
		if _, err := f.in.Peek(1); err != nil {
			return err
		}
		part, _ := f.in.Peek(int(min(size, int64(f.in.Buffered())))) // is there
		f.sum.Write(part)
		f.in.Discard(len(part))
		size -= int64(len(part))
	}
	hex.Encode(f.hex[:], f.sum.Sum(f.out[:0]))
	if string(f.hex[:]) != sign {
		return errDigest
	}
	return nil
}

var errAnswer = errors.New("answer is not HTTP/1.1 with a Content-Length")

// header reads the head of the answer and returns the length of its body.
func (f *fetcher) header() (int64, error) {
	line, err := f.line()
	if err != nil {
		return 0, err
	}
	version, rest, _ := bytes.Cut(line, []byte(" "))
	status, err := strconv.Atoi(string(rest[:min(3, len(rest))]))
	switch {
	case err != nil || string(version) != "HTTP/1.1":
		return 0, errAnswer
	case status == 200 || status == 206:
	case status == 429 || status >= 500:
		return 0, fmt.Errorf("status %d", status)
	default:
		return 0, fmt.Errorf("%w: status %d", errNoLink, status)
	}
	size := int64(-1)
	for {
		line, err := f.line()
		if err != nil {
			return 0, err
		}
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if size, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, errAnswer
			}
		}
	}
	if size < 0 {
		return 0, errAnswer
	}
	return size, nil
}

// line reads a line of the header, at most as long as the buffer.
func (f *fetcher) line() ([]byte, error) {
	line, err := f.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
