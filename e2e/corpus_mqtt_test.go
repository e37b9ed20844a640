package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

// Conversations and requests are made by these seeds, which never change, so
// that each can be had again by its number. A new kind of hostility comes with
// a new seed.
const (
	mqttSeed = 0x636f7461
	httpSeed = 0x636f7462
)

// conversation is what a hostile client sends, and how it goes away.
type conversation struct {
	kind   string
	pieces [][]byte // with the time that it takes to send them between
	ends   ending
}

// ending is how a hostile client goes away.
type ending int

const (
	waits      ending = iota // until the server has closed, or for a moment
	closes                   // at once
	halfCloses               // says that it sends no more, and waits
	resets                   // as a machine does that was switched off and on
	endings
)

// hostile makes conversations: each from chance of its own.
type hostile struct {
	*rand.Rand
	product string
	id      cota.Credentials // that it may sign in with
	other   string           // a device that is not its own
}

var mqttKinds = []struct {
	name string
	make func(h *hostile) [][]byte
}{
	{"noise", func(h *hostile) [][]byte { return [][]byte{h.noise(1 + h.IntN(400))} }},
	{"damaged CONNECT", func(h *hostile) [][]byte { return [][]byte{h.damage(h.connect(h.login()))} }},
	{"refused CONNECT", (*hostile).refusedConnect},
	{"damaged packets", (*hostile).damagedPackets},
	{"payloads", (*hostile).payloads},
	{"foreign topics", (*hostile).foreignTopics},
	{"empty promises", (*hostile).promises},
	{"flood", (*hostile).flood},
	{"other protocols", (*hostile).otherProtocols},
	{"out of order", (*hostile).outOfOrder},
}

// mqttConversation is the conversation of a number.
func mqttConversation(n int, product string, devices []cota.Credentials) conversation {
	h := &hostile{
		Rand: rand.New(rand.NewPCG(mqttSeed, uint64(n))), product: product,
		id: devices[n%len(devices)], other: devices[(n+1)%len(devices)].Name,
	}
	kind := mqttKinds[n%len(mqttKinds)]
	return conversation{kind.name, kind.make(h), ending(h.IntN(int(endings)))}
}

func (h *hostile) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(h.Uint32())
	}
	return b
}

// damage changes a few things about b.
func (h *hostile) damage(b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + h.IntN(5) {
		if len(b) == 0 {
			return b
		}
		i := h.IntN(len(b))
		j := min(len(b), i+1+h.IntN(8))
		switch h.IntN(6) {
		case 0:
			b[i] ^= 1 << h.IntN(8)
		case 1:
			b[i] = []byte{0, 1, 0x7f, 0x80, 0xfe, 0xff}[h.IntN(6)]
		case 2:
			b = append(b[:i:i], append(h.noise(1+h.IntN(6)), b[i:]...)...)
		case 3:
			b = append(b[:i:i], b[j:]...)
		case 4:
			b = append(b[:j:j], b[i:]...)
		case 5:
			b = b[:i]
		}
	}
	return b
}

// login is one that the server accepts.
func (h *hostile) login() mqtt.Connect {
	login, err := alink.Sign(h.product, h.id.Name, h.id.Secret, alink.SignOptions{AutoSubscribe: h.IntN(2) == 0})
	if err != nil {
		panic(err) // the names are ours
	}
	return mqtt.Connect{
		Version: h.version(), CleanStart: true, KeepAlive: 60,
		ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
	}
}

func (h *hostile) version() mqtt.Version {
	return []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5}[h.IntN(3)]
}

func (h *hostile) connect(c mqtt.Connect) []byte { return c.Append(nil) }

func (h *hostile) refusedConnect() [][]byte {
	c := h.login()
	switch h.IntN(6) {
	case 0:
		c.Password = h.noise(64)
	case 1:
		c.Username = []byte(fmt.Sprintf("nobody-%d&%s", h.IntN(1000), h.product))
	case 2:
		c.Username = []byte(h.id.Name + "&" + strings.Repeat("p", h.IntN(2000)))
	case 3:
		c.ClientID = []byte(strings.Repeat("c", h.IntN(60_000)))
	case 4:
		c.ClientID = []byte("x|" + strings.Repeat("a=b,", h.IntN(5000)) + "|")
	case 5:
		c.KeepAlive = uint16(h.IntN(30))
	}
	return [][]byte{h.connect(c)}
}

// publish is a message of a device that has signed in.
func (h *hostile) publish(v mqtt.Version, topic string, payload []byte) []byte {
	p := mqtt.Publish{QoS: byte(h.IntN(2)), Topic: []byte(topic), Payload: payload}
	if p.QoS > 0 {
		p.PacketID = uint16(1 + h.IntN(0xffff))
	}
	return p.Append(nil, v)
}

func (h *hostile) ownTopic(kind alink.Kind) string {
	return string(alink.AppendTopic(nil, kind, h.product, h.id.Name))
}

var uplinks = []alink.Kind{alink.ConfigGet, alink.ConfigReport, alink.ConfigPushReply, alink.OTAProgress, alink.OTAInform}

func (h *hostile) damagedPackets() [][]byte {
	c := h.login()
	all := [][]byte{h.connect(c)}
	for range 1 + h.IntN(6) {
		var b []byte
		switch h.IntN(4) {
		case 0:
			b = h.publish(c.Version, h.ownTopic(uplinks[h.IntN(len(uplinks))]), h.json(3))
		case 1:
			s := mqtt.Subscribe{PacketID: uint16(h.IntN(0xffff)), Subscriptions: mqtt.Subscriptions(nil).Append(mqtt.Subscription{Filter: []byte(h.filter()), QoS: 1})}
			b = s.Append(nil, c.Version)
		case 2:
			b = mqtt.Ack{Type: mqtt.TypePuback, PacketID: uint16(h.IntN(0xffff))}.Append(nil, c.Version)
		case 3:
			b = mqtt.AppendPingreq(nil)
		}
		all = append(all, h.damage(b))
	}
	return all
}

func (h *hostile) filter() string {
	return []string{"#", "+/+/#", "/sys/#", "/sys/+/+/thing/config/push", "$share/g/" + h.ownTopic(alink.ConfigPush), h.ownTopic(alink.ConfigPush),
		string(alink.AppendTopic(nil, alink.ConfigPush, h.product, h.other)), "/sys//", strings.Repeat("/+", 2000), "\x00", "a/#/b"}[h.IntN(11)]
}

// payloads are messages in order, with bodies that are not.
func (h *hostile) payloads() [][]byte {
	c := h.login()
	all := [][]byte{h.connect(c)}
	for range 1 + h.IntN(8) {
		body := h.json(6)
		if h.IntN(3) == 0 {
			body = h.damage(body)
		}
		all = append(all, h.publish(c.Version, h.ownTopic(uplinks[h.IntN(len(uplinks))]), body))
	}
	return all
}

// json is a document with the members that messages have, and values that they
// have not.
func (h *hostile) json(depth int) []byte {
	switch n := h.IntN(12); {
	case n == 0:
		open := 1 + h.IntN(20_000)
		return []byte(strings.Repeat([]string{"[", `{"params":`}[h.IntN(2)], open) + strings.Repeat("]", h.IntN(open)))
	case n == 1:
		return []byte(strings.Repeat("9", 1+h.IntN(400)) + "e" + strings.Repeat("9", 1+h.IntN(20)))
	case n == 2:
		return append(append([]byte(`"`), h.noise(h.IntN(200))...), '"')
	case n == 3:
		return []byte([]string{"null", "true", "-0", `"\ud800"`, `"\u0000"`, "1e999", `""`, "[]", "{}", " "}[h.IntN(10)])
	case depth == 0:
		return []byte(fmt.Sprint(h.Int64() - h.Int64()))
	}
	members := []string{"id", "version", "params", "method", "code", "data", "configId", "state", "message", "step", "desc", "sys", "ack", "configScope", "getType", "id"}
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range 1 + h.IntN(6) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", members[h.IntN(len(members))], h.json(depth-1))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (h *hostile) foreignTopics() [][]byte {
	c := h.login()
	all := [][]byte{h.connect(c)}
	for range 1 + h.IntN(6) {
		topic := []string{
			string(alink.AppendTopic(nil, uplinks[h.IntN(len(uplinks))], h.product, h.other)),
			h.ownTopic(alink.ConfigPush), "/sys/" + h.product + "/" + h.id.Name + "/../" + h.other + "/thing/config/get",
			"$SYS/broker", "/" + strings.Repeat("x/", h.IntN(20_000)), "/ext/register", "/sys/" + h.product + "//thing/config/get",
		}[h.IntN(7)]
		all = append(all, h.publish(c.Version, topic, h.json(2)))
		s := mqtt.Subscribe{PacketID: 9, Subscriptions: mqtt.Subscriptions(nil).Append(mqtt.Subscription{Filter: []byte(h.filter())})}
		all = append(all, s.Append(nil, c.Version))
	}
	return all
}

// promises announce much and send little.
func (h *hostile) promises() [][]byte {
	length := [][]byte{{0xff, 0xff, 0xff, 0x7f}, {0xff, 0xff, 0xff, 0xff, 0x01}, {0x80, 0x80, 0x80, 0x00}, {0x80, 0x80, 0x10}, {0xff, 0xff, 0x0f}, {0x80}}[h.IntN(6)]
	packet := append([]byte{byte(h.IntN(16))<<4 | byte(h.IntN(16))}, length...)
	packet = append(packet, h.noise(h.IntN(3000))...)
	if h.IntN(2) == 0 {
		return [][]byte{packet}
	}
	return [][]byte{h.connect(h.login()), packet}
}

// flood says the same many times.
func (h *hostile) flood() [][]byte {
	c := h.login()
	var again []byte
	switch h.IntN(4) {
	case 0:
		again = mqtt.AppendPingreq(nil)
	case 1:
		again = h.publish(c.Version, h.ownTopic(alink.ConfigGet), []byte(`{"id":"1","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`))
	case 2:
		again = h.publish(c.Version, h.ownTopic(alink.OTAProgress), []byte(`{"id":1,"params":{"step":"50","desc":""}}`))
	case 3:
		again = h.publish(c.Version, h.ownTopic(alink.OTAInform), h.noise(1000))
	}
	return [][]byte{h.connect(c), bytes.Repeat(again, 50+h.IntN(300))}
}

func (h *hostile) otherProtocols() [][]byte {
	upgrade := "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: " +
		base64.StdEncoding.EncodeToString(h.noise(16)) + "\r\n\r\n"
	switch h.IntN(6) {
	case 0:
		return [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}
	case 1:
		return [][]byte{append([]byte{0x16, 3, byte(h.IntN(5)), byte(h.IntN(8)), byte(h.IntN(256))}, h.noise(h.IntN(600))...)}
	case 2:
		return [][]byte{h.damage([]byte(upgrade))}
	case 3:
		return [][]byte{[]byte(upgrade), h.noise(2 + h.IntN(300))}
	case 4: // a frame of a length that nobody takes, in order otherwise
		return [][]byte{[]byte(upgrade), append([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, h.noise(100)...)}
	}
	return [][]byte{append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11"), h.noise(h.IntN(300))...)} // PROXY protocol, from nobody's balancer
}

// outOfOrder are whole packets where they do not belong.
func (h *hostile) outOfOrder() [][]byte {
	c := h.login()
	packets := [][]byte{
		h.connect(c), mqtt.Connack{}.Append(nil, c.Version), mqtt.AppendPingresp(nil), {0xf0, 0}, {0xf0, 2, 0x18, 0},
		mqtt.Ack{Type: mqtt.TypePubrel, PacketID: 1}.Append(nil, c.Version), mqtt.Ack{Type: mqtt.TypePubcomp, PacketID: 1}.Append(nil, c.Version),
		mqtt.Publish{QoS: 2, PacketID: 3, Topic: []byte(h.ownTopic(alink.ConfigGet))}.Append(nil, c.Version),
		mqtt.Disconnect{}.Append(nil, c.Version), mqtt.AppendPingreq(nil),
	}
	h.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
	if h.IntN(2) == 0 {
		packets = append([][]byte{h.connect(c)}, packets...)
	}
	return packets
}
