package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cotahq/cota"
)

// record writes one batch in one transaction: states and the counts that
// follow from them, connections, what devices run, and their timelines.
func (s *Store) record(ctx context.Context, batch []Report) error {
	if !slices.ContainsFunc(batch, func(r Report) bool { return r.Device != 0 }) {
		return nil // only waiting to be flushed
	}
	order := byDevice(batch)
	climbs, rose := fold(batch, order)
	connects, configs, offers := latest(batch, order)
	// Every statement is conditional on the rows it changes, so the weakest
	// isolation will do.
	db, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer db.Rollback() // after a commit this does nothing
	w := recordTx{
		db: db, prepared: s.recorder.prepared, was: make(map[int64]place), runs: make(map[int64]string), counts: make(map[int64]*cota.Counts),
	}
	for _, step := range []func() error{
		func() error { return w.climb(ctx, climbs) },
		func() error { return w.connect(ctx, s.node, connects) },
		func() error { return w.configure(ctx, configs) },
		func() error { return w.offer(ctx, offers) },
		func() error { return w.timelines(ctx, w.lines(batch, order, rose, s.nextSeq)) },
		func() error { return w.count(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := db.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// byDevice are the places in a batch of what is reported of devices, sorted by
// device; those of one device in the order they came.
func byDevice(batch []Report) []int {
	type key struct { // small, to be sorted fast
		device int64
		at     int
	}
	places := make([]key, 0, len(batch))
	for i := range batch {
		if batch[i].Device != 0 {
			places = append(places, key{batch[i].Device, i})
		}
	}
	slices.SortFunc(places, func(a, b key) int {
		if c := cmp.Compare(a.device, b.device); c != 0 {
			return c
		}
		return a.at - b.at
	})
	order := make([]int, len(places))
	for i, p := range places {
		order[i] = p.at
	}
	return order
}

// latest picks, per device, the last connection change, the last configuration
// and the newest offer outside of a push. They are sorted by device, as order is.
func latest(batch []Report, order []int) (connects, configs, offers []*Report) {
	for _, i := range order {
		r := &batch[i]
		if r.Connected || r.Disconnected {
			connects = latter(connects, r, prevails)
		}
		if r.ConfigID != "" || r.Reverted {
			configs = latter(configs, r, func(_, _ *Report) bool { return true })
		}
		if r.Offered != 0 {
			offers = latter(offers, r, func(cur, next *Report) bool { return next.Offered > cur.Offered })
		}
	}
	return connects, configs, offers
}

// latter adds next to all, in which it takes the place of the same device's if
// it prevails.
func latter(all []*Report, next *Report, prevails func(cur, next *Report) bool) []*Report {
	last := len(all) - 1
	switch {
	case last < 0 || all[last].Device != next.Device:
		return append(all, next)
	case prevails(all[last], next):
		all[last] = next
	}
	return all
}

// prevails lets the end of a connection count only if no newer one has begun, and
// its beginning unless a newer one lasts. (After a newer one has ended, it may be
// the clock that was set back.)
func prevails(cur, next *Report) bool {
	return !cur.Since.After(next.Since) || !next.Disconnected && !cur.Connected
}

// recordTx is one batch being written.
type recordTx struct {
	db       *sql.Tx
	prepared map[*pageSQL]map[int]*sql.Stmt
	was      map[int64]place        // devices whose state changed: where they stood
	runs     map[int64]string       // devices whose configuration changed: to which
	counts   map[int64]*cota.Counts // by push: what to add to its counts
}

func (w *recordTx) add(push int64, rung cota.Rung, n int64) {
	c := w.counts[push]
	if c == nil {
		c = new(cota.Counts)
		w.counts[push] = c
	}
	*rungCount(c, rung) += n
}

// count adds up the pushes' counts. A running push of which every device has
// reached an end is completed by the same statement. The total of a push that
// is over grows with a device that was registered since, came by the version
// all the same and says so: it stands in the push, so the push counts it.
func (w *recordTx) count(ctx context.Context) error {
	nos := make([]int64, 0, len(w.counts))
	for no := range w.counts {
		nos = append(nos, no)
	}
	slices.Sort(nos) // one order for all nodes: no deadlocks
	now := time.Now().UnixMilli()
	for _, no := range nos {
		if err := w.countPush(ctx, no, w.counts[no], now); err != nil {
			return fmt.Errorf("count push %d: %w", no, err)
		}
	}
	return nil
}

func (w *recordTx) countPush(ctx context.Context, no int64, c *cota.Counts, now int64) error {
	var total, applied int64
	err := w.db.QueryRowContext(ctx, `
		UPDATE push SET sent = sent + $2, received = received + $3, fetched = fetched + $4,
			applied = applied + $5, failed = failed + $6, told = TRUE,
			total = CASE WHEN total < sent + $2 + received + $3 + fetched + $4 + applied + $5 + failed + $6
				THEN sent + $2 + received + $3 + fetched + $4 + applied + $5 + failed + $6 ELSE total END,
			state = CASE WHEN state = 'running' AND applied + $5 + failed + $6 >= total THEN 'completed' ELSE state END,
			ended_at = CASE WHEN state = 'running' AND applied + $5 + failed + $6 >= total THEN $7 ELSE ended_at END
		WHERE no = $1
		RETURNING total, applied`,
		no, c.Sent, c.Received, c.Fetched, c.Applied, c.Failed, now).Scan(&total, &applied)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // removed with its product
	}
	if err != nil {
		return err
	}
	was, is := percent(applied-c.Applied, total), percent(applied, total)
	if is <= was {
		return nil
	}
	_, err = w.db.ExecContext(ctx, `
		INSERT INTO push_progress (push, percent, at) VALUES ($1, $2, $3) ON CONFLICT (push, percent) DO NOTHING`, no, is, now)
	return err
}

// percent is n in a hundred of total, rounded down.
func percent(n, total int64) int64 {
	if total <= 0 {
		return 0
	}
	return min(100*n/total, 100)
}

// registered says that there is a device v.column1. Most have connected before,
// and their narrow rows are on fewer pages. (PostgreSQL would read all of a
// table for an EXISTS OR EXISTS.)
const registered = `COALESCE((SELECT device FROM presence WHERE device = v.column1),
	(SELECT id FROM device WHERE id = v.column1)) IS NOT NULL`

var writeConnections = pageSQL{
	shared: []string{"BOOLEAN", "BIGINT", "BIGINT"},
	each:   []string{"BIGINT", "BIGINT", "BIGINT"},
	text: `
		INSERT INTO presence (node, through, device, connected_at, seen_at)
		SELECT CASE WHEN $1 THEN $2 ELSE 0 END, $3, v.column1, v.column2, v.column3 FROM (VALUES ROWS) AS v
		WHERE ` + registered + `
		ON CONFLICT (device) DO UPDATE
		SET node = excluded.node, through = excluded.through, connected_at = excluded.connected_at, seen_at = excluded.seen_at
		WHERE presence.connected_at < excluded.connected_at
			OR presence.connected_at = excluded.connected_at AND presence.node = $2
			OR $1 AND presence.node <> $2`,
}

// connect writes where devices are connected. The end of a connection changes
// nothing if the device has signed in again since, here or elsewhere, and its
// beginning nothing if it has here.
func (w *recordTx) connect(ctx context.Context, node int64, connects []*Report) error {
	type connection struct {
		connected bool
		through   int64
	}
	by := func(r **Report) connection { return connection{(*r).Connected, (*r).Through} }
	return pages(connects, by, func(c connection, page []*Report) error {
		args := writeConnections.args(len(page), c.connected, node, c.through)
		for _, r := range page {
			args = append(args, r.Device, millis(r.Since), millis(r.At))
		}
		if _, err := w.stmt(ctx, &writeConnections, len(page)).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("write connections: %w", err)
		}
		return nil
	})
}

var writeConfigs = pageSQL{
	shared: []string{"TEXT"},
	each:   []string{"BIGINT", "BIGINT"},
	text: `
		UPDATE device SET config_id = $1, config_at = v.column2
		FROM (VALUES ROWS) AS v
		WHERE device.id = +v.column1 AND device.config_id <> $1
		RETURNING device.id`,
}

// configure writes what devices say they run, when it is news: nothing that is
// known, after they have taken a configuration back.
func (w *recordTx) configure(ctx context.Context, configs []*Report) error {
	runs := func(r **Report) string {
		if (*r).Reverted {
			return ""
		}
		return (*r).ConfigID
	}
	return pages(configs, runs, func(config string, page []*Report) error {
		args := writeConfigs.args(len(page), config)
		for _, r := range page {
			args = append(args, r.Device, millis(r.At))
		}
		rows, err := w.stmt(ctx, &writeConfigs, len(page)).QueryContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write configurations: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return fmt.Errorf("read configurations: %w", err)
			}
			w.runs[id] = config
		}
		return rows.Err()
	})
}

var writeOffers = pageSQL{
	shared: []string{"BIGINT"},
	each:   []string{"BIGINT"},
	text: `
		UPDATE device SET offered = $1 FROM (VALUES ROWS) AS v
		WHERE device.id = +v.column1 AND device.offered < $1`,
}

// offer writes which versions devices were offered outside of a push.
func (w *recordTx) offer(ctx context.Context, offers []*Report) error {
	return pages(offers, func(r **Report) int64 { return (*r).Offered }, func(version int64, page []*Report) error {
		args := writeOffers.args(len(page), version)
		for _, r := range page {
			args = append(args, r.Device)
		}
		if _, err := w.stmt(ctx, &writeOffers, len(page)).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("write offers: %w", err)
		}
		return nil
	})
}
