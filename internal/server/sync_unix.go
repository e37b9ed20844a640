//go:build unix

package server

import "os"

// syncDir puts on disk what a directory is called by: without it, a loss of
// power could bring back the file that was there before.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
