package store

import (
	"context"

	"github.com/cotahq/cota"
)

// AddInstance adds an instance. A taken id is reported by Taken.
func (tx *Tx) AddInstance(ctx context.Context, i cota.Instance) error {
	_, err := tx.db.ExecContext(ctx, `
		INSERT INTO instance (id, name, environment, created_at) VALUES ($1, $2, $3, $4)`,
		i.ID, i.Name, i.Environment, millis(i.CreatedAt))
	return err
}

// SetInstance changes the name and environment of an instance.
func (tx *Tx) SetInstance(ctx context.Context, i cota.Instance) error {
	res, err := tx.db.ExecContext(ctx, `
		UPDATE instance SET name = $2, environment = $3 WHERE id = $1`, i.ID, i.Name, i.Environment)
	return must(res, err, "no instance %s", i.ID)
}

// RemoveInstance removes an instance that holds no product.
func (tx *Tx) RemoveInstance(ctx context.Context, id string) error {
	res, err := tx.db.ExecContext(ctx, `
		DELETE FROM instance WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM product WHERE instance = $1)`, id)
	return must(res, err, "no empty instance %s", id)
}

const instanceColumns = `id, name, environment, created_at`

func scanInstance(row scanner) (i cota.Instance, err error) {
	var created int64
	err = row.Scan(&i.ID, &i.Name, &i.Environment, &created)
	i.CreatedAt = timeOf(created)
	return i, err
}

// Instance is the instance with this id.
func (q queries) Instance(ctx context.Context, id string) (cota.Instance, error) {
	row := q.db.QueryRowContext(ctx, `SELECT `+instanceColumns+` FROM instance WHERE id = $1`, id)
	return one(row, scanInstance, "no instance %s", id)
}

// Instances lists up to limit instances after the given id, by id.
func (q queries) Instances(ctx context.Context, after string, limit int) ([]cota.Instance, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT `+instanceColumns+` FROM instance WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return collect(rows, err, scanInstance)
}

// Holding is what a product adds to what its instance holds.
type Holding struct {
	Instance string
	Product  string
	Devices  int64 // registered
	Running  bool  // a push is on its way
}

// Holdings lists the products of the instances from first to last, both
// included.
func (q queries) Holdings(ctx context.Context, first, last string) ([]Holding, error) {
	rows, err := q.db.QueryContext(ctx, `
		SELECT instance, key, devices,
			EXISTS (SELECT 1 FROM push WHERE push.product = product.key AND push.state = 'running')
		FROM product WHERE instance >= $1 AND instance <= $2`, first, last)
	return collect(rows, err, func(row scanner) (h Holding, err error) {
		err = row.Scan(&h.Instance, &h.Product, &h.Devices, &h.Running)
		return h, err
	})
}
