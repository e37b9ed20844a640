package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/cotahq/cota"
)

// devicePage is how many devices one INSERT adds.
const devicePage = 100

// AddDevices adds devices to a product and counts them. A name that is taken
// is reported by Taken.
func (tx *Tx) AddDevices(ctx context.Context, product string, all []cota.Credentials, now time.Time) error {
	first, err := tx.next(ctx, "device", int64(len(all)))
	if err != nil {
		return err
	}
	if err := tx.countDevices(ctx, product, len(all), now); err != nil {
		return err
	}
	for page := all; len(page) > 0; page = page[min(len(page), devicePage):] {
		n := min(len(page), devicePage)
		args := make([]any, 0, 5*n)
		for _, c := range page[:n] {
			args = append(args, first, product, c.Name, tx.seal.box(c.Secret, ownerDevice(product, c.Name)), millis(now))
			first++
		}
		_, err := tx.db.ExecContext(ctx, `
			WITH v AS (VALUES `+tx.engine.values(1, n, "INTEGER", "TEXT", "TEXT", "TEXT", "BIGINT")+`)
			INSERT INTO device (id, product, name, secret_sealed, created_at, disabled,
				push, state, code, detail, state_at, offered, config_id, config_at)
			SELECT v.*, FALSE, 0, 0, 0, '', 0, 0, '', 0 FROM v`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// numberedPage is how many names LastNumbered looks at a time.
const numberedPage = 100

// LastNumbered is the greatest n for which a device prefix + n exists, n
// being written with the given number of digits; 0 if there is none.
func (q queries) LastNumbered(ctx context.Context, product, prefix string, digits int) (int64, error) {
	least, below := prefix+strings.Repeat("0", digits), prefix+strings.Repeat("9", digits)+"-"
	for {
		rows, err := q.db.QueryContext(ctx, `
			SELECT name FROM device WHERE product = $1 AND name >= $2 AND name < $3 ORDER BY name DESC LIMIT $4`,
			product, least, below, numberedPage)
		page, err := collect(rows, err, scanText)
		if err != nil {
			return 0, err
		}
		for _, name := range page {
			number := name[len(prefix):]
			if len(number) == digits && strings.Trim(number, "0123456789") == "" { // letters sort between the digits
				return strconv.ParseInt(number, 10, 64)
			}
		}
		if len(page) < numberedPage {
			return 0, nil
		}
		below = page[len(page)-1]
	}
}

// SetDevice switches a device off or on.
func (tx *Tx) SetDevice(ctx context.Context, id int64, disabled bool) error {
	_, err := tx.db.ExecContext(ctx, `UPDATE device SET disabled = $2 WHERE id = $1`, id, disabled)
	return err
}

// SetDeviceSecret gives a device a new secret, and takes away what it could
// sign in with before. It is activated when it connects at that time or later.
func (tx *Tx) SetDeviceSecret(ctx context.Context, id int64, product, name, secret string, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `UPDATE device SET secret_sealed = $2, secret_at = $3 WHERE id = $1`,
		id, tx.seal.box(secret, ownerDevice(product, name)), millis(now))
	if err != nil {
		return err
	}
	_, err = tx.db.ExecContext(ctx, `DELETE FROM device_token WHERE device = $1`, id)
	return err
}

// RemoveDevice removes a device with its timeline and topology, and takes it
// out of the counts of the push that its product converges to. Counts of earlier pushes
// are history and stay.
func (tx *Tx) RemoveDevice(ctx context.Context, product string, id int64, now time.Time) error {
	var push int64
	var rung cota.Rung
	err := tx.db.QueryRowContext(ctx, `DELETE FROM device WHERE id = $1 RETURNING push, state`, id).Scan(&push, (*int)(&rung))
	if errors.Is(err, sql.ErrNoRows) {
		return cota.Errorf(cota.NotFound, "the device is gone")
	}
	if err != nil {
		return err
	}
	if rung != cota.Pending {
		_, err = tx.db.ExecContext(ctx, `
			UPDATE push SET `+rung.String()+` = `+rung.String()+` - 1
			WHERE no = $2 AND no = (SELECT push FROM product WHERE key = $1)`, product, push)
		if err != nil {
			return err
		}
	}
	if err := tx.countDevices(ctx, product, -1, now); err != nil {
		return err
	}
	for _, sql := range []string{
		`DELETE FROM presence WHERE device = $1`,
		`DELETE FROM topology WHERE device = $1`,
		`DELETE FROM topology WHERE gateway = $1`,
		`DELETE FROM device_token WHERE device = $1`,
	} {
		if _, err := tx.db.ExecContext(ctx, sql, id); err != nil {
			return err
		}
	}
	return tx.removeEvents(ctx, id)
}

// online wants the arguments of alive, and withPresence behind the table device.
// So does deviceColumns.
var (
	withPresence = " LEFT JOIN presence ON presence.device = device.id"

	online = "EXISTS (SELECT 1 FROM node WHERE node.id = presence.node AND " + nodeAlive + ")"

	deviceColumns = `device.id, device.product, device.name, device.disabled, device.created_at,
		` + online + `,
		COALESCE(presence.connected_at, 0), COALESCE(presence.seen_at, 0), device.secret_at,
		device.push, device.state, device.code, device.detail, device.state_at,
		device.config_id, device.config_at, device.offered, COALESCE(presence.node, 0),
		COALESCE((SELECT number FROM version WHERE version.product = device.product AND version.config_id = device.config_id), 0),
		COALESCE(presence.through, 0), COALESCE((SELECT gateway.product || '/' || gateway.name FROM device AS gateway
			WHERE gateway.id = (SELECT topology.gateway FROM topology WHERE topology.device = device.id)), '')`
)

// DeviceRow is a device with what only the server sees of it.
type DeviceRow struct {
	cota.Device
	ID      int64
	Offered int64 // the newest version ever offered to it
	Node    int64 // where it was connected last; 0 once it has left
	Through int64 // the gateway by which it was; 0: by itself
}

// Standing is what decides whether the device is owed an offer.
func (d DeviceRow) Standing() cota.Standing {
	return cota.Standing{Push: d.Push, Rung: d.State, Code: d.Code, Offered: d.Offered}
}

func scanDevice(row scanner) (d DeviceRow, err error) {
	var created, connected, seen, secretAt, stateAt, configAt int64
	var gateway string
	err = row.Scan(&d.ID, &d.Product, &d.Name, &d.Disabled, &created, &d.Online, &connected, &seen, &secretAt,
		&d.Push, (*int)(&d.State), &d.Code, &d.Detail, &stateAt, &d.ConfigID, &configAt, &d.Offered, &d.Node, &d.ConfigVersion,
		&d.Through, &gateway)
	d.CreatedAt = timeOf(created)
	d.Activated = connected != 0 && connected >= secretAt
	d.ConnectedAt, d.StateAt, d.ConfigAt = timeRef(connected), timeRef(stateAt), timeRef(configAt)
	if !d.Online {
		d.SeenAt = timeRef(seen)
	}
	if product, name, behind := strings.Cut(gateway, "/"); behind {
		d.Gateway = &cota.Gateway{Product: product, Name: name, Connected: d.Online && d.Through != 0}
	}
	return d, err
}

// alive are the arguments of nodeAlive, and others after them.
func (q queries) alive(rest ...any) []any {
	return append([]any{q.node, time.Now().UnixMilli()}, rest...)
}

// Device is the device of a product with this name.
func (q queries) Device(ctx context.Context, product, name string) (DeviceRow, error) {
	row := q.db.QueryRowContext(ctx, `
		SELECT `+deviceColumns+` FROM device`+withPresence+` WHERE device.product = $3 AND device.name = $4`, q.alive(product, name)...)
	return one(row, scanDevice, "no device %s in product %s", name, product)
}

// DeviceFilter chooses devices. The zero filter chooses all.
type DeviceFilter struct {
	Prefix string     // of the name
	Online *bool      // connected now, or not
	Push   int64      // with Rung: where they stand in this push; 0: each in its own last
	Rung   *cota.Rung // nil: anywhere
}

// Devices lists up to limit devices of a product after the given name, by
// name.
func (q queries) Devices(ctx context.Context, product string, f DeviceFilter, after string, limit int) ([]DeviceRow, error) {
	from := ">"
	if after < f.Prefix { // one lower bound: SQLite would seek by the first it sees
		from, after = ">=", f.Prefix
	}
	args := q.alive(product, after, limit)
	where := ""
	and := func(cond string, more ...any) {
		for _, a := range more {
			args = append(args, a)
			cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where += " AND " + cond
	}
	if f.Prefix != "" {
		and("device.name < ?", f.Prefix+"\x7f")
	}
	if f.Online != nil {
		cond := online
		if !*f.Online {
			cond = "NOT " + cond
		}
		and(cond)
	}
	switch {
	case f.Rung == nil:
	case f.Push == 0:
		and("device.state = ?", int(*f.Rung))
	case *f.Rung == cota.Pending:
		and("device.push < ?", f.Push)
	default:
		and("device.push = ? AND device.state = ?", f.Push, int(*f.Rung))
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+deviceColumns+` FROM device`+withPresence+`
		WHERE device.product = $3 AND device.name `+from+` $4`+where+` ORDER BY device.name LIMIT $5`, args...)
	return collect(rows, err, scanDevice)
}

// standingPages are how many devices Standings may ask for at a time.
var standingPages = []int{500, 50, 5}

// Standings says where devices stand, by id. Devices that are gone are left
// out.
func (q queries) Standings(ctx context.Context, ids []int64) (map[int64]cota.Standing, error) {
	found := make(map[int64]cota.Standing, len(ids))
	for len(ids) > 0 {
		size := standingPages[0]
		for _, page := range standingPages {
			if len(ids) <= page {
				size = page
			}
		}
		args := make([]any, size) // padded: few statements for any number
		for i := range args {
			args[i] = ids[min(i, len(ids)-1)]
		}
		rows, err := q.db.QueryContext(ctx, `
			SELECT id, push, state, code, offered FROM device WHERE id IN (`+q.engine.placeholders(1, size)+`)`, args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id int64
			var s cota.Standing
			if err := rows.Scan(&id, &s.Push, (*int)(&s.Rung), &s.Code, &s.Offered); err != nil {
				rows.Close()
				return nil, err
			}
			found[id] = s
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		ids = ids[min(len(ids), size):]
	}
	return found, nil
}
