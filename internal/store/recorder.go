package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
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
	// recordBatch bounds the reports of one commit.
	recordBatch = 20_000
	// recordQueue bounds the reports that wait. When it is full, Record
	// waits, and with it whoever reads from the devices' sockets.
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
// server answers at once and a busy one shares its commits widely. Nothing is dropped: a group that cannot be committed is
// tried again until it can or the store closes.
type recorder struct {
	queue   chan Report
	awaited chan struct{} // has an element when somebody may wait for a report in the queue
	hurry   chan struct{} // has one when the next commit is not to wait for more reports
	closed  chan struct{} // closed when the recorder has ended

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
	r.queue = make(chan Report, recordQueue)
	r.awaited, r.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	r.closed = make(chan struct{})
	go func() {
		defer close(r.closed)
		r.run(ctx, s)
	}()
}

// Record queues a report for the next commit. When the queue is full it waits
// for room. It returns an error, and Done is not called, only if ctx ends or
// the store closes before there was room: what was sent to a device while the
// server ends is recorded, too.
func (s *Store) Record(ctx context.Context, report Report) error {
	r := &s.recorder
	report.makeStorable()
	if err := r.try(report); err != errFull {
		return err
	}
	select {
	case r.queue <- report:
		signal(r.hurry) // there was no room a moment ago
		r.dropLate()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closed:
		return ErrClosed
	}
}

// TryRecord is Record that does not wait: it reports false, and has done
// nothing, when the queue is full or the store closed.
func (s *Store) TryRecord(report Report) bool {
	report.makeStorable()
	return s.recorder.try(report) == nil
}

// errFull is try's refusal of a report for which there is no room.
var errFull = errors.New("too many reports wait")

func (r *recorder) try(report Report) error {
	select {
	case <-r.closed:
		return ErrClosed
	default:
	}
	select {
	case r.queue <- report:
		switch {
		case report.Device == 0:
			signal(r.hurry)
		case report.Done != nil:
			signal(r.awaited)
		}
		r.dropLate()
		return nil
	default:
		signal(r.hurry)
		return errFull
	}
}

// signal puts an element into a channel that has room for one, unless it is
// there.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// dropLate is drop if the recorder may have looked into the queue for the last
// time before a report was put there.
func (r *recorder) dropLate() {
	select {
	case <-r.closed:
		r.drop()
	default:
	}
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
	batch := make([]Report, 0, 256)
	for {
		batch = r.gather(ctx, batch[:0], len(batch) >= crowdFrom)
		err := r.commit(ctx, s, batch)
		for i := range batch {
			if batch[i].Done != nil {
				batch[i].Done(err)
			}
		}
		clear(batch)
		if err != nil {
			return
		}
	}
}

// gather waits for a report, gives others the time to come with it, and takes
// all that have come.
func (r *recorder) gather(ctx context.Context, batch []Report, crowd bool) []Report {
	select {
	case first := <-r.queue:
		batch = append(batch, first)
	case <-ctx.Done():
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
		return r.takeAll(batch)
	}
}

// takeAll takes what is in the queue, as far as a batch has room.
func (r *recorder) takeAll(batch []Report) []Report {
	for len(batch) < recordBatch {
		select {
		case next := <-r.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// commit writes the batch, again and again until it is on disk. It fails only
// when ctx ends.
func (r *recorder) commit(ctx context.Context, s *Store, batch []Report) error {
	var waiting time.Time // zero: not said yet
	for ctx.Err() == nil {
		err := s.record(ctx, batch)
		if err == nil {
			if !waiting.IsZero() {
				s.log.Info("device reports are recorded again", "took", time.Since(waiting))
			}
			return nil
		}
		if waiting.IsZero() && !s.engine.retry(err) && err != errOvertaken && ctx.Err() == nil {
			waiting = time.Now()
			s.log.Error("device reports wait for the database", "reports", len(batch), "err", err)
		}
		sleep(ctx, recordRetry)
	}
	return ErrClosed
}

// wait waits for the recorder's end, and lets go of reports that came late.
func (r *recorder) wait() {
	<-r.closed
	r.drop()
}

// drop lets go of what is in the queue of a recorder that has ended.
func (r *recorder) drop() {
	for {
		select {
		case late := <-r.queue:
			if late.Done != nil {
				late.Done(ErrClosed)
			}
		default:
			return
		}
	}
}
