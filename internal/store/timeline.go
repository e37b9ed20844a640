package store

import (
	"context"
	"fmt"

	"github.com/cotahq/cota"
)

// lines picks what goes into the timelines. What a device says of itself is a
// line only when it changed something, or a device could fill the disk by
// repeating itself; what the server did is a line each time. They are sorted by
// device, as order is, and numbered here, in the order of what happened to each:
// they are not written in it.
func (w *recordTx) lines(batch []Report, order []int, rose []bool, seq func() int64) []line {
	lines := make([]line, 0, len(batch))
	for _, i := range order {
		if r := &batch[i]; r.Kind != "" && (!saidByDevice(r.Rung) || w.changed(r, rose[i])) {
			lines = append(lines, line{r, seq()})
		}
	}
	return lines
}

// changed reports whether r, that rose above what its batch said before,
// changed anything about its device.
func (w *recordTx) changed(r *Report, rose bool) bool {
	if r.ConfigID != "" && r.ConfigID == w.runs[r.Device] {
		delete(w.runs, r.Device) // news only once
		return true
	}
	if !rose {
		return false
	}
	was, moved := w.was[r.Device]
	to := r.stand()
	return moved && was.under(&to)
}

var writeEvents = pageSQL{
	shared: []string{"TEXT", "BIGINT", "BIGINT", "TEXT"},
	each:   []string{"BIGINT", "BIGINT", "BIGINT", "TEXT"},
	text: `
		INSERT INTO event (kind, push, code, properties, device, at, seq, detail)
		SELECT $1, $2, $3, $4, v.column1, v.column2, v.column3, v.column4 FROM (VALUES ROWS) AS v
		WHERE ` + registered,
}

// line is a line of a timeline.
type line struct {
	*Report
	seq int64
}

// common is what lines of many timelines have in common.
type common struct {
	kind       cota.EventKind
	push       int64
	code       int
	properties string
}

// timelines writes lines of timelines, those of neighbours together.
func (w *recordTx) timelines(ctx context.Context, lines []line) error {
	shared, lone := blocks(lines)
	if err := w.blocks(ctx, shared); err != nil {
		return err
	}
	return w.events(ctx, lone)
}

// events writes lines that have rows of their own.
func (w *recordTx) events(ctx context.Context, lines []line) error {
	var fault error
	by := func(l *line) common {
		properties, err := propertiesText(l.Properties)
		if err != nil {
			fault = err
		}
		return common{l.Kind, l.Push, l.Code, properties}
	}
	return pages(lines, by, func(c common, page []line) error {
		if fault != nil {
			return fault
		}
		args := writeEvents.args(len(page), string(c.kind), c.push, c.code, c.properties)
		for _, l := range page {
			args = append(args, l.Device, millis(l.At), l.seq, l.Detail)
		}
		if _, err := w.stmt(ctx, &writeEvents, len(page)).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("write timelines: %w", err)
		}
		return nil
	})
}

func saidByDevice(r cota.Rung) bool {
	return r == cota.Received || r == cota.Applied || r == cota.Failed
}
