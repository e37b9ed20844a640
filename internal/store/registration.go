package store

import (
	"context"
	"time"

	"github.com/cotahq/cota"
)

// SetRegistration turns the two switches of a product's dynamic registration.
func (tx *Tx) SetRegistration(ctx context.Context, p cota.Product) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE product SET dynamic_registration = $2, without_pre_registration = $3, updated_at = $4 WHERE key = $1`,
		p.Key, p.DynamicRegistration, p.WithoutPreRegistration, millis(p.UpdatedAt))
	return must(res, err, "no product %s", p.Key)
}

// DeviceToken is what a device that registered without being listed signs in
// with, under one of its client ids.
type DeviceToken struct {
	ClientID  string
	Hash      string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
}

const deviceTokenColumns = `client_id, hash, created_at, used_at`

func scanDeviceToken(row scanner) (t DeviceToken, err error) {
	var created, used int64
	err = row.Scan(&t.ClientID, &t.Hash, &created, &used)
	t.CreatedAt, t.UsedAt = timeOf(created), timeOf(used)
	return t, err
}

// PutDeviceToken gives a device the token of a client id, in the place of the
// one it had.
func (tx *Tx) PutDeviceToken(ctx context.Context, device int64, t DeviceToken) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO device_token (device, client_id, hash, created_at, used_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (device, client_id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, used_at = excluded.used_at`,
		device, t.ClientID, t.Hash, millis(t.CreatedAt), millis(t.UsedAt))
	return err
}

// UseDeviceToken notes that a device has signed in with this token. It refuses
// with NotFound one that the device does not have.
func (tx *Tx) UseDeviceToken(ctx context.Context, device int64, t DeviceToken, now time.Time) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE device_token SET used_at = $4 WHERE device = $1 AND client_id = $2 AND hash = $3`,
		device, t.ClientID, t.Hash, millis(now))
	return must(res, err, "no such token")
}

// DeviceToken is the token that a device has for a client id.
func (q queries) DeviceToken(ctx context.Context, device int64, clientID string) (DeviceToken, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+deviceTokenColumns+` FROM device_token WHERE device = $1 AND client_id = $2`, device, clientID)
	return one(row, scanDeviceToken, "no such token")
}

// DeviceTokens are the tokens of a device, by client id: a few.
func (q queries) DeviceTokens(ctx context.Context, device int64) ([]DeviceToken, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT `+deviceTokenColumns+` FROM device_token WHERE device = $1 ORDER BY client_id`, device)
	return collect(rows, err, scanDeviceToken)
}

// DeviceNames are the product and the name of a device.
func (q queries) DeviceNames(ctx context.Context, id int64) (product, name string, err error) {
	row := q.db.QueryRowContext(ctx, `SELECT product, name FROM device WHERE id = $1`, id)
	name, err = one(row, func(row scanner) (name string, err error) {
		err = row.Scan(&product, &name)
		return name, err
	}, "no such device")
	return product, name, err
}
