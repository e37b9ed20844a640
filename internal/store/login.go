package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/cotahq/cota"
)

// Login is what a gateway needs to know of a device that signs in.
type Login struct {
	ID            int64
	Product, Name string
	Disabled      bool
	Standing      cota.Standing
	Node          int64 // where it was connected last; 0 once it has left, and on SQLite, which has one node at a time
}

// loginColumns are what a loginRow reads.
func (q queries) loginColumns() string {
	return `name, id, disabled, push, state, code, offered, ` + q.engine.node + `, secret_sealed`
}

// loginRow reads one row after the other. database/sql hands over an int64 as it
// is, and any other number by way of its text.
type loginRow struct {
	Login
	rung, code int64
	box        string
	columns    []any
}

func newLoginRow(product string) *loginRow {
	r := new(loginRow)
	r.Product = product
	at := &r.Standing
	r.columns = []any{&r.Name, &r.ID, &r.Disabled, &at.Push, &r.rung, &r.code, &at.Offered, &r.Node, &r.box}
	return r
}

func (r *loginRow) scan(from scanner) error {
	err := from.Scan(r.columns...)
	r.Standing.Rung, r.Standing.Code = cota.Rung(r.rung), int(r.code)
	return err
}

// DeviceLogin is a device and the secret that it signs in with.
func (q queries) DeviceLogin(ctx context.Context, product, name string) (l Login, secret string, err error) {
	row := newLoginRow(product)
	err = row.scan(q.db.QueryRowContext(ctx, `SELECT `+q.loginColumns()+` FROM device WHERE product = $1 AND name = $2`, product, name))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, "", NoDevice(product, name)
	case err != nil:
		return l, "", err
	}
	secret, err = q.seal.open(row.box, ownerDevice(product, name))
	return row.Login, secret, err
}

// NoDevice says that there is no such device.
func NoDevice(product, name string) error {
	return cota.Errorf(cota.NotFound, "no device %s in product %s", name, product)
}

// loginPages are how many devices DeviceLogins may look up at a time. What is
// missing to a page is filled up, so there are many, close together.
var loginPages = []int{1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64}

// DeviceLogins is DeviceLogin of several devices of a product together, which
// costs half of what it costs one by one: they share the lock on the file and
// the statement. found is called with each device that there is, in any order,
// and once for a name that is there twice.
func (q queries) DeviceLogins(ctx context.Context, product string, names []string, found func(l Login, secret string, err error)) error {
	for len(names) > 0 {
		n := min(len(names), loginPages[len(loginPages)-1])
		if err := q.loginPage(ctx, product, names[:n], found); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

func (q queries) loginPage(ctx context.Context, product string, names []string, found func(l Login, secret string, err error)) error {
	i, _ := slices.BinarySearch(loginPages, len(names))
	size := loginPages[i]
	args := make([]any, 1, 1+size)
	args[0] = product
	for i := range size {
		args = append(args, names[min(i, len(names)-1)])
	}
	// As with a single one, nobody watches whether ctx ends meanwhile.
	rows, err := q.db.QueryContext(context.WithoutCancel(ctx), `
		SELECT `+q.loginColumns()+` FROM device
		WHERE product = `+q.engine.placeholder(1)+` AND name IN (`+q.engine.placeholders(2, size)+`)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for row := newLoginRow(product); rows.Next(); {
		if err := row.scan(rows); err != nil {
			return err
		}
		secret, err := q.seal.open(row.box, ownerDevice(product, row.Name))
		found(row.Login, secret, err)
	}
	return rows.Err()
}
