package gateway

import (
	"errors"
	"time"

	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// connectTimeout is for everything from the first byte on to CONNECT.
const connectTimeout = 10 * time.Second

// unopened says why a connection ended before a packet came; nil if it was not
// for what the port found.
func unopened(err error) *closed {
	if e, ok := errors.AsType[*port.Error](err); ok {
		return &closed{mqtt.ProtocolError, e.Error(), true}
	}
	if errors.Is(err, port.ErrBusy) {
		return &closed{mqtt.ServerBusy, err.Error(), false}
	}
	return nil
}
