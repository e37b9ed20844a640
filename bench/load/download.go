package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// downloadsAtOnce is how many devices download at a time, unless the job says.
const downloadsAtOnce = 64

// download begins downloads for the devices that wait for one.
func (c *crowd) download() {
	most := c.expect.AtOnce
	if most == 0 {
		most = downloadsAtOnce
	}
	for c.active < most && len(c.waiting) > 0 {
		d := c.waiting[0]
		c.waiting = c.waiting[1:]
		f := &fetcher{sum: sha256.New(), done: func(f *fetcher, err error) { c.downloaded(d, f, err) }}
		c.active++
		if err := f.start(c, d.offer.URL, c.connect.Source+1); err != nil {
			f.finish(c, err)
		}
	}
}

// downloaded has a device report what it has downloaded.
func (c *crowd) downloaded(d *device, f *fetcher, err error) {
	c.active--
	if err == nil && hex.EncodeToString(f.sum.Sum(nil)) != d.offer.Sign {
		err = errors.New("not the file that was offered")
	}
	if err == nil && d.stage == ready {
		err = d.report(c)
	}
	if err != nil && d.stage == ready {
		d.end(c, fmt.Errorf("download: %w", err))
	}
	c.download()
}

// fetcher is a connection that downloads one file, or one after the other.
type fetcher struct {
	fd    int
	open  bool
	asked bool // an answer is to come
	host  string
	ask   []byte
	head  []byte    // the answer's head, until it is whole
	left  int       // bytes of the body that are to come
	body  bool      // the head is whole
	size  int       // of the body
	sum   hash.Hash // of the body; nil: nobody wants it
	began int64
	done  func(*fetcher, error) // a file has come, or will not
}

// start begins a new connection to fetch a URL by.
func (f *fetcher) start(c *crowd, link string, block byte) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	f.began, f.host = time.Now().UnixNano(), u.Host
	f.request(u.RequestURI())
	if f.fd, err = c.dial(to, source(block, c.sources), f); err != nil {
		return err
	}
	c.sources++
	f.open = true
	return nil
}

// request is what the vendor's C SDKs 2 and 3 send.
func (f *fetcher) request(path string) {
	f.ask = append(f.ask[:0], "GET "...)
	f.ask = append(f.ask, path...)
	f.ask = append(f.ask, " HTTP/1.1\r\nHost: "...)
	f.ask = append(f.ask, f.host...)
	f.ask = append(f.ask, "\r\nAccept: text/html,application/xhtml+xml\r\n\r\n"...)
	f.head, f.body, f.asked = f.head[:0], false, true
}

// again asks for another file on the same connection.
func (f *fetcher) again(c *crowd, path string) {
	f.began = time.Now().UnixNano()
	f.request(path)
	f.flush(c)
}

func (f *fetcher) flush(c *crowd) {
	ask := f.ask
	f.ask = f.ask[:0]
	if err := send(f.fd, ask); err != nil {
		f.finish(c, err)
	}
}

func (f *fetcher) ready(c *crowd, events uint32) {
	if len(f.ask) > 0 && events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		if err := socketError(f.fd); err != nil {
			f.finish(c, err)
			return
		}
		f.flush(c)
	}
	for f.open {
		n, err := unix.Read(f.fd, c.in[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err == nil && n == 0:
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = f.take(c.in[:n])
		}
		if err != nil || f.body && f.left == 0 {
			f.finish(c, err)
		}
		if n < len(c.in) {
			return
		}
	}
}

// take takes a part of the answer.
func (f *fetcher) take(b []byte) error {
	if !f.body {
		f.head = append(f.head, b...)
		end := bytes.Index(f.head, []byte("\r\n\r\n"))
		if end < 0 {
			return nil
		}
		if err := f.opened(f.head[:end+2]); err != nil {
			return err
		}
		b = f.head[end+4:]
		f.body = true
	}
	if len(b) > f.left {
		return errors.New("the answer is longer than it says")
	}
	if f.sum != nil {
		f.sum.Write(b)
	}
	f.left -= len(b)
	return nil
}

func (f *fetcher) opened(head []byte) error {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("the answer is %.40q", head)
	}
	_, after, _ := bytes.Cut(head, []byte("Content-Length: "))
	value, _, _ := bytes.Cut(after, []byte("\r\n"))
	n, err := strconv.Atoi(string(value))
	if err != nil {
		return fmt.Errorf("the answer has no Content-Length: %w", err)
	}
	f.left, f.size = n, n
	return nil
}

// finish says that a file has come, or will not. The connection is closed
// unless another file was asked for.
func (f *fetcher) finish(c *crowd, err error) {
	f.asked = false
	f.done(f, err)
	if !f.asked {
		f.close(c)
	}
}

func (f *fetcher) close(c *crowd) {
	if f.open {
		c.hangUp(f.fd)
		f.open = false
	}
}
