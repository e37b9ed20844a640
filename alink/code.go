package alink

// Code is a result code of the Alink protocol. Devices may also answer with
// codes of their own from 100000 to 110000.
type Code int32

const (
	// "Error codes for devices", common codes; devices use the first four in
	// push_reply too ("Remote configuration").
	CodeSuccess         Code = 200
	CodeRequestFailed   Code = 400
	CodeBadAuth         Code = 401 // wrong signature, where there is no other code for it
	CodeTooManyRequests Code = 429
	CodeBadParameters   Code = 460
	CodeServerError     Code = 500
	CodeProductQuery    Code = 5005 // the product cannot be looked up
	CodeDeviceNotFound  Code = 6100
	CodeBadTopic        Code = 6203
	CodeDeviceDisabled  Code = 6204
	CodeProductNotFound Code = 6250
	CodeMethodMissing   Code = 6450
	CodeSystemException Code = 6760

	// "Remote configuration", error codes of thing.config.get.
	CodeNoData    Code = 6710 // the product has no saved configuration
	CodeConfigOff Code = 6713 // the product's switch is off

	// "Error codes for sub-device development".
	CodeConnectedElsewhere Code = 427
	CodeTooManySubDevices  Code = 428
	CodeNoSession          Code = 520
	CodeDeviceDeleted      Code = 521
	CodeDeviceForbidden    Code = 522
	CodeInvalidSign        Code = 6287
	CodeTopologyFull       Code = 6400
	CodeNoTopology         Code = 6401
	CodeTopologySelf       Code = 6402

	// "Establish MQTT connections over TCP", pre-authentication over HTTPS.
	CodeUnknownDevice Code = 5001 // no such device
	CodeBadAuthType   Code = 6200

	// "Unique-certificate-per-product verification", dynamic registration.
	CodeBadDeviceName     Code = 6280
	CodeRegistrationOff   Code = 6288
	CodeAlreadyActive     Code = 6289
	CodeBadSignMethod     Code = 6292
	CodeRegistrationWrong Code = 6600 // wrong signature of a registration
)

// Message is the text that goes with c in a reply. Where the vendor's
// documents show the text itself, it is theirs: devices may log or compare it.
// It is empty for a code that is not named here.
func (c Code) Message() string {
	switch c {
	case CodeSuccess:
		return "success"
	case CodeRequestFailed:
		return "request error"
	case CodeBadAuth:
		return "request auth error"
	case CodeTooManyRequests:
		return "too many requests"
	case CodeBadParameters:
		return "request parameter error"
	case CodeServerError:
		return "server error"
	case CodeProductQuery:
		return "query product failed"
	case CodeDeviceNotFound:
		return "device not found"
	case CodeBadTopic:
		return "topic parse failed"
	case CodeDeviceDisabled:
		return "device disabled"
	case CodeProductNotFound:
		return "product not found"
	case CodeMethodMissing:
		return "alink method not exist"
	case CodeSystemException:
		return "system exception"
	case CodeNoData:
		return "no data"
	case CodeConfigOff:
		return "thing config function is not available"
	case CodeConnectedElsewhere:
		return "device connect in elsewhere"
	case CodeTooManySubDevices:
		return "too many subdevices under gateway"
	case CodeNoSession:
		return "device no session"
	case CodeDeviceDeleted:
		return "device deleted"
	case CodeDeviceForbidden:
		return "device forbidden"
	case CodeInvalidSign:
		return "invalid sign"
	case CodeTopologyFull:
		return "topo relation count exceed"
	case CodeNoTopology:
		return "topo relation not exist"
	case CodeTopologySelf:
		return "topo relation cannot add by self"
	case CodeUnknownDevice:
		return "meta device not found"
	case CodeBadAuthType:
		return "auth type mismatch"
	case CodeBadDeviceName:
		return "device name illegal"
	case CodeRegistrationOff:
		return "dynamic register not enabled"
	case CodeAlreadyActive:
		return "device already active"
	case CodeBadSignMethod:
		return "sign method not supported"
	case CodeRegistrationWrong:
		return "sign verify failed"
	}
	return ""
}

// Error is a message that cannot be accepted, with the Code that says so on
// the wire. Every decoder of this package returns one, or nil.
type Error struct {
	Code   Code
	Reason string // for logs; never sent
}

func (e *Error) Error() string { return e.Reason }
