package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/backup"
	"github.com/cotahq/cota/internal/store"
)

// restoringFile is a database that is not restored yet, in its directory.
const restoringFile = databaseFile + ".restoring"

// Restored is what came of a restore. It holds no master key.
type Restored struct {
	// HasKey says that the master key is where a server with the same options
	// looks for it, and opens what was restored.
	HasKey bool `json:"hasKey"`
	backup.Header
}

// Restore makes a data directory of a backup. The directory must be empty, but
// for a master key that the operator has put there. The database is there whole
// or not at all; a restore that was killed can be run again.
//
// All sessions are ended: some may have been ended since the backup.
func Restore(ctx context.Context, o Options, file string) (r Restored, err error) {
	if o.DB != "" {
		return r, errPostgres
	}
	in, err := os.Open(file)
	if err != nil {
		return r, err
	}
	defer in.Close()
	from, err := backup.Open(readerOf(ctx, in))
	if err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	if err := knows(from.Header.Schema, "the backup"); err != nil {
		return r, err
	}
	if err := mayRestore(o.DataDir); err != nil {
		return r, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return r, fmt.Errorf("make the data directory: %w", err)
	}
	unlock, err := lockData(o.DataDir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := mayRestore(o.DataDir); err != nil { // nobody else comes from here on
		return r, err
	}
	return restore(ctx, o, from, file)
}

// mayRestore refuses a directory in which there is anything but what a new file
// system, a server that did not start, a restore that was killed or a careful
// operator leave there.
func mayRestore(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case lockFile, keyFile, restoringFile, "lost+found":
		default:
			return cota.Errorf(cota.Exists, "the directory %s is not empty: there is %s in it; restore into an empty one", dir, e.Name())
		}
	}
	return nil
}

func restore(ctx context.Context, o Options, from *backup.Reader, file string) (r Restored, err error) {
	path := filepath.Join(o.DataDir, restoringFile)
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return r, err
	}
	defer removeTemp(out, &err)
	if err := from.CopyTo(out); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	if err := out.Sync(); err != nil {
		return r, fmt.Errorf("write the database: %w", err)
	}
	r.Header = from.Header // the checksum has been seen
	keys, inBackup, err := keysToRestore(o, r.Header)
	if err != nil {
		return r, err
	}
	r.HasKey, r.MasterKeys = keys != nil, nil
	if err := checkRestored(ctx, path, keys, r.Header); err != nil {
		return r, err
	}
	if err := store.EndSessions(ctx, path); err != nil {
		return r, err
	}
	if inBackup {
		if err := writeKeys(filepath.Join(o.DataDir, keyFile), keys); err != nil {
			return r, err
		}
	}
	if err := os.Rename(path, filepath.Join(o.DataDir, databaseFile)); err != nil {
		return r, err
	}
	return r, syncDir(o.DataDir)
}

// keysToRestore are the master keys that the operator has, or else those in the
// backup.
func keysToRestore(o Options, h backup.Header) (keys [][]byte, inBackup bool, err error) {
	keys, err = keysThere(o)
	if err != nil || keys != nil || len(h.MasterKeys) == 0 {
		return keys, false, err
	}
	keys, err = parseKeys(strings.Join(h.MasterKeys, ","), "the master key in the backup")
	return keys, true, err
}

// checkRestored refuses what a server would not start with.
func checkRestored(ctx context.Context, path string, keys [][]byte, h backup.Header) (err error) {
	v, err := openView(ctx, path, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if _, err := checkSchema(ctx, v); err != nil || keys == nil {
		return err
	}
	if _, err := v.SigningKeys(ctx); err != nil {
		return fmt.Errorf("the backup needs another master key than this one, which is named %s (its own: %s): %w",
			v.KeyName(), cmp.Or(h.KeyName, "not said"), err)
	}
	return nil
}
