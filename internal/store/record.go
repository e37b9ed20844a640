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

// place is where a device stands.
type place struct {
	push int64
	rung cota.Rung
	code int // of a failure
}

// under reports whether r moves a device that stands at p.
func (p place) under(r *Report) bool {
	return p.push < r.Push || p.push == r.Push && p.rung < r.below() && (p.rung != r.Rung || p.code != r.Code)
}

// climb is the change of one device's state that a batch adds up to.
type climb struct {
	Report
	below cota.Rung // it takes effect on devices that stand below this
}

// record writes one batch in one transaction: states and the counts that
// follow from them, connections, what devices run, and their timelines.
func (s *Store) record(ctx context.Context, batch []Report) error {
	if !slices.ContainsFunc(batch, func(r Report) bool { return r.Device != 0 }) {
		return nil // only waiting to be flushed
	}
	climbs, rose := fold(batch)
	connects, configs, offers := latest(batch)
	// Every statement is conditional on the row it changes, so the weakest
	// isolation will do.
	db, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer db.Rollback() // after a commit this does nothing
	w := recordTx{
		db: db, pages: s.engine.pages, prepared: s.recorder.prepared, was: make(map[int64]place), runs: make(map[int64]string), counts: make(map[int64]*cota.Counts),
	}
	for _, step := range []func() error{
		func() error { return w.climb(ctx, climbs) },
		func() error { return w.connect(ctx, s.node, connects) },
		func() error { return w.configure(ctx, configs) },
		func() error { return w.offer(ctx, offers) },
		func() error { return w.events(ctx, w.lines(batch, rose), s.nextSeq) },
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

// fold adds up what a batch says of each device's state, in the order it came,
// by the rule of the ladder, sorted by device. rose says which reports climb
// above those before them.
func fold(batch []Report) (climbs []climb, rose []bool) {
	of := make(map[int64]climb)
	rose = make([]bool, len(batch))
	for i, r := range batch {
		if !r.climbs() {
			continue
		}
		next := climb{Report: r, below: r.below()}
		cur, ok := of[r.Device]
		repeats := r.Rung == cur.Rung && r.Code == cur.Code && next.below <= cur.below
		if !ok || r.Push > cur.Push || r.Push == cur.Push && cur.Rung < next.below && !repeats {
			next.Version = max(next.Version, cur.Version)
			of[r.Device] = next
			rose[i] = true
		}
	}
	return sorted(of, func(c climb) int64 { return c.Device }), rose
}

// latest picks, per device and sorted by device, the last connection change,
// the last configuration and the newest offer outside of a push.
func latest(batch []Report) (connects, configs, offers []Report) {
	c, f, o := map[int64]Report{}, map[int64]Report{}, map[int64]Report{}
	for _, r := range batch {
		if r.Connected || r.Disconnected {
			c[r.Device] = mergeConnection(c[r.Device], r)
		}
		if r.ConfigID != "" || r.Reverted {
			f[r.Device] = r
		}
		if r.Offered > o[r.Device].Offered {
			o[r.Device] = r
		}
	}
	id := func(r Report) int64 { return r.Device }
	return sorted(c, id), sorted(f, id), sorted(o, id)
}

// mergeConnection lets the end of a connection count only if no newer one has
// begun.
func mergeConnection(cur, next Report) Report {
	if next.Disconnected && cur.Since.After(next.Since) {
		return cur
	}
	return next
}

func sorted[T any](of map[int64]T, id func(T) int64) []T {
	all := make([]T, 0, len(of))
	for _, t := range of {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
	return all
}

// recordTx is one batch being written.
type recordTx struct {
	db       *sql.Tx
	pages    []int
	prepared map[*pageSQL]map[int]*sql.Stmt
	was      map[int64]place        // devices whose state changed: where they stood
	runs     map[int64]string       // devices whose configuration changed: to which
	counts   map[int64]*cota.Counts // by push: what to add to its counts
}

// pageSQL is a statement that writes a page of rows. Its text is with, a list
// of rows of these types, and do.
type pageSQL struct {
	with  string
	types []string
	do    string
}

// prepare prepares the statement for each size of page: to parse one takes
// longer than to run it.
func (p *pageSQL) prepare(ctx context.Context, s *Store) (map[int]*sql.Stmt, error) {
	bySize := make(map[int]*sql.Stmt)
	for _, rows := range s.engine.pages {
		stmt, err := s.write.PrepareContext(ctx, p.with+s.engine.values(rows, p.types...)+p.do)
		if err != nil {
			return nil, err
		}
		bySize[rows] = stmt
	}
	return bySize, nil
}

func (w *recordTx) stmt(ctx context.Context, p *pageSQL, rows int) *sql.Stmt {
	return w.db.StmtContext(ctx, w.prepared[p][rows])
}

// pages calls fn with rows in pages of the given sizes.
func pages[T any](sizes []int, rows []T, fn func([]T) error) error {
	for _, size := range sizes {
		for len(rows) >= size {
			if err := fn(rows[:size]); err != nil {
				return err
			}
			rows = rows[size:]
		}
	}
	return nil
}

var writeStates = pageSQL{
	with:  `WITH v (id, push, state, below, code, detail, at, version) AS (VALUES `,
	types: []string{"BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "BIGINT"},
	do: `)
		UPDATE device SET was_push = device.push, was_state = device.state, was_code = device.code,
			push = v.push, state = v.state, code = v.code, detail = v.detail, state_at = v.at,
			offered = CASE WHEN v.version > device.offered THEN v.version ELSE device.offered END
		FROM v
		WHERE device.id = +v.id
			AND (device.push < v.push
				OR device.push = v.push AND device.state < v.below
					AND NOT (device.state = v.state AND device.code = v.code))
		RETURNING device.id, device.push, device.state, device.was_push, device.was_state, device.was_code`,
}

// climb writes the states and learns from the rows what has moved.
func (w *recordTx) climb(ctx context.Context, climbs []climb) error {
	return pages(w.pages, climbs, func(page []climb) error {
		args := make([]any, 0, 8*len(page))
		for _, c := range page {
			args = append(args, c.Device, c.Push, int(c.Rung), int(c.below), c.Code, c.Detail, millis(c.At), c.Version)
		}
		rows, err := w.stmt(ctx, &writeStates, len(page)).QueryContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write states: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id, push int64
			var rung cota.Rung
			var was place
			if err := rows.Scan(&id, &push, (*int)(&rung), &was.push, (*int)(&was.rung), &was.code); err != nil {
				return fmt.Errorf("read states: %w", err)
			}
			w.was[id] = was
			w.add(push, rung, 1)
			if was.push == push {
				w.add(push, was.rung, -1)
			}
		}
		return rows.Err()
	})
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
			applied = applied + $5, failed = failed + $6,
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

var writeConnections = pageSQL{
	with:  `WITH v (id, connected, since, at, node, through) AS (VALUES `,
	types: []string{"BIGINT", "BOOLEAN", "BIGINT", "BIGINT", "BIGINT", "BIGINT"},
	do: `)
		UPDATE device SET node = CASE WHEN v.connected THEN v.node ELSE 0 END, connected_at = v.since, seen_at = v.at,
			through = v.through
		FROM v
		WHERE device.id = +v.id AND (v.connected OR device.connected_at < v.since
			OR device.connected_at = v.since AND device.node = v.node)`,
}

// connect writes where devices are connected. The end of a connection changes
// nothing if the device has signed in again since, here or elsewhere.
func (w *recordTx) connect(ctx context.Context, node int64, connects []Report) error {
	return pages(w.pages, connects, func(page []Report) error {
		args := make([]any, 0, 6*len(page))
		for _, r := range page {
			args = append(args, r.Device, r.Connected, millis(r.Since), millis(r.At), node, r.Through)
		}
		_, err := w.stmt(ctx, &writeConnections, len(page)).ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write connections: %w", err)
		}
		return nil
	})
}

var writeConfigs = pageSQL{
	with:  `WITH v (id, config_id, at) AS (VALUES `,
	types: []string{"BIGINT", "TEXT", "BIGINT"},
	do: `)
		UPDATE device SET config_id = v.config_id, config_at = v.at
		FROM v WHERE device.id = +v.id AND device.config_id <> v.config_id
		RETURNING device.id, device.config_id`,
}

// configure writes what devices say they run, when it is news: nothing that is
// known, after they have taken a configuration back.
func (w *recordTx) configure(ctx context.Context, configs []Report) error {
	return pages(w.pages, configs, func(page []Report) error {
		args := make([]any, 0, 3*len(page))
		for _, r := range page {
			runs := r.ConfigID
			if r.Reverted {
				runs = ""
			}
			args = append(args, r.Device, runs, millis(r.At))
		}
		rows, err := w.stmt(ctx, &writeConfigs, len(page)).QueryContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write configurations: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var runs string
			if err := rows.Scan(&id, &runs); err != nil {
				return fmt.Errorf("read configurations: %w", err)
			}
			w.runs[id] = runs
		}
		return rows.Err()
	})
}

var writeOffers = pageSQL{
	with:  `WITH v (id, version) AS (VALUES `,
	types: []string{"BIGINT", "BIGINT"},
	do:    `) UPDATE device SET offered = v.version FROM v WHERE device.id = +v.id AND device.offered < v.version`,
}

// offer writes which versions devices were offered outside of a push.
func (w *recordTx) offer(ctx context.Context, offers []Report) error {
	return pages(w.pages, offers, func(page []Report) error {
		args := make([]any, 0, 2*len(page))
		for _, r := range page {
			args = append(args, r.Device, r.Offered)
		}
		_, err := w.stmt(ctx, &writeOffers, len(page)).ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write offers: %w", err)
		}
		return nil
	})
}

// lines picks what goes into the timelines. What a device says of itself is a
// line only when it changed something, or a device could fill the disk by
// repeating itself; what the server did is a line each time.
func (w *recordTx) lines(batch []Report, rose []bool) []*Report {
	lines := make([]*Report, 0, len(batch))
	for i := range batch {
		if r := &batch[i]; r.Kind != "" && (!saidByDevice(r.Rung) || w.changed(r, rose[i])) {
			lines = append(lines, r)
		}
	}
	slices.SortStableFunc(lines, func(a, b *Report) int { return cmp.Compare(a.Device, b.Device) }) // as the index has them
	return lines
}

// changed reports whether r, that rose above what its batch said before,
// changed anything about its device.
func (w *recordTx) changed(r *Report, rose bool) bool {
	if r.ConfigID != "" && r.ConfigID == w.runs[r.Device] {
		delete(w.runs, r.Device) // news only once
		return true
	}
	was, moved := w.was[r.Device]
	return rose && moved && was.under(r)
}

var writeEvents = pageSQL{
	with: `INSERT INTO event (device, at, seq, kind, push, code, detail, properties)
		WITH v (device, at, seq, kind, push, code, detail, properties) AS (VALUES `,
	types: []string{"BIGINT", "BIGINT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "TEXT", "TEXT"},
	do: `)
		SELECT device, at, seq, kind, push, code, detail, properties FROM v WHERE EXISTS (SELECT 1 FROM device WHERE device.id = v.device)`,
}

// events writes lines of the timelines.
func (w *recordTx) events(ctx context.Context, lines []*Report, seq func() int64) error {
	return pages(w.pages, lines, func(page []*Report) error {
		args := make([]any, 0, 8*len(page))
		for _, r := range page {
			properties, err := propertiesText(r.Properties)
			if err != nil {
				return err
			}
			args = append(args, r.Device, millis(r.At), seq(), string(r.Kind), r.Push, r.Code, r.Detail, properties)
		}
		_, err := w.stmt(ctx, &writeEvents, len(page)).ExecContext(ctx, args...)
		if err != nil {
			return fmt.Errorf("write timelines: %w", err)
		}
		return nil
	})
}

func saidByDevice(r cota.Rung) bool {
	return r == cota.Received || r == cota.Applied || r == cota.Failed
}
