package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Attach puts a device behind a gateway, and out from behind any other.
func (tx *Tx) Attach(ctx context.Context, device, gateway int64, now time.Time) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO topology (device, gateway, added_at) VALUES ($1, $2, $3)
		ON CONFLICT (device) DO UPDATE SET gateway = excluded.gateway, added_at = excluded.added_at`,
		device, gateway, millis(now))
	return err
}

// Detach takes a device out from behind its gateway.
func (tx *Tx) Detach(ctx context.Context, device int64) error {
	_, err := tx.db.ExecContext(ctx, `DELETE FROM topology WHERE device = $1`, device)
	return err
}

// GatewayOf is the gateway that a device is behind, 0 if none.
func (q queries) GatewayOf(ctx context.Context, device int64) (gateway int64, err error) {
	err = q.db.QueryRowContext(ctx, `SELECT gateway FROM topology WHERE device = $1`, device).Scan(&gateway)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return gateway, err
}

// CountSubdevices is how many devices are behind a gateway.
func (q queries) CountSubdevices(ctx context.Context, gateway int64) (n int, err error) {
	err = q.db.QueryRowContext(ctx, `SELECT count(*) FROM topology WHERE gateway = $1`, gateway).Scan(&n)
	return n, err
}

// Subdevices lists up to limit devices behind a gateway after the given id, by
// id.
func (q queries) Subdevices(ctx context.Context, gateway, after int64, limit int) ([]DeviceRow, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+deviceColumns+` FROM topology JOIN device ON device.id = topology.device`+withPresence+`
		WHERE topology.gateway = $3 AND topology.device > $4 ORDER BY topology.device LIMIT $5`,
		q.alive(gateway, after, limit)...)
	return collect(rows, err, scanDevice)
}

// DeviceName names a device.
type DeviceName struct{ Product, Name string }

// SubdeviceNames names up to limit devices behind a gateway, in the order in
// which they were made.
func (q queries) SubdeviceNames(ctx context.Context, gateway int64, limit int) ([]DeviceName, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT device.product, device.name FROM topology JOIN device ON device.id = topology.device
		WHERE topology.gateway = $1 ORDER BY topology.device LIMIT $2`, gateway, limit)
	return collect(rows, err, func(row scanner) (d DeviceName, err error) {
		err = row.Scan(&d.Product, &d.Name)
		return d, err
	})
}
