package mqtt

// Error says why a packet was refused. Every error that this package returns is
// an *Error, and one of those below: refusing allocates nothing, and what is
// logged never holds any of the input.
type Error struct {
	Code Code   // the reason to give in CONNACK or DISCONNECT, where one can be sent
	Msg  string // what was wrong, in lower case
}

func (e *Error) Error() string { return "mqtt: " + e.Msg }

// failure makes the entries of the tables below errors, not *Errors, so that no
// nil *Error can be taken for one.
func failure(c Code, msg string) error { return &Error{Code: c, Msg: msg} }

// What the fixed header can get wrong.
var (
	errPacketType  = failure(MalformedPacket, "reserved packet type")
	errOtherType   = failure(ProtocolError, "packet of another type than expected")
	errVersionType = failure(ProtocolError, "packet type unknown to this protocol version")
	errHeaderFlags = failure(MalformedPacket, "reserved flags in fixed header")
	errQoS         = failure(MalformedPacket, "QoS 3")
	errDup         = failure(MalformedPacket, "DUP with QoS 0")
	errLength      = failure(MalformedPacket, "variable length of more than 4 bytes")
	errLongForm    = failure(MalformedPacket, "variable length not in its shortest form")
	errTooLarge    = failure(PacketTooLarge, "packet larger than the limit")
	errShort       = failure(MalformedPacket, "packet ends early")
	errTrailing    = failure(MalformedPacket, "bytes after the end")
)

// What any packet can get wrong.
var (
	errText     = failure(MalformedPacket, "string is not valid UTF-8 or contains U+0000")
	errPacketID = failure(ProtocolError, "packet identifier 0")
	errTopic    = failure(MalformedPacket, "topic name empty or with a wildcard")
	errFilter   = failure(MalformedPacket, "topic filter empty or with a misplaced wildcard")
	errCode     = failure(ProtocolError, "reason code not defined for this packet")
)

// What properties can get wrong.
var (
	errProperty      = failure(MalformedPacket, "property unknown or not allowed in this packet")
	errPropertyTwice = failure(ProtocolError, "property given twice")
	errPropertyValue = failure(ProtocolError, "property value out of range")
	errTopicAlias    = failure(TopicAliasInvalid, "topic alias 0")
	errAuthData      = failure(ProtocolError, "authentication data without a method")
	errAuthMethod    = failure(ProtocolError, "AUTH without an authentication method")
	errTopicOrAlias  = failure(ProtocolError, "neither topic name nor topic alias")
)

// What single packets can get wrong.
var (
	errProtocolName   = failure(MalformedPacket, "unknown protocol name")
	errProtocolLevel  = failure(UnsupportedVersion, "unsupported protocol level")
	errConnectFlags   = failure(MalformedPacket, "reserved connect flag")
	errWillFlags      = failure(MalformedPacket, "will QoS or will retain without a will")
	errWillQoS        = failure(MalformedPacket, "will QoS 3")
	errPassword       = failure(MalformedPacket, "password without a user name")
	errClientID       = failure(ClientIDNotValid, "empty client identifier")
	errConnackFlags   = failure(MalformedPacket, "reserved connect acknowledge flags")
	errSessionPresent = failure(ProtocolError, "session present in a refusal")
	errSubscription   = failure(MalformedPacket, "reserved subscription options")
	errRetainHandling = failure(ProtocolError, "retain handling 3")
	errShare          = failure(MalformedPacket, "shared subscription without a share name or filter")
	errShareNoLocal   = failure(ProtocolError, "no local on a shared subscription")
	errNoFilters      = failure(ProtocolError, "no topic filter")
	errNoCodes        = failure(MalformedPacket, "no reason code")
)
