//go:build unix

package store_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpu is what this process has spent; ok is whether that can be told here.
func cpu() (spent time.Duration, ok bool) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
