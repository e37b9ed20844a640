package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Serve does the jobs that come on in, one JSON value each, and writes a
// Report of each to out, until in ends.
func Serve(in io.Reader, out io.Writer) error {
	c, err := newCrowd()
	if err != nil {
		return err
	}
	jobs, reports := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var j Job
		if err := jobs.Decode(&j); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a job: %w", err)
		}
		before := cpu()
		r, err := c.do(j, func() error { return reports.Encode(Report{Listening: true}) })
		if err != nil {
			r.Err = err.Error()
		}
		r.CPU = cpu() - before
		if err := reports.Encode(r); err != nil {
			return fmt.Errorf("write a report: %w", err)
		}
	}
}

// cpu is what this process has spent.
func cpu() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// do does one job. listening is to be called when the crowd waits for what
// somebody else is to begin.
func (c *crowd) do(j Job, listening func() error) (Report, error) {
	c.got, c.failed, c.failure, c.stray, c.inline = 0, 0, nil, 0, 0
	var values []int64
	var err error
	r := Report{Began: time.Now().UnixNano()}
	switch {
	case j.Connect != nil && j.Connect.TLS:
		values, err = c.connectTLS(*j.Connect)
	case j.Connect != nil:
		values, err = c.connectAll(*j.Connect)
	case j.Expect != nil:
		values, err = c.expectAll(*j.Expect, listening)
	case j.Join != "":
		err = c.join(j.Join)
	case j.Ask != nil:
		values, err = c.askAll()
	case j.Fetch != nil:
		r.Began = 0 // reading the list is not fetching
		values, err = c.fetchAll(*j.Fetch, &r.Began)
	case j.Release:
		c.release()
	case j.Close:
		c.closeAll()
	default:
		err = errors.New("a job without anything to do")
	}
	r.Ended = time.Now().UnixNano()
	r.Count, r.Failed, r.Stray, r.Bytes, r.QoS, r.Inline = len(values), c.failed, c.stray, c.bytes, c.qos, c.inline
	if j.Expect != nil {
		r.At = quantiles(values)
	} else {
		r.Took = quantiles(values)
	}
	return r, errors.Join(err, c.failure)
}

// dialsAtOnce is how many connections sign in at a time: fewer than the
// shortest backlog of a server (mosquitto's 100).
const dialsAtOnce = 64

// connectAll opens the crowd's connections.
func (c *crowd) connectAll(o Connect) ([]int64, error) {
	to, err := netip.ParseAddrPort(o.Addr)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(o); err != nil {
		return nil, err
	}
	begun := time.Now()
	for i, d := range c.devices {
		for o.Rate > 0 && time.Since(begun).Seconds() < float64(i)/o.Rate {
			if err := c.turn(time.Millisecond); err != nil {
				return nil, err
			}
		}
		if err := c.until(func() bool { return i-c.got < dialsAtOnce }, jobTimeout); err != nil {
			return nil, fmt.Errorf("%d of %d connected: %w", c.got, o.Count, err)
		}
		d.began = time.Now().UnixNano()
		if d.fd, err = c.dial(to, source(o.Source, i), d); err != nil {
			return nil, err
		}
	}
	err = c.until(func() bool { return c.got >= o.Count }, jobTimeout)
	if err != nil {
		err = fmt.Errorf("%d of %d connected: %w", c.got, o.Count, err)
	}
	return c.collect(func(d *device) int64 { return d.took }), err
}

// prepare makes what the devices are to say, so that it is there when they
// connect.
func (c *crowd) prepare(o Connect) error {
	c.connect = o
	if o.Speech == Cota {
		if err := readJSON(o.Devices, &c.fleet); err != nil {
			return err
		}
		if len(c.fleet.Devices) < o.Count {
			return fmt.Errorf("%s has %d devices, not %d", o.Devices, len(c.fleet.Devices), o.Count)
		}
	}
	c.devices = make([]*device, o.Count)
	for i := range c.devices {
		d := &device{index: i, fd: -1}
		if o.Speech != Raw {
			var err error
			if d.hello, err = c.hello(i); err != nil {
				return err
			}
		}
		c.devices[i] = d
	}
	return nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// collect is one value of each device for which it is not 0.
func (c *crowd) collect(value func(*device) int64) []int64 {
	values := make([]int64, 0, len(c.devices))
	for _, d := range c.devices {
		if v := value(d); v != 0 {
			values = append(values, v)
		}
	}
	return values
}

// expectAll waits until every device has what the job says.
func (c *crowd) expectAll(e Expect, listening func() error) ([]int64, error) {
	c.expect = &e
	defer func() { c.expect = nil }()
	for _, d := range c.devices {
		d.at = 0
		if d.stage == over {
			c.got++
		}
	}
	if listening != nil {
		if err := listening(); err != nil {
			return nil, err
		}
	}
	if e.Timeout == 0 {
		e.Timeout = jobTimeout
	}
	err := c.until(func() bool { return c.got >= len(c.devices) }, e.Timeout)
	if err != nil {
		err = fmt.Errorf("%d of %d devices: %w", c.got, len(c.devices), err)
	}
	return c.collect(func(d *device) int64 { return d.at }), err
}

// askAll has the devices ask, a few at a time.
func (c *crowd) askAll() ([]int64, error) {
	began := make([]int64, len(c.devices))
	c.expect = &Expect{Keep: true}
	defer func() { c.expect = nil }()
	for i, d := range c.devices {
		d.at = 0
		if err := c.until(func() bool { return i-c.got < dialsAtOnce }, jobTimeout); err != nil {
			return nil, err
		}
		began[i] = time.Now().UnixNano()
		if err := d.ask(c); err != nil {
			return nil, err
		}
	}
	err := c.until(func() bool { return c.got >= len(c.devices) }, jobTimeout)
	return c.collect(func(d *device) int64 {
		if d.at == 0 {
			return 0
		}
		return d.at - began[d.index]
	}), err
}

// join has every device subscribe to one more topic.
func (c *crowd) join(topic string) error {
	packet := subscription(c.connect.QoS, []byte(topic))
	for i, d := range c.devices {
		if err := c.until(func() bool { return i-c.got < dialsAtOnce }, jobTimeout); err != nil {
			return err
		}
		if err := send(d.fd, packet); err != nil {
			return err
		}
	}
	return c.until(func() bool { return c.got >= len(c.devices) }, jobTimeout)
}

// release acknowledges what was held back.
func (c *crowd) release() {
	for _, d := range c.devices {
		if d.stage != ready || d.packetID == 0 {
			continue
		}
		if err := d.acknowledge(); err != nil {
			d.end(c, err)
		}
	}
}

func (c *crowd) closeAll() {
	for _, d := range c.devices {
		if d.stage != over {
			c.hangUp(d.fd)
		}
	}
	c.devices = nil
	c.held.close()
}

// fetchAll downloads the URLs of a list, over and over if need be.
func (c *crowd) fetchAll(o Fetch, began *int64) ([]int64, error) {
	urls, err := c.urls(o)
	if err != nil {
		return nil, err
	}
	took := make([]int64, 0, o.Count)
	asked := 0
	var next func(f *fetcher)
	done := func(f *fetcher, err error) {
		if err != nil {
			c.fail(err)
		} else {
			took = append(took, time.Now().UnixNano()-f.began)
			c.bytes = f.size
		}
		c.got++
		next(f)
	}
	next = func(f *fetcher) {
		if asked == o.Count {
			return
		}
		link := urls[asked%len(urls)]
		asked++
		if o.KeepAlive && f != nil && f.open {
			u, err := url.Parse(link)
			if err == nil {
				f.again(c, u.RequestURI())
				return
			}
		}
		g := &fetcher{done: done}
		if err := g.start(c, link, o.Source); err != nil {
			c.fail(err)
			c.got++
		}
	}
	*began = time.Now().UnixNano()
	for range min(o.AtOnce, o.Count) {
		next(nil)
	}
	err = c.until(func() bool { return c.got >= o.Count }, jobTimeout)
	return took, err
}

// urls are what a Fetch is to download.
func (c *crowd) urls(o Fetch) (all []string, err error) {
	if o.URLs != "" {
		text, err := os.ReadFile(o.URLs)
		if err != nil {
			return nil, err
		}
		all = strings.Fields(string(text))
	} else {
		for _, d := range c.devices {
			if d.offer.URL != "" {
				all = append(all, d.offer.URL)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is nothing to fetch")
	}
	return all, nil
}
