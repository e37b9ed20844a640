//go:build unix

package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// locks says whether lockData keeps others out.
const locks = true

// lockData makes the data directory this server's own until unlock.
func lockData(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("the data directory %s is in use by another cota serve", dir)
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return f.Close, nil
}
