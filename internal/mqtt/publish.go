package mqtt

// Publish carries a message (section 3.3).
type Publish struct {
	Dup        bool // sent before; only with QoS 1 and 2
	QoS        byte // 0, 1 or 2
	Retain     bool
	PacketID   uint16     // not 0 with QoS 1 and 2; not on the wire with QoS 0
	Topic      []byte     // may be empty in 5.0, with a TopicAlias
	Properties Properties // 5.0
	Payload    []byte
}

// DecodePublish decodes a PUBLISH, which must be all of b. A QoS 2 message
// decodes like any other. In 5.0 the payload is not checked against the
// PayloadFormat, which a receiver need not do (5.0 section 3.3.2.3.2).
func DecodePublish(b []byte, v Version) (p Publish, err error) {
	r := open(b, TypePublish, v)
	if r.err != nil {
		return Publish{}, r.err
	}
	p.Dup = b[0]&flagDup != 0
	p.QoS = b[0] & flagQoS >> 1
	p.Retain = b[0]&flagRetain != 0
	p.Topic = r.text()
	if p.QoS > 0 {
		p.PacketID = r.packetID()
	}
	if v == V5 {
		p.Properties = r.properties(TypePublish)
	}
	p.Payload = r.rest()
	if r.err == nil {
		r.err = checkTopic(p.Topic, p.Properties, v)
	}
	if r.err != nil {
		return Publish{}, r.err
	}
	return p, nil
}

// checkTopic checks that there is a topic name, or in 5.0 an alias for one.
func checkTopic(topic []byte, p Properties, v Version) error {
	switch {
	case hasWildcard(topic): // [MQTT-3.3.2-2]
		return errTopic
	case len(topic) > 0:
		return nil
	case v != V5: // [MQTT-4.7.3-1]
		return errTopic
	}
	if _, ok := p.Uint(TopicAlias); !ok { // 5.0 section 3.3.2.1
		return errTopicOrAlias
	}
	return nil
}

// Append appends the packet.
func (p Publish) Append(dst []byte, v Version) []byte {
	return append(p.AppendHeader(dst, v, len(p.Payload)), p.Payload...)
}

// AppendHeader appends all of the packet but its payload, of which the caller
// appends n bytes next. p.Payload does not matter. So a message to many
// devices, of which each gets a topic, packet id and link of its own, is put
// together in the buffer that it is sent from:
//
//	dst = p.AppendHeader(dst, v, len(before)+len(link)+len(after))
//	dst = append(append(append(dst, before...), link...), after...)
func (p Publish) AppendHeader(dst []byte, v Version, n int) []byte {
	first := byte(TypePublish)<<4 | p.QoS<<1&flagQoS
	if p.Dup {
		first |= flagDup
	}
	if p.Retain {
		first |= flagRetain
	}
	remaining := 2 + len(p.Topic) + n
	if p.QoS > 0 {
		remaining += 2
	}
	if v == V5 {
		remaining += p.Properties.size()
	}
	dst = appendHeader(dst, first, remaining)
	dst = appendBinary(dst, p.Topic)
	if p.QoS > 0 {
		dst = appendUint16(dst, p.PacketID)
	}
	if v == V5 {
		dst = p.Properties.append(dst)
	}
	return dst
}
