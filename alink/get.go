package alink

// Get is a device asking for its configuration, method thing.config.get
// ("Remote configuration").
type Get struct {
	ID     string // to be sent back; "" if there was none, or none that may be
	Silent bool   // sys.ack is 0: the device wants no answer
	Inline bool   // getType is inline: a small file is to come in the answer itself (cota)
}

var (
	errGetID    = &Error{CodeBadParameters, "get: id is not plain text or a number"}
	errGetScope = &Error{CodeBadParameters, "get: configScope is not product"}
	errGetType  = &Error{CodeBadParameters, "get: getType is neither file nor inline"}
)

// DecodeGet reads the payload of a ConfigGet. The id may be a string or a
// number, or missing; version and method are not read, the topic has said it;
// unknown members are passed over and the last of two with one name counts.
//
// configScope must be "product" and getType "file", or cota's own "inline", both
// present: the document knows nothing else, calls empty parameters 460, and every
// SDK sends them.
// With an error the Get holds as much as is needed to answer it.
func DecodeGet(payload []byte) (Get, error) {
	if err := checkObject(payload); err != nil {
		return Get{}, err
	}
	var g Get
	var scope, typ bool
	plainID := true
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			g.ID, plainID = identifier(value)
		case "sys":
			g.Silent = silent(value)
		case "params":
			g.Inline, scope, typ = false, false, false
			for name, value := range members(value) {
				switch string(name) {
				case "configScope":
					scope = string(value) == `"product"`
				case "getType":
					g.Inline = string(value) == `"inline"`
					typ = g.Inline || string(value) == `"file"`
				}
			}
		}
	}
	switch {
	case !plainID:
		return g, errGetID
	case !scope:
		return g, errGetScope
	case !typ:
		return g, errGetType
	}
	return g, nil
}

// silent reads the sys member of a request: ack 0 means no answer is wanted.
func silent(sys []byte) bool {
	quiet := false
	for name, value := range members(sys) {
		if string(name) == "ack" {
			n, ok := integer(value)
			quiet = ok && n == 0
		}
	}
	return quiet
}

// AppendGet appends a device's request for its configuration.
func AppendGet(dst []byte, g Get) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, g.ID)
	dst = append(dst, `,"version":"1.0",`...)
	dst = appendSys(dst, g.Silent)
	dst = append(dst, `"params":{"configScope":"product","getType":"`...)
	if g.Inline {
		dst = append(dst, GetTypeInline...)
	} else {
		dst = append(dst, GetTypeFile...)
	}
	return append(dst, `"},"method":"thing.config.get"}`...)
}

func appendSys(dst []byte, silent bool) []byte {
	if silent {
		dst = append(dst, `"sys":{"ack":0},`...)
	}
	return dst
}
