package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/cotahq/cota/alink"
)

// maxTries bounds the attempts to download what one offer offers.
const maxTries = 10

// codeSimulated is the device's own code of a failure that was asked for.
const codeSimulated = 100001

// task is what a device does about an offer: it downloads, takes its time,
// and tells. Once d.task is another, it is of no effect any more. Its fields
// are guarded by the device's mutex.
type task struct {
	d      *device
	offer  alink.Config
	at     time.Time // of the first offer of this configuration
	tries  int
	wrong  bool // the digest was wrong once
	queued bool // waits in the pool
	timer  *time.Timer
}

// word is what a device has to tell until that is acknowledged.
type word struct {
	report   alink.Report
	packetID uint16    // of the last attempt
	at       time.Time // when it was offered what it tells of
	again    bool      // it was told before, and counted
}

// offered takes an offer. d.mu is held.
func (d *device) offered(offer alink.Config, pushed bool) {
	c := d.crowd
	c.add(&c.counts.offers, 1)
	d.receipt(&offer, pushed)
	switch {
	case d.stopping || d.ignores:
		return
	case d.applied == offer.ConfigID:
		d.abandon()
		d.tell(word{report: alink.Report{ConfigID: offer.ConfigID, State: alink.Applied}, again: true})
		return
	case d.task != nil && d.task.offer.ConfigID == offer.ConfigID:
		d.task.offer = offer // a fresh link
		return
	case d.task != nil && d.task.queued && offer.Content == "":
		d.task.offer, d.task.at, d.task.tries, d.task.wrong = offer, time.Now(), 0, false
		return
	}
	d.abandon()
	d.task = &task{d: d, offer: offer, at: time.Now()}
	if offer.Content != "" {
		d.task.take()
		return
	}
	d.task.queued = true
	c.enqueue(d.task)
}

// take verifies what came in the offer itself. d.mu is held.
func (t *task) take() {
	sum := sha256.Sum256([]byte(t.offer.Content))
	if int64(len(t.offer.Content)) != t.offer.Size || hex.EncodeToString(sum[:]) != t.offer.Sign {
		t.end(alink.Failed, alink.StepVerificationFailed, errDigest.Error())
		return
	}
	c := t.d.crowd
	c.add(&c.counts.fetched, 1)
	t.apply()
}

// abandon gives up what is being done. d.mu is held.
func (d *device) abandon() {
	if d.task != nil && d.task.timer != nil && d.task.timer.Stop() {
		d.crowd.done.Done()
	}
	d.task = nil
}

// after runs f after a while, unless the task is given up. d.mu is held.
func (t *task) after(pause time.Duration, f func()) {
	c := t.d.crowd
	c.done.Add(1)
	t.timer = time.AfterFunc(pause, func() {
		defer c.done.Done()
		t.d.mu.Lock()
		defer t.d.mu.Unlock()
		t.timer = nil
		if t.d.task == t {
			f()
		}
	})
}

// begin is what the pool is to download; not ok if the task was given up.
func (t *task) begin() (offer alink.Config, ok bool) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.queued = false
	return t.offer, t.d.task == t
}

// fetched is told by the pool how a download from url went.
func (t *task) fetched(url string, err error) {
	d, c := t.d, t.d.crowd
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.task != t {
		return
	}
	if err == nil {
		c.add(&c.counts.fetched, 1)
		t.apply()
		return
	}
	c.o.Log.Debug("download failed", "device", d.id().Name, "err", err)
	t.tries++
	wrong := errors.Is(err, errDigest)
	switch {
	case wrong && t.wrong:
		t.end(alink.Failed, alink.StepVerificationFailed, err.Error())
		return
	case errors.Is(err, errNoLink) && t.offer.URL == url, t.tries >= maxTries:
		t.end(alink.Failed, alink.StepDownloadFailed, err.Error())
		return
	}
	t.wrong = wrong
	c.add(&c.counts.retries, 1)
	t.after(d.backoff(t.tries-1), func() {
		t.queued = true
		c.enqueue(t)
	})
}

// apply takes the time that applying takes. d.mu is held.
func (t *task) apply() {
	o := &t.d.crowd.o
	chance := t.d.chance(t.offer.ConfigID)
	fails := chance.Float64() < o.FailRatio
	takes := o.ApplyMin + time.Duration(chance.Int64N(int64(o.ApplyMax-o.ApplyMin)+1))
	end := func() {
		if fails {
			t.end(alink.Failed, codeSimulated, "simulated failure")
			return
		}
		t.d.applied = t.offer.ConfigID
		t.end(alink.Applied, 0, "")
	}
	if takes == 0 {
		end()
		return
	}
	t.after(takes, end)
}

// end tells what has come of the task. d.mu is held.
func (t *task) end(state alink.State, code alink.Code, message string) {
	t.d.task = nil
	t.d.tell(word{report: alink.Report{ConfigID: t.offer.ConfigID, State: state, Code: code, Message: message}, at: t.at})
	t.d.flush()
}

// tell says what has come of a configuration, as the style has it. d.mu is
// held.
func (d *device) tell(w word) {
	switch {
	case d.byProgress():
		d.progress(step(w.report), w.report.Message)
	case d.style == Cota:
		d.word = &w
		d.repeat()
		return
	}
	d.count(w)
}

// step is how C SDKs say the same.
func step(r alink.Report) int {
	switch {
	case r.State == alink.Applied:
		return alink.StepDone
	case r.Code < 0:
		return int(r.Code)
	}
	return alink.StepBurnFailed
}

// repeat sends the report that is not acknowledged, if there is one and a
// connection. d.mu is held.
func (d *device) repeat() {
	w := d.word
	if w == nil || !d.signedIn {
		return
	}
	r := w.report
	r.ID, r.Silent = "1", true
	w.packetID = d.publish(alink.ConfigReport, 1, alink.AppendReport(nil, r))
}

// acknowledged is told of a PUBACK. d.mu is held.
func (d *device) acknowledged(id uint16) {
	if d.word != nil && d.word.packetID == id {
		w := *d.word
		d.word = nil
		d.count(w)
	}
}

// count counts what was told.
func (d *device) count(w word) {
	c := d.crowd
	switch {
	case w.again:
	case w.report.State == alink.Applied:
		d.latency.Store(max(1, int64(time.Since(w.at))))
		c.add(&c.counts.applied, 1)
	default:
		c.add(&c.counts.failed, 1)
	}
}
