package alink

import "bytes"

// MaxTopic bounds topics and filters, in bytes. The vendor's own limit is 128.
const MaxTopic = 256

// Kind is what a topic is for.
type Kind uint8

const (
	Unknown  Kind = iota // in no device's namespace, or not a topic
	OtherOwn             // in a device's namespace, but not one of those below

	// From the device ("Remote configuration", "OTA updates"). ConfigReport is
	// cota's own: the device says what became of a configuration.
	ConfigGet
	ConfigPushReply
	ConfigReport
	OTAProgress
	OTAInform

	// To the device.
	ConfigPush
	ConfigGetReply
	ConfigReportReply
)

// Topic is a topic taken apart; its slices are parts of the topic. A level
// that the topic does not carry is nil: /broadcast/{pk}/... names no device,
// and /ext/register neither device nor product.
type Topic struct {
	Kind       Kind
	ProductKey []byte
	DeviceName []byte
}

// Of reports whether t lies in the namespace of this device. What the topic
// does not name is not compared; Unknown is nobody's.
func (t Topic) Of(productKey, deviceName string) bool {
	return t.Kind != Unknown &&
		(t.ProductKey == nil || string(t.ProductKey) == productKey) &&
		(t.DeviceName == nil || string(t.DeviceName) == deviceName)
}

// ParseTopic takes apart the topic of a PUBLISH. It finds whose topic it is by
// position and does not check that the names are well formed: ask Topic.Of
// whether they are the sender's. A topic with wildcards is Unknown. ParseTopic
// does not allocate.
func ParseTopic(topic []byte) Topic {
	if len(topic) == 0 || len(topic) > MaxTopic || topic[0] != '/' ||
		bytes.IndexByte(topic, '+') >= 0 || bytes.IndexByte(topic, '#') >= 0 {
		return Topic{}
	}
	root, rest := level(topic[1:])
	switch string(root) {
	case "sys":
		t, tail := identity(rest)
		if t.Kind != Unknown {
			t.Kind = sysKind(tail)
		}
		return t
	case "ota":
		class, rest := level(rest)
		if string(class) != "device" {
			return Topic{}
		}
		verb, rest := level(rest)
		t, tail := identity(rest)
		if t.Kind != Unknown && len(tail) == 0 && topic[len(topic)-1] != '/' {
			t.Kind = otaKind(verb)
		}
		return t
	case "ext":
		return extTopic(rest)
	case "shadow":
		_, rest := level(rest)
		t, _ := identity(rest)
		return t
	case "broadcast":
		pk, _ := level(rest)
		if len(pk) == 0 {
			return Topic{}
		}
		return Topic{Kind: OtherOwn, ProductKey: pk}
	}
	t, _ := identity(topic[1:])
	return t
}

// extTopic reads what follows /ext/. Most of it is /{service}/{pk}/{dn}/...,
// but registration answers, network probes and custom RRPC name no device in
// a fixed place.
func extTopic(rest []byte) Topic {
	service, tail := level(rest)
	switch string(service) {
	case "register", "regnwl":
		if len(rest) == len(service) {
			return Topic{Kind: OtherOwn}
		}
	case "network", "rrpc":
		return Topic{Kind: OtherOwn}
	}
	t, _ := identity(tail)
	return t
}

func sysKind(tail []byte) Kind {
	switch string(tail) {
	case "thing/config/get":
		return ConfigGet
	case "thing/config/push_reply":
		return ConfigPushReply
	case "thing/config/report":
		return ConfigReport
	case "thing/config/push":
		return ConfigPush
	case "thing/config/get_reply":
		return ConfigGetReply
	case "thing/config/report_reply":
		return ConfigReportReply
	}
	return OtherOwn
}

func otaKind(verb []byte) Kind {
	switch string(verb) {
	case "progress":
		return OTAProgress
	case "inform":
		return OTAInform
	}
	return OtherOwn
}

// identity reads {pk}/{dn} from the front of path.
func identity(path []byte) (t Topic, tail []byte) {
	pk, rest := level(path)
	dn, tail := level(rest)
	if len(pk) == 0 || len(dn) == 0 {
		return Topic{}, nil
	}
	return Topic{Kind: OtherOwn, ProductKey: pk, DeviceName: dn}, tail
}

// level cuts path at its first slash.
func level(path []byte) (first, rest []byte) {
	first, rest, _ = bytes.Cut(path, slash)
	return first, rest
}

var slash = []byte{'/'}

// AppendTopic appends the device's topic of that kind. Unknown and OtherOwn
// have none and append nothing.
func AppendTopic(dst []byte, k Kind, productKey, deviceName string) []byte {
	var tail string
	switch k {
	case OTAProgress:
		dst = append(dst, "/ota/device/progress/"...)
	case OTAInform:
		dst = append(dst, "/ota/device/inform/"...)
	case ConfigGet:
		tail = "/thing/config/get"
	case ConfigPushReply:
		tail = "/thing/config/push_reply"
	case ConfigReport:
		tail = "/thing/config/report"
	case ConfigPush:
		tail = "/thing/config/push"
	case ConfigGetReply:
		tail = "/thing/config/get_reply"
	case ConfigReportReply:
		tail = "/thing/config/report_reply"
	default:
		return dst
	}
	if tail != "" {
		dst = append(dst, "/sys/"...)
	}
	dst = append(dst, productKey...)
	dst = append(dst, '/')
	dst = append(dst, deviceName...)
	return append(dst, tail...)
}
