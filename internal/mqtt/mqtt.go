// Package mqtt reads and writes MQTT 3.1, 3.1.1 and 5.0 packets on byte slices; it does no I/O.
//
// Reading takes two steps. [Frame] finds the end of the first packet in the
// bytes received so far; the Decode function of its type then takes exactly
// that packet apart. Every slice in a decoded packet aliases the input, with
// its capacity cut to its length: it is valid for as long as the input is left
// alone. Decoding allocates nothing, neither for a good packet nor for a bad
// one.
//
// Writing is one step: Append adds the shortest form of a packet to a slice,
// and allocates only when the slice must grow. It trusts its caller: what would
// not be decoded again (a topic with a wildcard, packet id 0) is written as it
// is, and a field too long for its length prefix is a panic.
//
// Decoding refuses whatever the specification forbids, in either direction; it
// does not know which end it serves. What depends on the direction or on the
// connection (a client that sends CONNACK, a topic alias above the maximum, a
// QoS that the server does not offer) is the caller's to refuse.
//
// Citations in brackets, such as [MQTT-3.1.2-22], are the statements of MQTT
// 3.1.1 unless 5.0 is named; "section" alone means the same in both.
package mqtt

import "strconv"

// Version is a protocol version, as the protocol level byte of CONNECT gives it.
// Functions that take a Version expect one of the three constants.
type Version byte

const (
	V31  Version = 3 // "MQIsdp"
	V311 Version = 4 // "MQTT"
	V5   Version = 5 // "MQTT"
)

// String returns the version as people write it: "3.1", "3.1.1" or "5.0".
func (v Version) String() string {
	switch v {
	case V31:
		return "3.1"
	case V311:
		return "3.1.1"
	case V5:
		return "5.0"
	}
	return "level " + strconv.Itoa(int(v))
}

// Type is the type of a control packet (section 2.1.2). The zero Type is
// reserved and never on the wire.
type Type byte

const (
	TypeConnect     Type = 1
	TypeConnack     Type = 2
	TypePublish     Type = 3
	TypePuback      Type = 4
	TypePubrec      Type = 5
	TypePubrel      Type = 6
	TypePubcomp     Type = 7
	TypeSubscribe   Type = 8
	TypeSuback      Type = 9
	TypeUnsubscribe Type = 10
	TypeUnsuback    Type = 11
	TypePingreq     Type = 12
	TypePingresp    Type = 13
	TypeDisconnect  Type = 14
	TypeAuth        Type = 15 // 5.0 only
)

// TypeOf returns the type of the packet that begins at packet[0].
func TypeOf(packet []byte) Type { return Type(packet[0] >> 4) }

var typeNames = [16]string{
	"reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
	"SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
}

// String returns the name that the specification uses, such as "PUBLISH".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}
