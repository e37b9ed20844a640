package gateway

import (
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// device is what a session knows of one device on its connection: who it is,
// what it was offered and how much it says. Its pointers come first, as do those
// of session and conn (see epoll.Conn).
type device struct {
	// These stand once the fleet knows the device, and anybody may read them.
	product  *product
	standing *cota.Standing // where it stood when it signed in; nil once it is greeted

	pushes trail // guarded as the session is

	// These stand as well.
	id     int64
	since  int64 // Unix milliseconds when it connected; set by fleet.join, guarded by fleet.mu
	text   [cota.DeviceNameMax]byte
	size   uint8 // of its name, which is the beginning of text: in place, it is no object of its own
	inline bool  // it takes small files in the push itself

	// The rest is guarded as the session is.
	signedIn bool // it has been told so; it is offered nothing before
	waiting  bool // an offer waits until the connection has room

	subscriptions subscriptions // to its config topics

	gone    alink.Code // of a sub-device that was logged out before it was told that it is in
	newest  int64      // newest version it was ever offered
	offered offered
	settled int64 // the push of which nothing more is owed on this connection
	words   bucket
	gets    bucket
}

// offered is the offer that the device was made last, if need be on an earlier
// connection, and by which its words are understood that name nothing.
type offered struct {
	push    int64
	version int64 // 0: none was ever made
	expires int64 // Unix nanoseconds, of the link; 0 on an earlier connection
	times   uint8 // on this connection
	inline  bool  // it held the file
}

// connectedAt is when the device connected here.
func (d *device) connectedAt() time.Time { return time.UnixMilli(d.since) }

// name is the device's name.
func (d *device) name() string { return string(d.text[:d.size]) }

// key is the ProductKey; none of a device that only registers.
func (d *device) key() string {
	if d.product == nil {
		return ""
	}
	return d.product.key
}

// who is how the control plane knows the device.
func (d *device) who() control.Device {
	return control.Device{ID: d.id, Product: d.key(), Name: d.name()}
}

// newDevice is a device that is let in. p is its product.
func newDevice(as control.Entrant, p *product) device {
	d := device{product: p, id: as.ID}
	d.size = uint8(copy(d.text[:], as.Name))
	d.stand(as.Standing)
	return d
}

// stand takes up where the device stands on record. The session that it signs in
// on is the only one to look at that before it is greeted.
func (d *device) stand(at cota.Standing) {
	d.standing, d.newest, d.pushes = &at, at.Offered, trail{}
	d.offered = offered{push: at.Push, version: at.Offered}
	d.pushes.add(at.Push)
}
