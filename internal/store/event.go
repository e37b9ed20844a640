package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cotahq/cota"
)

// EventKey is a place in a timeline. The zero key is its end.
type EventKey struct{ At, Seq int64 }

// EventRow is an event with its place.
type EventRow struct {
	cota.Event
	Key EventKey
}

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
	return collect(rows, err, scanEvent)
}

// PruneEvents drops the timelines' events before the given time, of up to
// devices devices from the given id on, and returns the id to go on from; 0
// when it is through.
func (tx *Tx) PruneEvents(ctx context.Context, from int64, devices int, before time.Time) (int64, error) {
	var last int64
	err := tx.db.QueryRowContext(ctx, `
		SELECT COALESCE(max(id), 0) FROM (SELECT id FROM device WHERE id >= $1 ORDER BY id LIMIT $2) AS page`,
		from, devices).Scan(&last)
	if err != nil || last == 0 {
		return 0, err
	}
	_, err = tx.db.ExecContext(ctx, `
		DELETE FROM event WHERE device >= $1 AND device <= $2 AND at < $3`, from, last, millis(before))
	return last + 1, err
}
