package mqtt

// Property identifies a property of an MQTT 5 packet (5.0 section 2.2.2.2).
type Property byte

const (
	PayloadFormat           Property = 0x01 // Uint: 0 bytes, 1 UTF-8
	MessageExpiry           Property = 0x02 // Uint: seconds
	ContentType             Property = 0x03 // Bytes
	ResponseTopic           Property = 0x08 // Bytes
	CorrelationData         Property = 0x09 // Bytes
	SubscriptionID          Property = 0x0B // Uint; see also Properties.SubscriptionIDs
	SessionExpiry           Property = 0x11 // Uint: seconds
	AssignedClientID        Property = 0x12 // Bytes
	ServerKeepAlive         Property = 0x13 // Uint: seconds
	AuthMethod              Property = 0x15 // Bytes
	AuthData                Property = 0x16 // Bytes
	RequestProblemInfo      Property = 0x17 // Uint: 0 or 1
	WillDelay               Property = 0x18 // Uint: seconds
	RequestResponseInfo     Property = 0x19 // Uint: 0 or 1
	ResponseInfo            Property = 0x1A // Bytes
	ServerReference         Property = 0x1C // Bytes
	ReasonString            Property = 0x1F // Bytes
	ReceiveMaximum          Property = 0x21 // Uint
	TopicAliasMaximum       Property = 0x22 // Uint
	TopicAlias              Property = 0x23 // Uint
	MaximumQoS              Property = 0x24 // Uint: 0 or 1
	RetainAvailable         Property = 0x25 // Uint: 0 or 1
	UserProperty            Property = 0x26 // see Properties.User
	MaximumPacketSize       Property = 0x27 // Uint: bytes
	WildcardAvailable       Property = 0x28 // Uint: 0 or 1
	SubscriptionIDAvailable Property = 0x29 // Uint: 0 or 1
	SharedAvailable         Property = 0x2A // Uint: 0 or 1
)

// kind is the data type of a property.
type kind byte

const (
	kindNone   kind = iota // no such property
	kindBit                // one byte, 0 or 1: true of every byte property of 5.0
	kindUint16             // two bytes
	kindUint32             // four bytes
	kindVarint             // variable byte integer
	kindBinary             // binary data
	kindText               // UTF-8 string
	kindTopic              // UTF-8 string that is a topic name
	kindPair               // two UTF-8 strings
)

// inWill stands for the will within CONNECT, which has properties of its own.
// It takes the bit of the reserved packet type 0.
const (
	typeWill Type    = 0
	inWill   packets = 1 << typeWill

	inMessage = inPublish | inWill
	inOpening = inConnect | inConnack
)

// properties is the table of 5.0 section 2.2.2.2. The value of an absent
// property is that of its absence in the specification, or 0.
var properties = [...]struct {
	in      packets
	kind    kind
	nonzero bool // 0 is a protocol error
	absent  uint32
}{
	PayloadFormat:           {in: inMessage, kind: kindBit},
	MessageExpiry:           {in: inMessage, kind: kindUint32},
	ContentType:             {in: inMessage, kind: kindText},
	ResponseTopic:           {in: inMessage, kind: kindTopic},
	CorrelationData:         {in: inMessage, kind: kindBinary},
	SubscriptionID:          {in: inPublish | inSubscribe, kind: kindVarint, nonzero: true},
	SessionExpiry:           {in: inOpening | inDisconnect, kind: kindUint32},
	AssignedClientID:        {in: inConnack, kind: kindText},
	ServerKeepAlive:         {in: inConnack, kind: kindUint16},
	AuthMethod:              {in: inOpening | inAuth, kind: kindText},
	AuthData:                {in: inOpening | inAuth, kind: kindBinary},
	RequestProblemInfo:      {in: inConnect, kind: kindBit, absent: 1},
	WillDelay:               {in: inWill, kind: kindUint32},
	RequestResponseInfo:     {in: inConnect, kind: kindBit},
	ResponseInfo:            {in: inConnack, kind: kindText},
	ServerReference:         {in: inConnack | inDisconnect, kind: kindText},
	ReasonString:            {in: inConnack | inReceived | inReleased | inAnswers | inDisconnect | inAuth, kind: kindText},
	ReceiveMaximum:          {in: inOpening, kind: kindUint16, nonzero: true, absent: 65535},
	TopicAliasMaximum:       {in: inOpening, kind: kindUint16},
	TopicAlias:              {in: inPublish, kind: kindUint16, nonzero: true},
	MaximumQoS:              {in: inConnack, kind: kindBit, absent: 2},
	RetainAvailable:         {in: inConnack, kind: kindBit, absent: 1},
	UserProperty:            {in: ^packets(0), kind: kindPair},
	MaximumPacketSize:       {in: inOpening, kind: kindUint32, nonzero: true, absent: MaxSize},
	WildcardAvailable:       {in: inConnack, kind: kindBit, absent: 1},
	SubscriptionIDAvailable: {in: inConnack, kind: kindBit, absent: 1},
	SharedAvailable:         {in: inConnack, kind: kindBit, absent: 1},
}

// kind returns kindNone for what is no property.
func (id Property) kind() kind {
	if int(id) < len(properties) {
		return properties[id].kind
	}
	return kindNone
}

// repeats reports whether a packet of type t may hold the property more than once.
func (id Property) repeats(t Type) bool {
	return id == UserProperty || id == SubscriptionID && t == TypePublish
}
