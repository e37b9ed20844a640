//go:build !unix

package store_test

import "time"

// cpu is what this process has spent; ok is whether that can be told here.
func cpu() (spent time.Duration, ok bool) { return 0, false }
