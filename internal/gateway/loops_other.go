//go:build !linux

package gateway

import "github.com/cotahq/cota/internal/port"

// loops serve connections on Linux only. Elsewhere each has a goroutine.
type loops struct{}

func (*loops) stop() error { return nil }

func (*Gateway) serveByLoops(*port.Listener) (did bool, err error) { return false, nil }

func (*Gateway) opened() {}

func (*stream) handOver() bool { return false }
