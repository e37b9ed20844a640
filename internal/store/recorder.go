package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cotahq/cota"
)

// Report is one thing that was learned about a device. Its zero fields say
// nothing.
type Report struct {
	Device int64
	At     time.Time

	Kind   cota.EventKind // line in the timeline
	Code   int
	Detail string

	Properties []cota.Property // that came with it; for the timeline

	// The device stands on Rung of Push, which delivers Version. It climbs
	// there if that is above where it stands. Reverted lets it fall from
	// Applied to Failed; what it runs now is not known then.
	Push     int64
	Version  int64
	Rung     cota.Rung
	Reverted bool

	Offered  int64  // this version was offered to it, outside of any push
	ConfigID string // it says that it runs this configuration

	// Its connection here began or ended. Since is when that connection began,
	// and Through the gateway by which it did, 0: by itself.
	Connected, Disconnected bool
	Since                   time.Time
	Through                 int64

	// Done, if not nil, is called once: with nil after the report was
	// committed, or with the reason why it never will be. It must not block.
	Done func(error)
}

// ErrClosed is what reports get when the store closes before they were
// recorded.
var ErrClosed = errors.New("the store is closed")

const (
	// recordQueue bounds the reports that wait, and so those of one commit. When
	// so many do, Record waits, and with it whoever reads from the devices'
	// sockets.
	recordQueue = 20_000
	// gatherFor is how long a report that nobody waits for waits for others to
	// share a commit with: what a device is told and says in a row is written
	// once.
	gatherFor = 200 * time.Millisecond
	// crowdFor is how long one that somebody waits for does, when the last
	// commit had so many reports that a crowd must be talking.
	crowdFor  = 50 * time.Millisecond
	crowdFrom = 500
	// recordRetry is how long the recorder waits after a failed commit.
	recordRetry = 250 * time.Millisecond
)

// recorder commits reports in groups: while one group is written the next one
// gathers, and reports that nobody waits for gather a while longer, so a quiet
// server answers at once and a busy one shares its commits widely. Nothing is
// dropped: a group that cannot be committed is tried again until it can or the
// store closes.
type recorder struct {
	some    chan struct{} // has an element when there is a report
	awaited chan struct{} // has one when somebody may wait for a report in the queue
	hurry   chan struct{} // has one when the next commit is not to wait for more reports
	ended   chan struct{} // closed when the recorder has ended

	mu     sync.Mutex
	queue  []Report      // guarded by mu
	spare  []Report      // empty, for the next queue; guarded by mu
	room   chan struct{} // closed when the queue is taken; guarded by mu
	closed bool          // guarded by mu
	held   error         // what keeps reports from being recorded; nil if nothing does; guarded by mu

	prepared map[*pageSQL]map[int]*sql.Stmt // by rows
}

// prepare readies the recorder's statements. On SQLite they could not be
// prepared later: a transaction has the only connection.
func (r *recorder) prepare(ctx context.Context, s *Store) (err error) {
	r.prepared = make(map[*pageSQL]map[int]*sql.Stmt)
	for _, p := range []*pageSQL{&readPlaces, &writePlaces, &writeConnections, &writeConfigs, &writeOffers, &writeEvents, &writeBlocks} {
		if r.prepared[p], err = p.prepare(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) start(ctx context.Context, s *Store) {
	r.some, r.awaited, r.hurry = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	r.ended, r.room = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(r.ended)
		r.run(ctx, s)
	}()
}

// Record queues a report for the next commit. When the queue is full it waits
// for room. It returns an error, and Done is not called, only if ctx ends or
// the store closes before there was room: what was sent to a device while the
// server ends is recorded, too.
func (s *Store) Record(ctx context.Context, report Report) error {
	report.makeStorable()
	for {
		room, err := s.recorder.try(&report)
		if err != errFull {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TryRecord is Record that does not wait: it reports false, and has done
// nothing, when the queue is full or the store closed.
func (s *Store) TryRecord(report Report) bool {
	report.makeStorable()
	_, err := s.recorder.try(&report)
	return err == nil
}

// errFull is try's refusal of a report for which there is no room.
var errFull = errors.New("too many reports wait")

// try queues a report, or says what has it wait, and what is closed when there
// is room again.
func (r *recorder) try(report *Report) (room <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case len(r.queue) == recordQueue:
		signal(r.hurry)
		return r.room, errFull
	}
	r.queue = append(r.queue, *report)
	if len(r.queue) == 1 {
		signal(r.some)
	}
	switch {
	case report.Device == 0:
		signal(r.hurry)
	case report.Done != nil:
		signal(r.awaited)
	}
	return nil, nil
}

// signal puts an element into a channel that has room for one, unless it is
// there.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// take takes all that is in the queue.
func (r *recorder) take() []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := r.queue
	r.queue, r.spare = r.spare, nil
	close(r.room)
	r.room = make(chan struct{})
	return batch
}

// giveBack gives a batch back that is done, for its memory.
func (r *recorder) giveBack(batch []Report) {
	clear(batch)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = batch[:0]
}

// shrink keeps no memory for reports that are yet to come.
func (r *recorder) shrink() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = nil
	if len(r.queue) == 0 {
		r.queue = nil
	}
}

// close takes nothing more, and lets go of what is in the queue.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	doneAll(r.take(), ErrClosed)
}

// makeStorable makes texts of the report such as both engines keep.
func (r *Report) makeStorable() { r.Detail, r.ConfigID = storable(r.Detail), storable(r.ConfigID) }

// storable is s as both engines keep it. PostgreSQL refuses a text with a zero
// byte or that is not UTF-8; a device that sends one must not hold up the
// reports of all others.
func storable(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Flush waits until everything recorded before is committed.
func (s *Store) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	if err := s.Record(ctx, Report{Done: func(err error) { done <- err }}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *recorder) run(ctx context.Context, s *Store) {
	defer r.close()
	crowd := false
	for {
		batch := r.gather(ctx, crowd)
		err := r.commit(ctx, s, batch)
		doneAll(batch, err)
		if err != nil {
			return
		}
		crowd = len(batch) >= crowdFrom
		r.giveBack(batch)
	}
}

// gather waits for a report, gives others the time to come with it, and takes
// all that have come.
func (r *recorder) gather(ctx context.Context, crowd bool) []Report {
	select {
	case <-r.some:
	case <-ctx.Done():
		return r.take()
	}
	enough := time.NewTimer(gatherFor)
	defer enough.Stop()
	for awaited := r.awaited; ; {
		select {
		case <-awaited:
			if crowd {
				enough.Reset(crowdFor)
				awaited = nil
				continue
			}
		case <-r.hurry:
		case <-enough.C:
		case <-ctx.Done():
		}
		return r.take()
	}
}

// doneAll tells whoever waits for them what became of reports.
func doneAll(batch []Report, err error) {
	for i := range batch {
		if batch[i].Done != nil {
			batch[i].Done(err)
		}
	}
}

// commit writes the batch, again and again until it is on disk. It fails only
// when ctx ends.
func (r *recorder) commit(ctx context.Context, s *Store, batch []Report) error {
	var waiting time.Time // zero: not said yet
	for ctx.Err() == nil {
		err := s.record(ctx, batch)
		if err == nil {
			if !waiting.IsZero() {
				r.hold(nil)
				s.log.Info("device reports are recorded again", "took", time.Since(waiting))
			}
			return nil
		}
		if waiting.IsZero() && !s.engine.retry(err) && err != errOvertaken && ctx.Err() == nil {
			waiting = time.Now()
			r.hold(err)
			s.log.Error("device reports wait for the database", "reports", len(batch), "err", err)
		}
		sleep(ctx, recordRetry)
	}
	return ErrClosed
}

func (r *recorder) hold(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = err
}

// Held is what keeps reports from being recorded, as a refusal in the words of
// Trouble where there are such; nil if nothing does.
func (s *Store) Held() error {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	return s.Trouble(s.recorder.held)
}
