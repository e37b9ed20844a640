package alink

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
)

// Limits of what a gateway asks at a time ("Manage topological relationships",
// "Connect or disconnect sub-devices").
const (
	MaxTopoAdd        = 30       // sub-devices of one TopoAdd, and of one SubRegister
	MaxCombine        = 50       // sub-devices of one batch, and of one TopoDelete
	MaxSubdevices     = 2000     // sub-devices of one gateway
	MaxGatewayRequest = 64 << 10 // bytes of a whole request
	maxTimestamp      = 64
)

// Identity names a device.
type Identity struct {
	ProductKey string
	DeviceName string
}

// Subdevice is a device behind a gateway with the signature by which it agrees
// to that. It holds the signature: do not log it.
type Subdevice struct {
	Identity
	ClientID   string
	Timestamp  string // as sent; never a time to rely on
	SignMethod SignMethod

	hasClientID, hasTimestamp bool // what is there is signed
	sign                      string
}

// Verify reports whether the signature is the sub-device's, made with its
// secret: what a CONNECT of its own would sign, less what was not sent.
func (d *Subdevice) Verify(secret string) bool {
	var content [256]byte
	return d.SignMethod.verify(secret, d.sign, d.appendContent(content[:0]))
}

func (d *Subdevice) appendContent(dst []byte) []byte {
	if d.hasClientID {
		dst = append(append(dst, "clientId"...), d.ClientID...)
	}
	dst = append(append(dst, "deviceName"...), d.DeviceName...)
	dst = append(append(dst, "productKey"...), d.ProductKey...)
	if d.hasTimestamp {
		dst = append(append(dst, "timestamp"...), d.Timestamp...)
	}
	return dst
}

// SignSubdevice signs for a device, so that a gateway may add it and log it in.
// Of the options it heeds the client id, the method and the timestamp, with
// the same defaults as Sign.
func SignSubdevice(productKey, deviceName, deviceSecret string, o SignOptions) (Subdevice, error) {
	if deviceSecret == "" {
		return Subdevice{}, errors.New("sign sub-device: no device secret")
	}
	d := Subdevice{
		Identity: Identity{productKey, deviceName},
		ClientID: o.ClientID, Timestamp: o.Timestamp, SignMethod: o.Method,
		hasClientID: !o.NoClientID, hasTimestamp: o.Timestamp != "",
	}
	if d.ClientID == "" && d.hasClientID {
		d.ClientID = productKey + "." + deviceName
	}
	if d.SignMethod == "" {
		d.SignMethod = HMACSHA256
	}
	if err := d.check(true); err != nil {
		return Subdevice{}, err
	}
	d.sign = hex.EncodeToString(d.SignMethod.appendSum(nil, deviceSecret, d.appendContent(nil)))
	return d, nil
}

// GatewayRequest is what a gateway asks about devices behind it.
type GatewayRequest struct {
	ID      string
	Silent  bool        // sys.ack is 0: the gateway wants no answer
	Devices []Subdevice // none in a TopoGet; signed in a TopoAdd and in logins
}

var (
	errRequestLong    = &Error{CodeBadParameters, "gateway: message is longer than 64 KiB"}
	errRequestID      = &Error{CodeBadParameters, "gateway: id is not plain text or a number"}
	errRequestDevices = &Error{CodeBadParameters, "gateway: no sub-devices, too many of them, or one twice"}
	errSubdeviceName  = &Error{CodeBadParameters, "gateway: productKey or deviceName is not one"}
	errSubdeviceSign  = &Error{CodeBadParameters, "gateway: clientId, timestamp, signMethod or sign is not one"}
)

// DecodeGatewayRequest reads the payload of a request of the given kind. A
// sub-device is named in params, in a list there, or in a deviceList in params,
// as the documents have it for each kind. signMethod may be spelled signmethod,
// and stand beside a deviceList for all in it (LinkSDK 4); the last of two
// members with one name counts. With an error the request holds as much as is
// needed to answer it.
func DecodeGatewayRequest(k Kind, payload []byte) (GatewayRequest, error) {
	var r GatewayRequest
	if len(payload) > MaxGatewayRequest {
		return r, errRequestLong
	}
	if err := checkJSONObject(payload); err != nil {
		return r, err
	}
	plainID := true
	var params []byte
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			r.ID, plainID = identifier(value)
		case "sys":
			r.Silent = silent(value)
		case "params":
			params = value
		}
	}
	if !plainID {
		return r, errRequestID
	}
	var err error
	r.Devices, err = subdevices(k, params)
	return r, err
}

// subdevices reads the sub-devices that a request names in its params.
func subdevices(k Kind, params []byte) (all []Subdevice, err error) {
	signed := k == TopoAdd || k == CombineLogin || k == CombineBatchLogin
	limit, list := MaxCombine, params
	var common Subdevice
	switch k {
	case TopoGet:
		return nil, nil
	case CombineLogin, CombineLogout:
		d, err := subdevice(common, params, signed)
		return []Subdevice{d}, err
	case TopoAdd, SubRegister:
		limit = MaxTopoAdd
	case CombineBatchLogin:
		list = nil
		for name, value := range members(params) {
			switch string(name) {
			case "deviceList":
				list = value
			case "signMethod", "signmethod":
				common.SignMethod = SignMethod(text(value))
			}
		}
	}
	for value := range elements(list) {
		if len(all) == limit {
			return nil, errRequestDevices
		}
		d, err := subdevice(common, value, signed)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other Subdevice) bool { return other.Identity == d.Identity }) {
			return nil, errRequestDevices
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, errRequestDevices
	}
	return all, nil
}

// subdevice reads one sub-device over what is common to all.
func subdevice(d Subdevice, object []byte, signed bool) (Subdevice, error) {
	for name, value := range members(object) {
		switch string(name) {
		case "productKey":
			d.ProductKey = text(value)
		case "deviceName":
			d.DeviceName = text(value)
		case "clientId":
			d.ClientID, d.hasClientID = text(value), string(value) != "null"
		case "timestamp":
			d.Timestamp, d.hasTimestamp = text(value), string(value) != "null"
		case "signMethod", "signmethod":
			d.SignMethod = SignMethod(text(value))
		case "sign":
			d.sign = text(value)
		}
	}
	if !signed {
		d = Subdevice{Identity: d.Identity}
	}
	return d, d.check(signed)
}

// check refuses what is no sub-device, and names its sign method as this
// package does.
func (d *Subdevice) check(signed bool) error {
	if !ValidProductKey(d.ProductKey) || !ValidDeviceName(d.DeviceName) {
		return errSubdeviceName
	}
	if !signed {
		return nil
	}
	m, known := signMethod(string(d.SignMethod))
	if !known || len(d.ClientID) > MaxClientID || len(d.Timestamp) > maxTimestamp || len(d.sign) > MaxPassword {
		return errSubdeviceSign
	}
	d.SignMethod = m
	return nil
}

// AppendGatewayRequest appends a gateway's request of the given kind.
func AppendGatewayRequest(dst []byte, k Kind, r GatewayRequest) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, r.ID)
	dst = append(dst, `,"version":"1.0",`...)
	dst = appendSys(dst, r.Silent)
	dst = append(dst, `"params":`...)
	switch {
	case k == TopoGet:
		dst = append(dst, `{}`...)
	case (k == CombineLogin || k == CombineLogout) && len(r.Devices) == 1:
		dst = r.Devices[0].appendTo(dst)
	case k == CombineBatchLogin:
		dst = append(dst, `{"deviceList":`...)
		dst = append(appendSubdevices(dst, r.Devices), '}')
	default:
		dst = appendSubdevices(dst, r.Devices)
	}
	if method := methods[k]; method != "" {
		dst = append(dst, `,"method":"`...)
		dst = append(append(dst, method...), '"')
	}
	return append(dst, '}')
}

func appendSubdevices(dst []byte, all []Subdevice) []byte {
	dst = append(dst, '[')
	for i := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = all[i].appendTo(dst)
	}
	return append(dst, ']')
}

func (d *Subdevice) appendTo(dst []byte) []byte {
	member := func(name, value string) {
		dst = append(append(dst, `,"`...), name...)
		dst = appendText(append(dst, `":`...), value)
	}
	dst = appendText(append(dst, `{"productKey":`...), d.ProductKey)
	member("deviceName", d.DeviceName)
	if d.hasClientID {
		member("clientId", d.ClientID)
	}
	if d.hasTimestamp {
		member("timestamp", d.Timestamp)
	}
	if d.sign != "" {
		member("signMethod", string(d.SignMethod))
		member("sign", d.sign)
	}
	return append(dst, '}')
}

// methods are the methods that the documents name; logins have none.
var methods = map[Kind]string{
	TopoAdd: "thing.topo.add", TopoDelete: "thing.topo.delete", TopoGet: "thing.topo.get",
	SubRegister: "thing.sub.register",
}

// AppendGatewayReply appends the answer to a request of the given kind. Of a
// success, devices are those that it was for, or for TopoGet all that are behind
// the gateway; of a refusal, those to blame.
func AppendGatewayReply(dst []byte, k Kind, id string, c Code, devices []Identity) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c), 10)
	dst = append(dst, `,"data":`...)
	single := k == CombineLogin || k == CombineLogout
	switch {
	case single && len(devices) == 1:
		dst = devices[0].appendTo(dst)
	case single:
		dst = append(dst, `{}`...)
	default:
		dst = append(dst, '[')
		for i, d := range devices {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = d.appendTo(dst)
		}
		dst = append(dst, ']')
	}
	dst = appendTail(dst, id, c)
	if method := methods[k]; method != "" {
		dst = append(dst, `,"method":"`...)
		dst = append(append(dst, method...), `","version":"1.0"`...)
	}
	return append(dst, '}')
}

func (d Identity) appendTo(dst []byte) []byte {
	dst = appendText(append(dst, `{"deviceName":`...), d.DeviceName)
	dst = appendText(append(dst, `,"productKey":`...), d.ProductKey)
	return append(dst, '}')
}

// AppendSessionError appends the notice to a gateway that a sub-device has no
// session, or has no longer ("Error codes for sub-device development").
func AppendSessionError(dst []byte, id string, c Code, d Identity) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c), 10)
	dst = d.appendTo(append(dst, `,"data":`...))
	return append(appendTail(dst, id, c), '}')
}

// appendTail appends the id and what goes with the code.
func appendTail(dst []byte, id string, c Code) []byte {
	dst = appendID(append(dst, `,"id":`...), id)
	if m := c.Message(); m != "" {
		dst = appendText(append(dst, `,"message":`...), m)
	}
	return dst
}

// DecodeGatewayReply reads, for a gateway, the answer to a request, or a
// SessionError: its Reply and the devices that it names.
func DecodeGatewayReply(payload []byte) (Reply, []Identity, error) {
	var r Reply
	if len(payload) > MaxSubdevices*128 {
		return r, nil, errRequestLong
	}
	if err := checkJSONObject(payload); err != nil {
		return r, nil, err
	}
	var all []Identity
	numeric := false
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			r.ID, _ = identifier(value)
		case "code":
			r.Code, numeric = code(value)
		case "message":
			r.Message = line(value)
		case "data":
			all = identities(value)
		}
	}
	if !numeric {
		return r, nil, errReplyCode
	}
	return r, all, nil
}

// identities are the devices that data names, alone or in a list.
func identities(data []byte) (all []Identity) {
	if d, err := subdevice(Subdevice{}, data, false); err == nil {
		return []Identity{d.Identity}
	}
	for value := range elements(data) {
		if d, err := subdevice(Subdevice{}, value, false); err == nil {
			all = append(all, d.Identity)
		}
	}
	return all
}
