//go:build !unix

package server

// locks says whether lockData keeps others out.
const locks = false

// lockData does nothing where there are no advisory locks: there it is on the
// operator to start one server a data directory.
func lockData(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
