package gateway

import (
	"slices"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// response is how a device wants a request answered (5.0 section 4.10). nil
// is as the vendor's documents say, on the topic that ends in _reply.
type response struct {
	topic       []byte // nil: that one
	correlation []byte // nil: none
}

// responseTo reads it from a request. A response topic that is not the
// device's own is passed over, so that what it asked for does not get lost:
// the answer goes where the vendor's documents say.
func responseTo(d *device, p *mqtt.Publish) *response {
	if len(p.Properties) == 0 {
		return nil
	}
	r := response{topic: p.Properties.Bytes(mqtt.ResponseTopic), correlation: p.Properties.Bytes(mqtt.CorrelationData)}
	if r.topic != nil && !alink.ParseTopic(r.topic).Of(d.key(), d.name()) {
		foreignTopics.Inc()
		r.topic = nil
	}
	if r.topic == nil && r.correlation == nil {
		return nil
	}
	// The answer may go out long after the packet that they are part of.
	return &response{slices.Clone(r.topic), slices.Clone(r.correlation)}
}

// kind is what the topic of an answer is for; usual, unless the device wants
// another.
func (r *response) kind(usual alink.Kind) alink.Kind {
	if r == nil || r.topic == nil {
		return usual
	}
	return alink.ParseTopic(r.topic).Kind
}
