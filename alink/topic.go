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

	// From a gateway, of the devices behind it ("Manage topological
	// relationships", "Connect or disconnect sub-devices").
	TopoAdd
	TopoDelete
	TopoGet
	CombineLogin
	CombineLogout
	CombineBatchLogin
	CombineBatchLogout
	SubRegister

	// To a gateway: the replies in the same order, that the session of a
	// sub-device has ended or was never there, and that an operator has changed
	// what is behind the gateway.
	TopoAddReply
	TopoDeleteReply
	TopoGetReply
	CombineLoginReply
	CombineLogoutReply
	CombineBatchLoginReply
	CombineBatchLogoutReply
	SubRegisterReply
	SessionError
	TopoChange
)

// OfGateway reports whether k is a request of a gateway.
func (k Kind) OfGateway() bool { return k >= TopoAdd && k <= SubRegister }

// Reply is the kind of the reply to a request of a gateway; Unknown for any
// other kind.
func (k Kind) Reply() Kind {
	if !k.OfGateway() {
		return Unknown
	}
	return k - TopoAdd + TopoAddReply
}

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
	if bytes.IndexByte(topic, '+') >= 0 || bytes.IndexByte(topic, '#') >= 0 {
		return Topic{}
	}
	return takeApart(topic)
}

// takeApart is ParseTopic for what may hold wildcards.
func takeApart(topic []byte) Topic {
	if len(topic) == 0 || len(topic) > MaxTopic || topic[0] != '/' {
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
	t, verb := identity(tail)
	switch {
	case t.Kind == Unknown:
	case string(service) == "session":
		t.Kind = sessionKind(verb)
	case string(service) == "error" && len(verb) == 0 && tail[len(tail)-1] != '/':
		t.Kind = SessionError
	}
	return t
}

func sessionKind(tail []byte) Kind {
	switch string(tail) {
	case "combine/login":
		return CombineLogin
	case "combine/logout":
		return CombineLogout
	case "combine/batch_login":
		return CombineBatchLogin
	case "combine/batch_logout":
		return CombineBatchLogout
	case "combine/login_reply":
		return CombineLoginReply
	case "combine/logout_reply":
		return CombineLogoutReply
	case "combine/batch_login_reply":
		return CombineBatchLoginReply
	case "combine/batch_logout_reply":
		return CombineBatchLogoutReply
	}
	return OtherOwn
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
	case "thing/topo/add":
		return TopoAdd
	case "thing/topo/delete":
		return TopoDelete
	case "thing/topo/get":
		return TopoGet
	case "thing/topo/add_reply":
		return TopoAddReply
	case "thing/topo/delete_reply":
		return TopoDeleteReply
	case "thing/topo/get_reply":
		return TopoGetReply
	case "thing/topo/change":
		return TopoChange
	case "thing/sub/register":
		return SubRegister
	case "thing/sub/register_reply":
		return SubRegisterReply
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
	if int(k) >= len(forms) || forms[k].head == "" {
		return dst
	}
	dst = append(dst, forms[k].head...)
	dst = append(dst, productKey...)
	dst = append(dst, '/')
	dst = append(dst, deviceName...)
	return append(dst, forms[k].tail...)
}

// forms are what stands around the names in topics.
var forms = [...]struct{ head, tail string }{
	OTAProgress: {"/ota/device/progress/", ""},
	OTAInform:   {"/ota/device/inform/", ""},

	ConfigGet:         {"/sys/", "/thing/config/get"},
	ConfigPushReply:   {"/sys/", "/thing/config/push_reply"},
	ConfigReport:      {"/sys/", "/thing/config/report"},
	ConfigPush:        {"/sys/", "/thing/config/push"},
	ConfigGetReply:    {"/sys/", "/thing/config/get_reply"},
	ConfigReportReply: {"/sys/", "/thing/config/report_reply"},

	TopoAdd:         {"/sys/", "/thing/topo/add"},
	TopoDelete:      {"/sys/", "/thing/topo/delete"},
	TopoGet:         {"/sys/", "/thing/topo/get"},
	TopoAddReply:    {"/sys/", "/thing/topo/add_reply"},
	TopoDeleteReply: {"/sys/", "/thing/topo/delete_reply"},
	TopoGetReply:    {"/sys/", "/thing/topo/get_reply"},
	TopoChange:      {"/sys/", "/thing/topo/change"},

	SubRegister:      {"/sys/", "/thing/sub/register"},
	SubRegisterReply: {"/sys/", "/thing/sub/register_reply"},

	CombineLogin:            {"/ext/session/", "/combine/login"},
	CombineLogout:           {"/ext/session/", "/combine/logout"},
	CombineBatchLogin:       {"/ext/session/", "/combine/batch_login"},
	CombineBatchLogout:      {"/ext/session/", "/combine/batch_logout"},
	CombineLoginReply:       {"/ext/session/", "/combine/login_reply"},
	CombineLogoutReply:      {"/ext/session/", "/combine/logout_reply"},
	CombineBatchLoginReply:  {"/ext/session/", "/combine/batch_login_reply"},
	CombineBatchLogoutReply: {"/ext/session/", "/combine/batch_logout_reply"},
	SessionError:            {"/ext/error/", ""},
}
