package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// Style is whose conversation a device holds.
type Style uint8

// What SDKs do was seen on the wire, and read in their sources.
const (
	Cota     Style = iota // package device: subscribes, answers pushes, reports
	LinkSDK4              // C LinkSDK 4: never subscribes, answers by OTA progress
	Node                  // alibabacloud-iot-device-sdk 1.2: subscribes 16 times, says nothing of a configuration
	Go                    // things-go/aliyun-iot: subscribes 17 times, answers pushes and says nothing more
)

var styleNames = [...]string{"cota", "linksdk4", "node", "go"}

func (s Style) String() string { return styleNames[s] }

// nodeFilters and goFilters are what these SDKs subscribe to, one by one and
// in this order. %[1]s is the product key, %[2]s the device name.
var nodeFilters = []string{
	"/sys/%[1]s/%[2]s/thing/event/property/post_reply",
	"/sys/%[1]s/%[2]s/thing/service/property/set",
	"/sys/%[1]s/%[2]s/thing/event/+/post_reply",
	"/sys/%[1]s/%[2]s/thing/deviceinfo/update_reply",
	"/sys/%[1]s/%[2]s/thing/deviceinfo/delete_reply",
	"/sys/%[1]s/%[2]s/thing/config/get_reply",
	"/shadow/get/%[1]s/%[2]s",
	"/sys/%[1]s/%[2]s/thing/config/push",
	"/sys/%[1]s/%[2]s/thing/config/push_reply",
	"/sys/%[1]s/%[2]s/thing/topo/add_reply",
	"/sys/%[1]s/%[2]s/thing/topo/delete_reply",
	"/sys/%[1]s/%[2]s/thing/topo/get_reply",
	"/ext/session/%[1]s/%[2]s/combine/login_reply",
	"/ext/session/%[1]s/%[2]s/combine/logout_reply",
	"/sys/%[1]s/%[2]s/thing/sub/register_reply",
	"/sys/%[1]s/%[2]s/rrpc/request/+",
}

var goFilters = []string{
	"/sys/%[1]s/%[2]s/thing/model/up_raw_reply",
	"/sys/%[1]s/%[2]s/thing/model/down_raw",
	"/ext/network/probe/+",
	"/sys/%[1]s/%[2]s/thing/event/+/post_reply",
	"/sys/%[1]s/%[2]s/thing/event/property/history/post_reply",
	"/sys/%[1]s/%[2]s/thing/deviceinfo/update_reply",
	"/sys/%[1]s/%[2]s/thing/deviceinfo/delete_reply",
	"/sys/%[1]s/%[2]s/thing/service/#",
	"/sys/%[1]s/%[2]s/thing/dsltemplate/get_reply",
	"/sys/%[1]s/%[2]s/thing/dynamicTsl/get_reply",
	"/sys/%[1]s/%[2]s/thing/config/log/get_reply",
	"/sys/%[1]s/%[2]s/thing/log/post_reply",
	"/sys/%[1]s/%[2]s/thing/config/log/push",
	"/sys/%[1]s/%[2]s/rrpc/request/+",
	"/sys/%[1]s/%[2]s/thing/config/get_reply",
	"/sys/%[1]s/%[2]s/thing/config/push",
	"/ext/error/%[1]s/%[2]s",
}

// keepAlive is how often the server is to hear of the device.
func (d *device) keepAlive() time.Duration {
	switch d.style {
	case LinkSDK4:
		return 1200 * time.Second
	case Node, Go:
		return 60 * time.Second
	}
	return d.crowd.o.KeepAlive
}

// appendConnect appends the device's CONNECT.
func (d *device) appendConnect(dst []byte) ([]byte, error) {
	pk, id := d.crowd.o.ProductKey, d.id()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	o := alink.SignOptions{AutoSubscribe: true, Inline: d.crowd.o.Inline, Language: "Go"}
	switch d.style {
	case LinkSDK4:
		o = alink.SignOptions{Timestamp: "2524608000000"}
	case Node:
		o = alink.SignOptions{ClientID: pk + "&" + id.Name, Method: alink.HMACSHA1, Timestamp: now}
	case Go:
		o = alink.SignOptions{Timestamp: now}
	}
	login, err := alink.Sign(pk, id.Name, id.Secret, o)
	if err != nil {
		return dst, err
	}
	switch d.style {
	case LinkSDK4:
		login.ClientID = pk + "." + id.Name + "|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=3,signmethod=hmacsha256,ext=3,_conn=tcp_8|"
		login.Password = strings.ToUpper(login.Password)
	case Node:
		login.ClientID = o.ClientID + "|securemode=3,signmethod=hmacsha1,timestamp=" + now + ",lan=NodeJS,_v=1.2.8|"
	case Go:
		login.ClientID = pk + "." + id.Name + "|_v=1.0.0,ext=0,gw=0,lan=Golang,securemode=3,signmethod=hmacsha256,timestamp=" + now + "|"
	}
	p := mqtt.Connect{
		Version: mqtt.V311, CleanStart: d.style != Node, KeepAlive: uint16(d.keepAlive() / time.Second),
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}
	return p.Append(dst), nil
}

// greet says what comes after CONNACK. d.mu is held.
func (d *device) greet() {
	switch d.style {
	case Cota:
		d.subscribe(d.topic(alink.ConfigPush), d.topic(alink.ConfigGetReply))
	case LinkSDK4:
		d.send(mqtt.AppendPingreq)
	case Node:
		d.subscribeEach(nodeFilters)
	case Go:
		d.subscribeEach(goFilters)
	}
	if d.crowd.o.Ask {
		d.ask()
	}
}

func (d *device) subscribeEach(filters []string) {
	for _, f := range filters {
		if strings.Contains(f, "%") {
			f = fmt.Sprintf(f, d.crowd.o.ProductKey, d.id().Name)
		}
		d.subscribe([]byte(f))
	}
}

func (d *device) subscribe(filters ...[]byte) {
	p := mqtt.Subscribe{PacketID: d.packetID()}
	for _, f := range filters {
		p.Subscriptions = p.Subscriptions.Append(mqtt.Subscription{Filter: f, QoS: 1})
	}
	d.send(func(dst []byte) []byte { return p.Append(dst, mqtt.V311) })
}

// ask asks for the configuration. d.mu is held.
func (d *device) ask() {
	d.asked++
	id := strconv.FormatUint(uint64(d.asked), 10)
	switch d.style {
	case LinkSDK4: // the vendor's example, as it is
		d.publish(alink.ConfigGet, 0, []byte(`{"id":"123","params":{"configScope":"product","getType":"file"}}`))
	case Node:
		d.publish(alink.ConfigGet, 0, alink.AppendGet(nil, alink.Get{ID: id}))
	default:
		d.publish(alink.ConfigGet, 1, alink.AppendGet(nil, alink.Get{ID: id, Inline: d.style == Cota && d.crowd.o.Inline}))
	}
}

// receipt answers an offer. d.mu is held.
func (d *device) receipt(offer *alink.Config, pushed bool) {
	switch {
	case d.byProgress():
		d.progress(0, "")
	case d.style == Cota && pushed:
		d.publish(alink.ConfigPushReply, 0, alink.AppendPushReply(nil, offer.ID, alink.CodeSuccess))
	case d.style == Go && pushed:
		d.publish(alink.ConfigPushReply, 1, []byte(`{"id":"1000","code":200,"data":"{}"}`))
	}
}

// byProgress says that the device tells of configurations as C SDKs do.
func (d *device) byProgress() bool {
	return d.style == LinkSDK4 || d.style == Cota && d.crowd.o.NoReport
}

func (d *device) progress(step int, desc string) {
	d.publish(alink.OTAProgress, 0, fmt.Appendf(nil, `{"id":1, "params":{"step":"%d","desc":%q}}`, step, desc))
}
