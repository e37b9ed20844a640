//go:build !unix

package server

// lockData does nothing where there are no advisory locks: there it is on the
// operator to start one server a data directory.
func lockData(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
