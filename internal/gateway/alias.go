package gateway

import (
	"bytes"
	"slices"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// maxAlias is the highest topic alias, and so their number, in either
// direction (vendor: Optimized device-cloud interactions).
const maxAlias = 20

// aliases are the topic aliases of one connection (5.0 section 3.3.2.3.4):
// what 1, 2 and so on stand for. The two directions have nothing to do with
// each other.
type aliases struct {
	in  [][]byte // the device's; nil for one that it has not set
	out []string // the server's, in the order in which they were first used
}

// topic is the topic of a message, which may name it by an alias.
func (s *session) topic(p *mqtt.Publish) ([]byte, error) {
	alias, ok := p.Properties.Uint(mqtt.TopicAlias)
	switch {
	case !ok:
		return p.Topic, nil
	case alias > maxAlias:
		return nil, bad(mqtt.TopicAliasInvalid, "topic alias above the maximum")
	case len(p.Topic) > 0:
		s.setAlias(int(alias), p.Topic)
		return p.Topic, nil
	case s.aliases == nil || int(alias) > len(s.aliases.in) || s.aliases.in[alias-1] == nil:
		return nil, bad(mqtt.ProtocolError, "topic alias that stands for nothing")
	}
	return s.aliases.in[alias-1], nil
}

// setAlias notes what an alias of the device stands for from now on.
func (s *session) setAlias(alias int, topic []byte) {
	if s.aliases == nil {
		s.aliases = new(aliases)
	}
	a := s.aliases
	if alias > len(a.in) {
		a.in = append(a.in, make([][]byte, alias-len(a.in))...)
	}
	// Of a topic that is too long to be any device's, no more is kept than
	// shows that.
	a.in[alias-1] = bytes.Clone(topic[:min(len(topic), alink.MaxTopic+1)])
}

// writeByAlias writes a message with its topic as an alias, for a device that
// takes them: the first one with both, later ones with the alias alone. It
// reports false, and writes nothing, if there is no alias for it or the packet
// would be too large for the device.
func (s *session) writeByAlias(m mqtt.Publish) bool {
	if s.aliasMax == 0 {
		return false
	}
	if s.aliases == nil {
		s.aliases = new(aliases)
	}
	a, topic := s.aliases, string(m.Topic)
	if i := slices.Index(a.out, topic); i >= 0 {
		m.Topic = nil
		m.Properties = m.Properties.AppendUint(mqtt.TopicAlias, uint32(i+1))
		return s.write(&m)
	}
	if len(a.out) >= int(s.aliasMax) {
		return false
	}
	m.Properties = m.Properties.AppendUint(mqtt.TopicAlias, uint32(len(a.out)+1))
	if !s.write(&m) {
		return false
	}
	a.out = append(a.out, topic)
	return true
}
