package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/backup"
	"github.com/cotahq/cota/internal/store"
)

// BackupOptions say what a backup is to be.
type BackupOptions struct {
	// File is where it is written.
	File string
	// Overwrite takes the place of a file that is there already.
	Overwrite bool
	// WithKey has the master key in it, so that whoever reads the file has every
	// secret.
	WithKey bool
}

// BackedUp is what is in a backup. It holds no master key, whatever the file
// does.
type BackedUp struct {
	File    string `json:"file"`
	WithKey bool   `json:"withKey"`
	backup.Header
}

var errPostgres = cota.Errorf(cota.Invalid, "the data is in PostgreSQL: back it up with pg_dump, bring it back with pg_restore, and keep the master key apart (doc/operate.md)")

// Backup writes the data as it is at one moment to a file, whether a server
// runs on it or not. The file is there whole or not at all, and on disk when
// this returns.
func Backup(ctx context.Context, o Options, b BackupOptions) (done BackedUp, err error) {
	if o.DB != "" {
		return done, errPostgres
	}
	if err := mayWrite(b); err != nil {
		return done, err
	}
	v, keys, err := viewForBackup(ctx, o, b.WithKey)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	h := backup.Header{Cota: o.Version, MadeAt: time.Now().UTC().Truncate(time.Second), KeyName: v.KeyName()}
	if b.WithKey {
		for _, key := range keys {
			h.MasterKeys = append(h.MasterKeys, hex.EncodeToString(key))
		}
	}
	if h.Schema, err = checkSchema(ctx, v); err != nil {
		return done, err
	}
	if keys != nil {
		if _, err := v.SigningKeys(ctx); err != nil {
			return done, err // it is not the master key of this data
		}
	}
	if err := writeBackup(ctx, v, &h, b.File); err != nil {
		return done, err
	}
	h.MasterKeys = nil
	return BackedUp{File: b.File, WithKey: b.WithKey, Header: h}, nil
}

func mayWrite(b BackupOptions) error {
	switch info, err := os.Lstat(b.File); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return cota.Errorf(cota.Exists, "%s is there already and no file", b.File)
	case !b.Overwrite:
		return cota.Errorf(cota.Exists, "%s is there already; name another file, or replace it with --overwrite", b.File)
	}
	return nil
}

// viewForBackup opens the data, with the master keys if they are there.
func viewForBackup(ctx context.Context, o Options, needKey bool) (*store.View, [][]byte, error) {
	path := o.dsn()
	if _, err := os.Stat(path); err != nil {
		return nil, nil, missing(err, "there is no database %s; name the server's directory with --data", path)
	}
	keys, err := keysThere(o)
	if err == nil && needKey && keys == nil {
		err = cota.Errorf(cota.NotFound, "there is no master key in %s to have in the backup; name it with --master-key-file or COTA_MASTER_KEY", o.DataDir)
	}
	if err != nil {
		return nil, nil, err
	}
	v, err := openView(ctx, path, keys)
	return v, keys, err
}

// openView opens a database to be read, with or without keys.
func openView(ctx context.Context, dsn string, keys [][]byte) (*store.View, error) {
	so := store.Options{DSN: dsn}
	if len(keys) > 0 {
		so.Key, so.OldKeys = keys[0], keys[1:]
	}
	return store.OpenView(ctx, so)
}

// checkSchema refuses a database that this binary does not know.
func checkSchema(ctx context.Context, v *store.View) (schema int64, err error) {
	schema, err = v.Schema(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	return schema, knows(schema, "the database")
}

func knows(schema int64, what string) error {
	if known := store.KnownSchema(); schema > known {
		return fmt.Errorf("%s has schema %d but this cota knows only %d; run the newer cota", what, schema, known)
	}
	return nil
}

// writeBackup takes a copy of the database beside the file, looks at it, and
// puts it into the file.
func writeBackup(ctx context.Context, v *store.View, h *backup.Header, file string) (err error) {
	dir := filepath.Dir(file)
	copied, err := os.CreateTemp(dir, ".cota-backup-*")
	if err != nil {
		return err
	}
	defer removeTemp(copied, &err)
	if err := v.Snapshot(ctx, copied.Name()); err != nil {
		return err
	}
	if err := checkCopy(ctx, copied.Name()); err != nil {
		return err
	}
	info, err := copied.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	out, err := os.CreateTemp(dir, ".cota-backup-*") // only its owner may read it
	if err != nil {
		return err
	}
	defer removeTemp(out, &err)
	if err := backup.Write(out, *h, readerOf(ctx, copied)); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if err := out.Sync(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if err := os.Rename(out.Name(), file); err != nil {
		return err
	}
	return syncDir(dir)
}

// checkCopy refuses a copy that is not sound: it is better to learn of it now
// than when the backup is needed.
func checkCopy(ctx context.Context, path string) (err error) {
	v, err := openView(ctx, path, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	found, err := v.Damage(ctx)
	if err == nil && found.Count > 0 {
		err = fmt.Errorf("the database is damaged (%s); see: cota doctor", found.First[0])
	}
	return err
}

// removeTemp closes a temporary file and removes it, unless it has got its
// name by now.
func removeTemp(f *os.File, err *error) {
	f.Close() // what matters was flushed before
	if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		*err = errors.Join(*err, gone)
	}
}

// readerOf is a reader that ends with ctx.
func readerOf(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
