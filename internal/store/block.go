package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cotahq/cota"
)

// A fleet that is told something says much at once, of which each device has
// only a line or two. Such lines share rows: a block holds what was committed
// together of the timelines of the devices of one bucket, that are neighbours
// by id. A row costs about the same whatever is in it.
//
// The lines of a block are text, each ended by a line feed, with fields apart
// by tabs: the device's id, at and seq as they differ from the block's since
// and seq, kind, push, code and detail.

const (
	// bucketDevices is how many neighbours share blocks. To read the
	// timeline of one of them is to read the lines of all.
	bucketDevices = 64
	// blockLeast is how many lines are worth a block. Fewer have rows of their
	// own, which are found by their device.
	blockLeast = 4
	// blockMost bounds the lines of a block, so that one is not too large a
	// row: some 15 KB, and 2 MB if all say as much as they may.
	blockMost = 512
	// blockSpan bounds, in milliseconds, how far apart the lines of a block
	// are, so that blocks are found by time.
	blockSpan = int64(time.Minute / time.Millisecond)
)

// block is a row of event_block.
type block struct {
	bucket       int64
	since, until int64 // when the oldest and the newest line happened, in milliseconds
	seq          int64 // of the first line
	lines        string
}

func bucketOf(device int64) int64 { return device / bucketDevices }

// blocks puts lines that belong into blocks there, and returns the others.
// Lines are sorted by device.
func blocks(lines []line) (shared []block, lone []line) {
	plain := make([]line, 0, len(lines))
	for _, l := range lines {
		if len(l.Properties) == 0 {
			plain = append(plain, l)
		} else {
			lone = append(lone, l)
		}
	}
	var buf []byte
	for len(plain) > 0 {
		b, n := newBlock(plain)
		if n < blockLeast {
			lone = append(lone, plain[:n]...)
		} else {
			buf = buf[:0]
			for i := range plain[:n] {
				buf = b.appendLine(buf, &plain[i])
			}
			b.lines = string(buf)
			shared = append(shared, b)
		}
		plain = plain[n:]
	}
	return shared, lone
}

// newBlock is a block for as many of the first lines as may be in one, without
// them: one at least.
func newBlock(lines []line) (b block, n int) {
	b = block{bucket: bucketOf(lines[0].Device), since: newest, seq: lines[0].seq}
	for n < min(len(lines), blockMost) && bucketOf(lines[n].Device) == b.bucket {
		at := millis(lines[n].At)
		since, until := min(b.since, at), max(b.until, at)
		if until-since >= blockSpan && n > 0 {
			break
		}
		b.since, b.until = since, until
		n++
	}
	return b, n
}

func (b *block) appendLine(dst []byte, l *line) []byte {
	for _, n := range [...]int64{l.Device, millis(l.At) - b.since, l.seq - b.seq} {
		dst = append(strconv.AppendInt(dst, n, 10), '\t')
	}
	dst = append(append(dst, l.Kind...), '\t')
	dst = append(strconv.AppendInt(dst, l.Push, 10), '\t')
	dst = append(strconv.AppendInt(dst, int64(l.Code), 10), '\t')
	if l.Detail != "" {
		dst = append(dst, escapeField.Replace(l.Detail)...)
	}
	return append(dst, '\n')
}

var (
	escapeField   = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`)
	unescapeField = strings.NewReplacer(`\\`, "\\", `\t`, "\t", `\n`, "\n")
)

// of appends a device's lines to all.
func (b *block) of(device int64, all []EventRow) ([]EventRow, error) {
	own := strconv.FormatInt(device, 10) + "\t"
	for text := range strings.Lines(b.lines) {
		if !strings.HasPrefix(text, own) {
			continue
		}
		e, err := b.parse(strings.TrimSuffix(text, "\n"))
		if err != nil {
			return nil, fmt.Errorf("block %d of %d: %w", b.seq, b.bucket, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// without are the lines that are not a device's.
func (b *block) without(device int64) string {
	own := strconv.FormatInt(device, 10) + "\t"
	var rest strings.Builder
	for text := range strings.Lines(b.lines) {
		if !strings.HasPrefix(text, own) {
			rest.WriteString(text)
		}
	}
	return rest.String()
}

// parse reads a line of the block.
func (b *block) parse(text string) (e EventRow, err error) {
	var fields [7]string
	rest, more := text, true
	for i := range fields {
		if !more {
			return e, fmt.Errorf("a line has %d fields", i)
		}
		fields[i], rest, more = strings.Cut(rest, "\t")
	}
	var n [7]int64
	for _, i := range [...]int{1, 2, 4, 5} {
		if n[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return e, err
		}
	}
	e.Key = EventKey{At: b.since + n[1], Seq: b.seq + n[2]}
	e.Event = cota.Event{
		At: timeOf(e.Key.At), Kind: cota.EventKind(fields[3]), Push: n[4], Code: int(n[5]), Detail: unescapeField.Replace(fields[6]),
	}
	return e, nil
}

var writeBlocks = pageSQL{
	shared: []string{},
	each:   []string{"BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT"},
	text:   `INSERT INTO event_block (bucket, since, until, seq, lines) VALUES ROWS`,
}

// blocks writes blocks.
func (w *recordTx) blocks(ctx context.Context, all []block) error {
	return pages(all, together, func(_ struct{}, page []block) error {
		args := writeBlocks.args(len(page))
		for i := range page {
			b := &page[i]
			args = append(args, b.bucket, b.since, b.until, b.seq, b.lines)
		}
		if _, err := w.stmt(ctx, &writeBlocks, len(page)).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("write blocks of timelines: %w", err)
		}
		return nil
	})
}

func scanBlock(row scanner) (b block, err error) {
	err = row.Scan(&b.bucket, &b.since, &b.until, &b.seq, &b.lines)
	return b, err
}

// inBlocks are at least limit of a device's lines before a place, as far as
// there are so many, newest first: none that is left out is newer than the
// first limit of them.
func (q queries) inBlocks(ctx context.Context, device int64, before EventKey, limit int) ([]EventRow, error) {
	for most := 4 * limit; ; most *= 4 { // blocks without a line of the device are rare
		rows, err := q.db.QueryContext(ctx, `
			SELECT bucket, since, until, seq, lines FROM event_block
			WHERE bucket = $1 AND until < $2 AND since <= $3 ORDER BY until DESC LIMIT $4`,
			bucketOf(device), min(before.At, newest-blockSpan)+blockSpan, before.At, most)
		page, err := collect(rows, err, scanBlock)
		if err != nil {
			return nil, err
		}
		found, enough, err := pick(page, device, before, limit)
		if err != nil || enough || len(page) < most {
			return found, err
		}
	}
}

// pick picks a device's lines before a place out of blocks, which are sorted
// from the newest down. enough says that whatever is in older blocks is older
// than the first limit of them.
func pick(from []block, device int64, before EventKey, limit int) (found []EventRow, enough bool, err error) {
	for i := range from {
		if len(found) >= limit && from[i].until < found[limit-1].Key.At {
			return found, true, nil
		}
		had := len(found)
		if found, err = from[i].of(device, found); err != nil {
			return nil, false, err
		}
		found = append(found[:had], slices.DeleteFunc(found[had:], func(e EventRow) bool { return e.Key.compare(before) >= 0 })...)
		slices.SortFunc(found, newestFirst)
	}
	return found, false, nil
}
