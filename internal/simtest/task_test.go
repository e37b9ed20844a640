package simtest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

// offered takes an offer: the model sees it, and the device does about it as
// its style and character have it.
func (s *session) offered(c alink.Config, sent time.Time, pushed, mute bool) {
	o := &offer{to: s.id, sent: sent, configID: c.ConfigID, sha: c.Sign, size: c.Size, url: c.URL}
	if pushed {
		if _, err := fmt.Sscan(c.ID, &o.push); err != nil || o.push <= 0 {
			s.w.model.fail("%s was sent a push with the id %q", s.id, c.ID)
			return
		}
	}
	s.w.trace.add(s.who, "offered %v, sent %s ago", o, time.Since(sent))
	s.w.model.offered(o)
	s.offers = append(s.offers, o)
	if mute {
		return
	}
	if pushed && s.style.reply != nil {
		s.publish(s.topic(alink.ConfigPushReply), s.style.replyQoS, s.style.reply(c.ID), &word{rung: received})
	}
	if s.style.progress {
		s.tellProgress(0, "")
	}
	switch {
	case !s.style.fetches || s.chance(s.char.lazy):
	case o.configID == s.applied && (s.style.reports || s.style.progress):
		s.tell(o, cota.Applied, 0)
	case s.chance(s.char.fails):
		code := []int{-1, -2, -3, 429, 100001}[s.rng.IntN(5)]
		s.after(s.between(0, time.Minute), func() { s.tell(o, cota.Failed, code) })
	case s.chance(s.char.late):
		s.after(s.between(0, time.Hour), func() { s.fetch(o) })
	default:
		s.after(s.between(50*time.Millisecond, 20*time.Second), func() { s.fetch(o) })
	}
	if s.chance(s.char.liar) {
		s.after(s.between(0, 2*time.Minute), s.lie)
	}
}

// newest reports whether nothing newer than o was offered on this connection.
func (s *session) newest(o *offer) bool { return s.offers[len(s.offers)-1].configID == o.configID }

// fetch downloads what was offered, in a few attempts, and applies it.
func (s *session) fetch(o *offer) {
	if !s.newest(o) {
		return
	}
	var got []byte
	for range 1 + s.rng.IntN(3) {
		var err error
		if got, err = s.download(o, got); err == nil {
			break
		}
		if s.over || !pause(s.w.over, s.between(time.Second, 5*time.Second)) {
			return
		}
	}
	if int64(len(got)) != o.size {
		if s.calm() || s.rng.IntN(2) == 0 {
			s.tell(o, cota.Failed, -2)
		}
		return
	}
	s.after(s.between(10*time.Millisecond, 5*time.Second), func() {
		s.applied = o.configID
		s.tell(o, cota.Applied, 100)
		if s.style.reports && s.chance(s.char.fails) {
			s.after(s.between(0, time.Hour), func() { s.revert(o) })
		}
	})
}

// download fetches the part of a file that is still missing.
func (s *session) download(o *offer, got []byte) ([]byte, error) {
	p := s.w.plan.path(s.rng)
	if s.calm() {
		p = goodPath
	}
	s.dials++
	ctx, cancel := context.WithTimeout(s.w.over, 40*time.Second)
	defer cancel()
	nc, err := s.w.net.dial(ctx, "files", s.id.tag, fmt.Sprintf("%s#%d", s.who, s.dials), s.from, p)
	if err != nil {
		return got, err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(40 * time.Second))
	if s.chance(s.char.drops) {
		takes := 3*(p.delay+p.jitter) + time.Duration(o.size)*p.perByte
		defer time.AfterFunc(s.between(0, takes+time.Millisecond), nc.cut).Stop()
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(o.url, "http://"), "/")
	f := &fetch{offer: o, asked: time.Now()}
	s.w.model.transfers(o, nc, int(o.size)-len(got))
	_, err = fmt.Fprintf(nc, "GET /%s HTTP/1.1\r\nHost: %s\r\nAccept: text/html, application/xhtml+xml\r\nRange: bytes=%d-\r\n\r\n", path, host, len(got))
	if err != nil {
		return got, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return got, err
	}
	f.status, f.answered = resp.StatusCode, nc.sentAt()
	if f.status != 200 && f.status != 206 {
		s.w.trace.add(s.who, "download: %d", f.status)
		s.w.model.fetched(f)
		return nil, errRefused
	}
	if f.status == 200 {
		got = nil
	}
	body, err := io.ReadAll(resp.Body)
	got = append(got, body...)
	if f.whole = err == nil; f.whole {
		sum := sha256.Sum256(got)
		f.sha = hex.EncodeToString(sum[:])
	}
	s.w.trace.add(s.who, "download: %d, %d of %d bytes", f.status, len(got), o.size)
	s.w.model.fetched(f)
	return got, err
}

// tell says what became of an offer.
func (s *session) tell(o *offer, rung cota.Rung, code int) {
	switch {
	case s.style.reports:
		r := alink.Report{ConfigID: o.configID, State: alink.Applied}
		if rung == cota.Failed {
			r.State, r.Code = alink.Failed, alink.Code(code)
		}
		s.tellReport(r)
	case s.style.progress && rung == cota.Failed:
		s.tellProgress(min(code, -1), "")
	case s.style.progress:
		s.tellProgress(100, "")
	}
}

func (s *session) revert(o *offer) {
	if s.applied == o.configID {
		s.applied = ""
		s.tellReport(alink.Report{ConfigID: o.configID, State: alink.Reverted, Code: 7, Message: "did not work"})
	}
}

func (s *session) tellReport(r alink.Report) {
	s.said++
	r.ID = fmt.Sprint(s.said)
	w := &word{rung: cota.Applied, configID: r.ConfigID}
	if r.State != alink.Applied {
		w.rung, w.reverted = cota.Failed, r.State == alink.Reverted
	}
	s.report[r.ID] = w
	s.w.trace.add(s.who, "reports %s of %s", r.State, s.w.model.textOf(s.id.p, r.ConfigID))
	s.publish(s.topic(alink.ConfigReport), 1, string(alink.AppendReport(nil, r)), w)
}

func (s *session) tellProgress(step int, configID string) {
	var w *word
	switch {
	case step == 100:
		w = &word{rung: cota.Applied, configID: configID}
	case step < 0:
		w = &word{rung: cota.Failed, configID: configID}
	}
	s.w.trace.add(s.who, "progress %d", step)
	s.publish(s.topic(alink.OTAProgress), 0, fmt.Sprintf(`{"id":1, "params":{"step":"%d","desc":""}}`, step), w)
}

// lie says something that is not so.
func (s *session) lie() {
	p, m := s.id.p, s.w.model
	m.mu.Lock()
	last, running, current := int64(0), p.running, p.versions[p.current]
	for no := range p.pushes {
		last = max(last, no)
	}
	var old *version
	if p.current > 1 {
		old = p.versions[1+s.rng.Int64N(p.current)]
	}
	var other *product
	if n := len(m.products); n > 0 {
		other = m.products[s.rng.IntN(n)]
	}
	var foreign *version
	if other != nil {
		foreign = other.versions[other.current]
	}
	m.mu.Unlock()
	neighbour := s.w.somebody(s.rng, p)
	s.w.trace.add(s.who, "lies")
	switch s.rng.IntN(11) {
	case 0: // before, or long after, the push
		s.publish(s.topic(alink.ConfigPushReply), 1, fmt.Sprintf(`{"id":"%d","code":200,"data":{}}`, running), &word{rung: received})
	case 1: // a push of the future
		s.publish(s.topic(alink.ConfigPushReply), 1, fmt.Sprintf(`{"id":"%d","code":200,"data":{}}`, last+1+s.rng.Int64N(5)), &word{rung: received})
	case 2: // without braces, of whatever there was
		s.publish(s.topic(alink.ConfigPushReply), 0, ` "id":1000,"code":"400","data":{}`, &word{rung: cota.Failed})
	case 3: // twice
		if current != nil {
			s.tellReport(alink.Report{ConfigID: current.configID, State: alink.Applied})
			s.tellReport(alink.Report{ConfigID: current.configID, State: alink.Applied})
		}
	case 4: // something old
		if old != nil {
			s.tellReport(alink.Report{ConfigID: old.configID, State: []alink.State{alink.Applied, alink.Failed, alink.Reverted}[s.rng.IntN(3)]})
		}
	case 5: // another product's
		if foreign != nil {
			s.tellReport(alink.Report{ConfigID: foreign.configID, State: alink.Applied})
		}
	case 6: // nobody's
		s.tellReport(alink.Report{ConfigID: strings.Repeat("ab", 16), State: alink.Applied})
	case 7: // in another's name
		if neighbour != nil && neighbour != s.id && current != nil {
			topic := string(alink.AppendTopic(nil, alink.ConfigReport, neighbour.p.key, neighbour.name))
			s.publish(topic, 1, string(alink.AppendReport(nil, alink.Report{ID: "1", ConfigID: current.configID, State: alink.Applied})), nil)
			topic = string(alink.AppendTopic(nil, alink.OTAProgress, neighbour.p.key, neighbour.name))
			s.publish(topic, 0, `{"id":1,"params":{"step":"100","desc":""}}`, nil)
		}
	case 8: // done with what was never fetched
		s.tellProgress(100, "")
	case 9: // not even JSON
		s.publish(s.topic(alink.ConfigReport), 1, `{"id":"9","params":{{`, nil)
		s.publish(s.topic(alink.OTAProgress), 1, "\x00\xff", nil)
	case 10: // acknowledges what it was not sent
		s.w.model.says(s.id, &word{rung: received})
		s.write([]byte{0x40, 2, byte(s.rng.Uint32()), byte(s.rng.Uint32())})
	}
}

// shout talks more than a device may.
func (s *session) shout() {
	if s.rng.IntN(2) == 0 {
		for range 30 {
			s.ask()
		}
		return
	}
	for range 250 {
		s.tellProgress(0, "")
	}
}
