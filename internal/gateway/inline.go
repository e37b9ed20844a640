package gateway

import (
	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
)

// What can be sent in a message is known of every offer.
const _ = uint(control.KeptContent - alink.MaxInline)

// inlinePush is the message of a push that holds the file, the same for all
// devices that take it so; nil if it is too large.
func inlinePush(c alink.Config, o control.Offer) []byte {
	if !alink.FitsInline(o.Version.Content) {
		return nil
	}
	c.URL, c.Content = "", o.Version.Content
	return alink.AppendPush(nil, c)
}

// inlines reports whether a device is to be sent the file itself. It reads only
// what stands once the fleet knows the device.
func (s *session) inlines(d *device, t *template) bool {
	return d.inline && t.inline != nil && len(t.inline)+maxHead <= int(s.packetMax)
}

// maxHead bounds what stands before the payload of a push: topic and lengths.
const maxHead = alink.MaxTopic + 64

// sentInline notes that what a device was just offered holds the file: when it
// says that it has the message, it has the file.
func (s *session) sentInline(d *device) {
	d.offered.inline = true
	all := s.inflight()
	if n := len(all) - 1; n >= 0 && all[n].device == d && all[n].push == d.offered.push {
		all[n].inline = true
	}
}

// received is the rung of a device that has what it was offered.
func received(inline bool) cota.Rung {
	if inline {
		return cota.Fetched
	}
	return cota.Received
}
