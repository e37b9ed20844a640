package mqtt

// Connect is the packet that opens a connection (section 3.1).
type Connect struct {
	Version    Version
	CleanStart bool       // the clean session flag of 3.1 and 3.1.1
	KeepAlive  uint16     // in seconds; 0 is off
	Properties Properties // 5.0
	ClientID   []byte     // may be empty in 5.0, and in 3.1.1 with CleanStart
	Will       Will       // the zero Will is none
	Username   []byte     // nil without one; empty is not nil
	Password   []byte     // nil without one; empty is not nil
}

// Will is the message to publish when the connection ends badly (section
// 3.1.2.5). Its topic has at least one byte; an empty one means no will.
type Will struct {
	QoS        byte
	Retain     bool
	Properties Properties // 5.0
	Topic      []byte
	Payload    []byte
}

// The connect flags (section 3.1.2.3).
const (
	connectReserved   = 0x01
	connectCleanStart = 0x02
	connectWill       = 0x04
	connectWillQoS    = 0x18
	connectWillRetain = 0x20
	connectPassword   = 0x40
	connectUsername   = 0x80

	willQoSShift = 3
)

// DecodeConnect decodes a CONNECT, which must be all of b.
//
// On an error, c.Version is the version of the CONNACK to send, or 0 if the
// client does not speak MQTT or failed to say which: then close without one. A
// known protocol name with an unsupported level fails with UnsupportedVersion;
// c.Version is then V5 for a level above 5, and V311 otherwise.
//
// What 3.1 leaves open stays open: a client identifier may be longer than 23
// characters, will QoS and retain are ignored without a will, and user name
// and password may be missing in spite of their flags.
func DecodeConnect(b []byte) (c Connect, err error) {
	r := open(b, TypeConnect, 0)
	v := r.protocol()
	if r.err != nil {
		return Connect{Version: v}, r.err
	}
	if v == V5 && longForm(b) {
		return Connect{Version: v}, errLongForm
	}
	c.Version = v
	flags := r.connectFlags(v)
	c.CleanStart = flags&connectCleanStart != 0
	c.KeepAlive = r.uint16()
	if v == V5 {
		c.Properties = r.properties(TypeConnect)
	}
	c.ClientID = r.text()
	if r.err == nil && len(c.ClientID) == 0 && (v == V31 || v == V311 && !c.CleanStart) {
		r.fail(errClientID) // [MQTT-3.1.3-8]
	}
	if flags&connectWill != 0 {
		c.Will = r.will(flags, v)
	}
	// 3.1 section 3.1: the remaining length takes precedence over the flags.
	missing := func() bool { return v == V31 && len(r.b) == 0 }
	if flags&connectUsername != 0 && !missing() {
		c.Username = r.text()
	}
	if flags&connectPassword != 0 && !missing() {
		c.Password = r.binary()
	}
	if err := r.close(); err != nil {
		return Connect{Version: v}, err
	}
	return c, nil
}

// protocol reads the protocol name and level (sections 3.1.2.1 and 3.1.2.2).
// If it fails, it returns the version to answer in.
func (r *reader) protocol() Version {
	name, level := r.binary(), Version(r.byte())
	if r.err != nil {
		return 0
	}
	switch string(name) {
	case "MQIsdp":
		if level == V31 {
			return V31
		}
	case "MQTT":
		if level == V311 || level == V5 {
			return level
		}
	default:
		r.fail(errProtocolName)
		return 0
	}
	r.fail(errProtocolLevel)
	if level > V5 {
		return V5
	}
	return V311
}

// connectFlags reads the connect flags and checks them against each other.
func (r *reader) connectFlags(v Version) byte {
	flags := r.byte()
	switch {
	case flags&connectReserved != 0: // [MQTT-3.1.2-3]
		r.fail(errConnectFlags)
	case flags&connectWill == 0 && flags&(connectWillQoS|connectWillRetain) != 0 && v != V31: // [MQTT-3.1.2-11]
		r.fail(errWillFlags)
	case flags&connectWill != 0 && flags&connectWillQoS == connectWillQoS: // [MQTT-3.1.2-14]
		r.fail(errWillQoS)
	case flags&connectUsername == 0 && flags&connectPassword != 0 && v != V5: // [MQTT-3.1.2-22]
		r.fail(errPassword)
	}
	return flags
}

func (r *reader) will(flags byte, v Version) (w Will) {
	w.QoS = flags & connectWillQoS >> willQoSShift
	w.Retain = flags&connectWillRetain != 0
	if v == V5 {
		w.Properties = r.properties(typeWill)
	}
	w.Topic = r.topic()
	w.Payload = r.binary()
	return w
}

// Append appends the packet, in the form of c.Version.
func (c Connect) Append(dst []byte) []byte {
	name, flags := "MQTT", byte(0)
	if c.Version == V31 {
		name = "MQIsdp"
	}
	remaining := 2 + len(name) + 1 + 1 + 2 + 2 + len(c.ClientID)
	if c.Version == V5 {
		remaining += c.Properties.size()
	}
	if c.CleanStart {
		flags |= connectCleanStart
	}
	if len(c.Will.Topic) > 0 {
		flags |= c.Will.flags()
		remaining += c.Will.size(c.Version)
	}
	if c.Username != nil {
		flags |= connectUsername
		remaining += 2 + len(c.Username)
	}
	if c.Password != nil {
		flags |= connectPassword
		remaining += 2 + len(c.Password)
	}

	dst = appendHeader(dst, byte(TypeConnect)<<4, remaining)
	dst = append(appendUint16(dst, uint16(len(name))), name...)
	dst = append(dst, byte(c.Version), flags)
	dst = appendUint16(dst, c.KeepAlive)
	if c.Version == V5 {
		dst = c.Properties.append(dst)
	}
	dst = appendBinary(dst, c.ClientID)
	if flags&connectWill != 0 {
		dst = c.Will.append(dst, c.Version)
	}
	if c.Username != nil {
		dst = appendBinary(dst, c.Username)
	}
	if c.Password != nil {
		dst = appendBinary(dst, c.Password)
	}
	return dst
}

func (w Will) flags() byte {
	flags := connectWill | w.QoS<<willQoSShift&connectWillQoS
	if w.Retain {
		flags |= connectWillRetain
	}
	return flags
}

func (w Will) size(v Version) int {
	n := 2 + len(w.Topic) + 2 + len(w.Payload)
	if v == V5 {
		n += w.Properties.size()
	}
	return n
}

func (w Will) append(dst []byte, v Version) []byte {
	if v == V5 {
		dst = w.Properties.append(dst)
	}
	return appendBinary(appendBinary(dst, w.Topic), w.Payload)
}
