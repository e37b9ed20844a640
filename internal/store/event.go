package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cotahq/cota"
)

// EventKey is a place in a timeline. The zero key is its end.
type EventKey struct{ At, Seq int64 }

func (k EventKey) compare(l EventKey) int {
	return cmp.Or(cmp.Compare(k.At, l.At), cmp.Compare(k.Seq, l.Seq))
}

// EventRow is an event with its place.
type EventRow struct {
	cota.Event
	Key EventKey
}

func newestFirst(a, b EventRow) int { return b.Key.compare(a.Key) }

func scanEvent(row scanner) (e EventRow, err error) {
	var properties string
	if err = row.Scan(&e.Key.At, &e.Key.Seq, &e.Kind, &e.Push, &e.Code, &e.Detail, &properties); err != nil {
		return e, err
	}
	e.At = timeOf(e.Key.At)
	if properties != "" {
		err = json.Unmarshal([]byte(properties), &e.Properties)
	}
	return e, err
}

// propertiesText is properties as the event table has them: JSON, or nothing.
// As JSON they are storable, whatever they hold.
func propertiesText(properties []cota.Property) (string, error) {
	if len(properties) == 0 {
		return "", nil
	}
	text, err := json.Marshal(properties)
	return string(text), err
}

// Events lists up to limit events of a device before the given place, newest
// first.
func (q queries) Events(ctx context.Context, device int64, before EventKey, limit int) ([]EventRow, error) {
	if before == (EventKey{}) {
		before.At = newest
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT at, seq, kind, push, code, detail, properties FROM event
		WHERE device = $1 AND (at, seq) < ($2, $3) ORDER BY at DESC, seq DESC LIMIT $4`,
		device, before.At, before.Seq, limit)
	lone, err := collect(rows, err, scanEvent)
	if err != nil {
		return nil, err
	}
	shared, err := q.inBlocks(ctx, device, before, limit)
	if err != nil {
		return nil, err
	}
	all := append(lone, shared...)
	slices.SortFunc(all, newestFirst)
	return all[:min(len(all), limit)], nil
}

// AddEvent adds a line to a device's timeline that is not of its reporting.
func (tx *Tx) AddEvent(ctx context.Context, device int64, e cota.Event) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO event (device, at, seq, kind, push, code, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		device, millis(e.At), tx.seq(), string(e.Kind), e.Push, e.Code, e.Detail)
	return err
}

// PruneEvents drops the timelines' events before the given time, of up to
// devices devices from the given id on, and returns the id to go on from; 0
// when it is through. Events that share a block with others go a minute later
// than these, at most.
func (tx *Tx) PruneEvents(ctx context.Context, from int64, devices int, before time.Time) (int64, error) {
	var last int64
	err := tx.db.QueryRowContext(ctx, `
		SELECT COALESCE(max(id), 0) FROM (SELECT id FROM device WHERE id >= $1 ORDER BY id LIMIT $2) AS page`,
		from, devices).Scan(&last)
	if err != nil || last == 0 {
		return 0, err
	}
	if _, err = tx.db.ExecContext(ctx, `DELETE FROM event WHERE device >= $1 AND device <= $2 AND at < $3`, from, last, millis(before)); err != nil {
		return 0, err
	}
	_, err = tx.db.ExecContext(ctx, `DELETE FROM event_block WHERE bucket >= $1 AND bucket <= $2 AND until < $3`,
		bucketOf(from), bucketOf(last), millis(before))
	return last + 1, err
}

// removeEvents removes a device's timeline.
func (tx *Tx) removeEvents(ctx context.Context, device int64) error {
	if _, err := tx.db.ExecContext(ctx, `DELETE FROM event WHERE device = $1`, device); err != nil {
		return err
	}
	rows, err := tx.db.QueryContext(ctx, `SELECT bucket, since, until, seq, lines FROM event_block WHERE bucket = $1`, bucketOf(device))
	all, err := collect(rows, err, scanBlock)
	if err != nil {
		return err
	}
	for _, b := range all {
		rest := b.without(device)
		if rest == b.lines {
			continue
		}
		_, err := tx.db.ExecContext(ctx, `UPDATE event_block SET lines = $1 WHERE bucket = $2 AND until = $3 AND seq = $4 AND lines = $5`,
			rest, b.bucket, b.until, b.seq, b.lines)
		if err != nil {
			return err
		}
	}
	_, err = tx.db.ExecContext(ctx, `DELETE FROM event_block WHERE bucket = $1 AND lines = ''`, bucketOf(device))
	return err
}
