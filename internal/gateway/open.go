package gateway

import (
	"errors"
	"time"

	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/port"
)

// connectTimeout is for everything from the first byte on to CONNECT.
const connectTimeout = 10 * time.Second

// open has a connection that came in at a port find out what is spoken on it,
// and who speaks.
func (c *conn) open() error {
	deadline := time.Now().Add(connectTimeout)
	if p, ok := c.nc.(*port.Conn); ok {
		peer, err := p.Open(deadline)
		c.addr, c.secure, c.certificates = peer.Addr, peer.Secure, peer.Certificates
		c.mu.Lock()
		c.session.certified = len(peer.Certificates) > 0
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return c.nc.SetReadDeadline(deadline)
}

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
