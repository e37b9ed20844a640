package mqtt

import "strconv"

// Code is an MQTT 5 reason code (5.0 section 2.4). Codes below 0x80 report
// success. It is the one vocabulary of outcomes in this package: the smaller
// tables of 3.1 and 3.1.1 are translated when packets are read and written.
type Code byte

const (
	Success                     Code = 0x00 // also normal disconnection, and granted QoS 0
	GrantedQoS1                 Code = 0x01
	GrantedQoS2                 Code = 0x02
	DisconnectWithWill          Code = 0x04
	NoMatchingSubscribers       Code = 0x10
	NoSubscriptionExisted       Code = 0x11
	ContinueAuthentication      Code = 0x18
	Reauthenticate              Code = 0x19
	UnspecifiedError            Code = 0x80
	MalformedPacket             Code = 0x81
	ProtocolError               Code = 0x82
	ImplementationError         Code = 0x83
	UnsupportedVersion          Code = 0x84
	ClientIDNotValid            Code = 0x85
	BadUserNameOrPassword       Code = 0x86
	NotAuthorized               Code = 0x87
	ServerUnavailable           Code = 0x88
	ServerBusy                  Code = 0x89
	Banned                      Code = 0x8A
	ServerShuttingDown          Code = 0x8B
	BadAuthenticationMethod     Code = 0x8C
	KeepAliveTimeout            Code = 0x8D
	SessionTakenOver            Code = 0x8E
	TopicFilterInvalid          Code = 0x8F
	TopicNameInvalid            Code = 0x90
	PacketIDInUse               Code = 0x91
	PacketIDNotFound            Code = 0x92
	ReceiveMaximumExceeded      Code = 0x93
	TopicAliasInvalid           Code = 0x94
	PacketTooLarge              Code = 0x95
	MessageRateTooHigh          Code = 0x96
	QuotaExceeded               Code = 0x97
	AdministrativeAction        Code = 0x98
	PayloadFormatInvalid        Code = 0x99
	RetainNotSupported          Code = 0x9A
	QoSNotSupported             Code = 0x9B
	UseAnotherServer            Code = 0x9C
	ServerMoved                 Code = 0x9D
	SharedNotSupported          Code = 0x9E
	ConnectionRateExceeded      Code = 0x9F
	MaximumConnectTime          Code = 0xA0
	SubscriptionIDsNotSupported Code = 0xA1
	WildcardsNotSupported       Code = 0xA2
)

// packets is a set of packet types, bit n for Type n.
type packets uint16

func (s packets) has(t Type) bool { return s>>t&1 == 1 }

const (
	inConnect     packets = 1 << TypeConnect
	inConnack     packets = 1 << TypeConnack
	inPublish     packets = 1 << TypePublish
	inPuback      packets = 1 << TypePuback
	inPubrec      packets = 1 << TypePubrec
	inPubrel      packets = 1 << TypePubrel
	inPubcomp     packets = 1 << TypePubcomp
	inSubscribe   packets = 1 << TypeSubscribe
	inSuback      packets = 1 << TypeSuback
	inUnsubscribe packets = 1 << TypeUnsubscribe
	inUnsuback    packets = 1 << TypeUnsuback
	inDisconnect  packets = 1 << TypeDisconnect
	inAuth        packets = 1 << TypeAuth

	inReceived = inPuback | inPubrec   // the first answers to a PUBLISH
	inReleased = inPubrel | inPubcomp  // the rest of QoS 2
	inAnswers  = inSuback | inUnsuback // the answers to a list of filters
)

// codes is the table of 5.0 section 2.4: each code's name, and the packets that may carry it.
var codes = [256]struct {
	name string
	in   packets
}{
	Success:                     {"success", inConnack | inReceived | inReleased | inAnswers | inDisconnect | inAuth},
	GrantedQoS1:                 {"granted QoS 1", inSuback},
	GrantedQoS2:                 {"granted QoS 2", inSuback},
	DisconnectWithWill:          {"disconnect with will message", inDisconnect},
	NoMatchingSubscribers:       {"no matching subscribers", inReceived},
	NoSubscriptionExisted:       {"no subscription existed", inUnsuback},
	ContinueAuthentication:      {"continue authentication", inAuth},
	Reauthenticate:              {"re-authenticate", inAuth},
	UnspecifiedError:            {"unspecified error", inConnack | inReceived | inAnswers | inDisconnect},
	MalformedPacket:             {"malformed packet", inConnack | inDisconnect},
	ProtocolError:               {"protocol error", inConnack | inDisconnect},
	ImplementationError:         {"implementation specific error", inConnack | inReceived | inAnswers | inDisconnect},
	UnsupportedVersion:          {"unsupported protocol version", inConnack},
	ClientIDNotValid:            {"client identifier not valid", inConnack},
	BadUserNameOrPassword:       {"bad user name or password", inConnack},
	NotAuthorized:               {"not authorized", inConnack | inReceived | inAnswers | inDisconnect},
	ServerUnavailable:           {"server unavailable", inConnack},
	ServerBusy:                  {"server busy", inConnack | inDisconnect},
	Banned:                      {"banned", inConnack},
	ServerShuttingDown:          {"server shutting down", inDisconnect},
	BadAuthenticationMethod:     {"bad authentication method", inConnack | inDisconnect},
	KeepAliveTimeout:            {"keep alive timeout", inDisconnect},
	SessionTakenOver:            {"session taken over", inDisconnect},
	TopicFilterInvalid:          {"topic filter invalid", inAnswers | inDisconnect},
	TopicNameInvalid:            {"topic name invalid", inConnack | inReceived | inDisconnect},
	PacketIDInUse:               {"packet identifier in use", inReceived | inAnswers},
	PacketIDNotFound:            {"packet identifier not found", inReleased},
	ReceiveMaximumExceeded:      {"receive maximum exceeded", inDisconnect},
	TopicAliasInvalid:           {"topic alias invalid", inDisconnect},
	PacketTooLarge:              {"packet too large", inConnack | inDisconnect},
	MessageRateTooHigh:          {"message rate too high", inDisconnect},
	QuotaExceeded:               {"quota exceeded", inConnack | inReceived | inSuback | inDisconnect},
	AdministrativeAction:        {"administrative action", inDisconnect},
	PayloadFormatInvalid:        {"payload format invalid", inConnack | inReceived | inDisconnect},
	RetainNotSupported:          {"retain not supported", inConnack | inDisconnect},
	QoSNotSupported:             {"QoS not supported", inConnack | inDisconnect},
	UseAnotherServer:            {"use another server", inConnack | inDisconnect},
	ServerMoved:                 {"server moved", inConnack | inDisconnect},
	SharedNotSupported:          {"shared subscriptions not supported", inSuback | inDisconnect},
	ConnectionRateExceeded:      {"connection rate exceeded", inConnack | inDisconnect},
	MaximumConnectTime:          {"maximum connect time", inDisconnect},
	SubscriptionIDsNotSupported: {"subscription identifiers not supported", inSuback | inDisconnect},
	WildcardsNotSupported:       {"wildcard subscriptions not supported", inSuback | inDisconnect},
}

// String returns the specification's name of the code in lower case.
func (c Code) String() string {
	if name := codes[c].name; name != "" {
		return name
	}
	return "reason 0x" + strconv.FormatUint(uint64(c), 16)
}

// Valid reports whether a packet of type t may carry the code (5.0 section 2.4).
func (c Code) Valid(t Type) bool { return codes[c].in.has(t) }

// ReturnCode is the connect return code of a 3.1 or 3.1.1 CONNACK (3.1.1
// section 3.2.2.3).
type ReturnCode byte

const (
	Accepted             ReturnCode = 0
	RefusedVersion       ReturnCode = 1
	RefusedClientID      ReturnCode = 2
	RefusedUnavailable   ReturnCode = 3
	RefusedCredentials   ReturnCode = 4
	RefusedAuthorization ReturnCode = 5
)

// returnCodes gives for each return code the reason code that means the same.
var returnCodes = [...]Code{
	Accepted:             Success,
	RefusedVersion:       UnsupportedVersion,
	RefusedClientID:      ClientIDNotValid,
	RefusedUnavailable:   ServerUnavailable,
	RefusedCredentials:   BadUserNameOrPassword,
	RefusedAuthorization: NotAuthorized,
}

// ReturnCode returns the 3.1.1 return code nearest to c. What has no
// counterpart there is RefusedAuthorization when the client is at fault for who
// it is (banned, bad authentication method), otherwise RefusedUnavailable.
func (c Code) ReturnCode() ReturnCode {
	switch c {
	case Success:
		return Accepted
	case UnsupportedVersion:
		return RefusedVersion
	case ClientIDNotValid:
		return RefusedClientID
	case BadUserNameOrPassword:
		return RefusedCredentials
	case NotAuthorized, Banned, BadAuthenticationMethod:
		return RefusedAuthorization
	}
	return RefusedUnavailable
}

// Code returns the reason code that means the same as r. A reserved return code
// is an UnspecifiedError.
func (r ReturnCode) Code() Code {
	if int(r) < len(returnCodes) {
		return returnCodes[r]
	}
	return UnspecifiedError
}

// String returns the name of the reason code that means the same as r.
func (r ReturnCode) String() string { return r.Code().String() }
