package alink

import "strconv"

// TopologyStatus is what has become of devices behind a gateway ("Manage
// topological relationships", notify gateways of changes). One list of the
// documents has the last two the other way round; its example and the SDKs have
// them so.
type TopologyStatus int

const (
	TopologyCreated  TopologyStatus = 0
	TopologyDeleted  TopologyStatus = 1
	TopologyEnabled  TopologyStatus = 2
	TopologyDisabled TopologyStatus = 8
)

// AppendTopologyChange appends the notice to a gateway of what has become of
// devices behind it, without its asking.
func AppendTopologyChange(dst []byte, id string, s TopologyStatus, of ...Identity) []byte {
	dst = append(appendID(append(dst, `{"id":`...), id), `,"version":"1.0","params":{"status":`...)
	dst = strconv.AppendInt(dst, int64(s), 10)
	dst = append(dst, `,"subList":[`...)
	for i, d := range of {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = d.appendTo(dst)
	}
	return append(dst, `]},"method":"thing.topo.change"}`...)
}

// SubdeviceSecret is what a gateway has registered a device behind it for. It
// holds a secret: do not log it.
type SubdeviceSecret struct {
	Identity
	IotID        string // digits: an SDK in the field reads a number
	DeviceSecret string
}

// AppendSubRegistered appends the answer to a SubRegister that is granted.
func AppendSubRegistered(dst []byte, id string, all []SubdeviceSecret) []byte {
	dst = append(dst, `{"code":200,"data":[`...)
	for i, d := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"iotId":`...), d.IotID)
		dst = appendText(append(dst, `,"productKey":`...), d.ProductKey)
		dst = appendText(append(dst, `,"deviceName":`...), d.DeviceName)
		dst = appendText(append(dst, `,"deviceSecret":`...), d.DeviceSecret)
		dst = append(dst, '}')
	}
	dst = appendTail(append(dst, ']'), id, CodeSuccess)
	return append(dst, `,"method":"thing.sub.register","version":"1.0"}`...)
}
