//go:build !race

package simtest

// raced says that the race detector is on.
const raced = false
