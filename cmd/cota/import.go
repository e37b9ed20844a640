package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// importPage is how many devices of a CSV file are added by one request.
const importPage = 1000

// deviceFile is a CSV file of devices as the vendor's console exports it, with a
// header and at least the columns DeviceName and DeviceSecret.
type deviceFile struct {
	csv               *csv.Reader
	name, secret, key int // columns; key is -1 if there is none
	product           string
}

// importRow is a device and the line that it stands in.
type importRow struct {
	cota.Credentials
	line int
}

// openDevices reads the header of a CSV file of a product's devices.
func openDevices(in io.Reader, product string) (*deviceFile, error) {
	text := bufio.NewReader(in)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" { // spreadsheets begin so
		text.Discard(len(mark))
	}
	r := csv.NewReader(text)
	r.TrimLeadingSpace = true
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, csvError(err)
	}
	column := func(name string) int {
		return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
	}
	d := &deviceFile{csv: r, name: column("DeviceName"), secret: column("DeviceSecret"), key: column("ProductKey"), product: product}
	if d.name < 0 || d.secret < 0 {
		return nil, cota.Errorf(cota.Invalid, "line 1: the columns DeviceName and DeviceSecret are wanted")
	}
	return d, nil
}

// page is the next devices, at most n; none at the end. A row that cannot be
// added is refused with its line.
func (d *deviceFile) page(n int) (rows []importRow, err error) {
	for len(rows) < n {
		record, err := d.csv.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, csvError(err)
		}
		line, _ := d.csv.FieldPos(0)
		row := importRow{cota.Credentials{Name: strings.TrimSpace(record[d.name]), Secret: strings.TrimSpace(record[d.secret])}, line}
		if err := d.check(record, row); err != nil {
			return nil, cota.Errorf(cota.Invalid, "line %d: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (d *deviceFile) check(record []string, row importRow) error {
	if d.key >= 0 && strings.TrimSpace(record[d.key]) != d.product {
		return fmt.Errorf("the device is of another product than %s", d.product)
	}
	if err := cota.CheckDeviceName(row.Name); err != nil {
		return err
	}
	return cota.CheckDeviceSecret(row.Secret)
}

// csvError is a fault of the file. The library's own text may hold a secret.
func csvError(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return cota.Errorf(cota.Invalid, "line %d: %v", e.Line, e.Err)
	}
	return err
}

// deviceImport adds the devices of a file to a product, page by page, up to
// the first row that is refused.
type deviceImport struct {
	client       *client.Client
	product      string
	skipExisting bool
	added        int
	skipped      int
}

func (i *deviceImport) run(ctx context.Context, rows *deviceFile) error {
	for {
		page, err := rows.page(importPage)
		if err == nil && len(page) == 0 {
			return nil
		}
		if err == nil {
			err = i.add(ctx, page)
		}
		if err != nil {
			return i.stopped(err)
		}
	}
}

// add adds rows. Of rows of which one is there already the server adds none,
// so they are added by halves until that one is found.
func (i *deviceImport) add(ctx context.Context, rows []importRow) error {
	devices := make([]cota.Credentials, len(rows))
	for n, row := range rows {
		devices[n] = row.Credentials
	}
	err := i.client.ImportDevices(ctx, i.product, devices...)
	switch code := cota.CodeOf(err); {
	case err == nil:
		i.added += len(rows)
		return nil
	case len(rows) > 1 && (code == cota.Exists || code == cota.Invalid):
		half := len(rows) / 2
		if err := i.add(ctx, rows[:half]); err != nil {
			return err
		}
		return i.add(ctx, rows[half:])
	case code == cota.Exists && i.skipExisting:
		i.skipped++
		return nil
	case code != cota.Internal:
		return cota.Errorf(code, "line %d: %v", rows[0].line, err)
	}
	return err
}

// stopped says how far the import came.
func (i *deviceImport) stopped(err error) error {
	if i.added == 0 {
		return err
	}
	if e, ok := errors.AsType[*cota.Error](err); ok {
		return cota.Errorf(e.Code, "%s (%d devices were added before it)", e.Msg, i.added)
	}
	return fmt.Errorf("%w (%d devices were added before it)", err, i.added)
}

// open opens a file, or standard input for "-".
func open(stdin io.Reader, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// readSecret reads a secret from a file or standard input: the command line is
// for everybody on the machine to see.
func readSecret(stdin io.Reader, name string) (string, error) {
	in, err := open(stdin, name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, 4<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", cota.Errorf(cota.Invalid, "%s holds no secret", name)
	}
	return secret, nil
}
