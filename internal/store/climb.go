package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cotahq/cota"
)

// place is where a device stands.
type place struct {
	push int64
	rung cota.Rung
	code int // of a failure
}

// under reports whether a device that stands at p climbs to s.
func (p place) under(s *stand) bool {
	return p.push < s.push || p.push == s.push && p.rung < s.below && (p.rung != s.rung || p.code != s.code)
}

// climb is the change of one device's state that a batch adds up to.
type climb struct {
	device int64
	at     time.Time
	stand
}

// stand is where a climb leads, often many devices alike.
type stand struct {
	push, version int64
	rung          cota.Rung
	below         cota.Rung // it takes effect on devices that stand below this
	code          int
	detail        string
}

// climbs reports whether the report moves its device on the ladder at all.
func (r *Report) climbs() bool { return r.Push != 0 && r.Rung != cota.Pending }

// below is the rung that a device must stand below for the report to move it
// within a push. A failure also takes the place of one with another code: the
// last one says whether another offer is of use.
func (r *Report) below() cota.Rung {
	switch {
	case r.Reverted:
		return cota.Applied + 1
	case r.Rung == cota.Failed:
		return cota.Failed + 1
	}
	return r.Rung
}

// stand is where the report has its device climb to.
func (r *Report) stand() stand { return stand{r.Push, r.Version, r.Rung, r.below(), r.Code, r.Detail} }

// over reports whether s takes the place of t in one batch.
func (s *stand) over(t *stand) bool {
	repeats := s.rung == t.rung && s.code == t.code && s.below <= t.below
	return s.push > t.push || s.push == t.push && t.rung < s.below && !repeats
}

// fold adds up what a batch says of each device's state, in the order it came,
// by the rule of the ladder, sorted by device, as order is. rose says which
// reports climb above those before them.
func fold(batch []Report, order []int) (climbs []climb, rose []bool) {
	rose = make([]bool, len(batch))
	climbs = make([]climb, 0, len(batch))
	for _, i := range order {
		r := &batch[i]
		if !r.climbs() {
			continue
		}
		next := climb{r.Device, r.At, r.stand()}
		if last := len(climbs) - 1; last < 0 || climbs[last].device != r.Device {
			climbs = append(climbs, next)
			rose[i] = true
		} else if cur := &climbs[last]; next.over(&cur.stand) {
			next.version = max(next.version, cur.version)
			*cur = next
			rose[i] = true
		}
	}
	return climbs, rose
}

var readPlaces = pageSQL{
	each: []string{"BIGINT"},
	text: `
		SELECT device.id, device.push, device.state, device.code, device.offered
		FROM (VALUES ROWS) AS v CROSS JOIN device WHERE device.id = +v.column1`,
}

var writePlaces = pageSQL{
	shared: []string{"BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT"},
	each:   []string{"BIGINT", "BIGINT"},
	text: `
		UPDATE device SET push = $4, state = $5, code = $6, detail = $7, offered = $8, state_at = v.column2
		FROM (VALUES ROWS) AS v
		WHERE device.id = +v.column1 AND device.push = $1 AND device.state = $2 AND device.code = $3 AND device.offered <= $8`,
}

// errOvertaken says that another node moved a device between a look at it and
// the write. On SQLite nobody could.
var errOvertaken = errors.New("another node reports of the same device")

// move is a climb that takes place.
type move struct {
	climb
	from    place
	offered int64 // the newest version that the device was ever offered, then
}

// climb moves the devices that climb from where they stand.
func (w *recordTx) climb(ctx context.Context, climbs []climb) error {
	moves, err := w.moves(ctx, climbs)
	if err != nil {
		return err
	}
	type way struct {
		from, to place
		detail   string
		offered  int64
	}
	by := func(m *move) way {
		return way{m.from, place{m.push, m.rung, m.code}, m.detail, m.offered}
	}
	return pages(moves, by, func(d way, page []move) error {
		args := writePlaces.args(len(page),
			d.from.push, int(d.from.rung), d.from.code, d.to.push, int(d.to.rung), d.to.code, d.detail, d.offered)
		for i := range page {
			args = append(args, page[i].device, millis(page[i].at))
			w.was[page[i].device] = d.from
		}
		res, err := w.stmt(ctx, &writePlaces, len(page)).ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write states: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(len(page)) {
			return cmp.Or(err, errOvertaken)
		}
		w.add(d.to.push, d.to.rung, int64(len(page)))
		if d.from.push == d.to.push {
			w.add(d.to.push, d.from.rung, -int64(len(page)))
		}
		return nil
	})
}

// moves are the climbs of devices that stand where these begin.
func (w *recordTx) moves(ctx context.Context, climbs []climb) ([]move, error) {
	moves := make([]move, 0, len(climbs))
	err := pages(climbs, together, func(_ struct{}, page []climb) error {
		args := readPlaces.args(len(page))
		of := make(map[int64]*climb, len(page))
		for i := range page {
			args = append(args, page[i].device)
			of[page[i].device] = &page[i]
		}
		rows, err := w.stmt(ctx, &readPlaces, len(page)).QueryContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("read states: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var device int64
			var m move
			if err := rows.Scan(&device, &m.from.push, (*int)(&m.from.rung), &m.from.code, &m.offered); err != nil {
				return fmt.Errorf("read states: %w", err)
			}
			if c := of[device]; m.from.under(&c.stand) {
				m.climb, m.offered = *c, max(m.offered, c.version)
				moves = append(moves, m)
			}
		}
		return rows.Err()
	})
	return moves, err
}
