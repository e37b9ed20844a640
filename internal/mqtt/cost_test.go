package mqtt

import "testing"

// What a device of the vendor's kind and its server say to each other, in 3.1.1
// and, with the properties that may come along, in 5.0.
const topicGet = "/sys/a1B2c3D4e5F/sensor-000001/thing/config/get"

var (
	payloadGet = []byte(`{"id":"123","version":"1.0","params":{"configScope":"product","getType":"file"},"method":"thing.config.get"}`)
	connect    = Connect{
		CleanStart: true, KeepAlive: 1200,
		ClientID: []byte("a1B2c3D4e5F.sensor-000001|timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=3,signmethod=hmacsha256,ext=3|"),
		Username: []byte("sensor-000001&a1B2c3D4e5F"),
		Password: []byte("0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"),
	}
	publish  = Publish{QoS: 1, PacketID: 7, Topic: []byte(topicGet), Payload: payloadGet}
	puback   = Ack{Type: TypePuback, PacketID: 7}
	connack  = Connack{}
	filters  = Subscriptions(nil).Append(Subscription{Filter: []byte(topicGet + "_reply"), QoS: 1}).Append(Subscription{Filter: []byte("/sys/a/b/thing/service/#")})
	limits   = Properties(nil).AppendUint(MaximumQoS, 1).AppendUint(MaximumPacketSize, 262144).AppendUint(ServerKeepAlive, 1200)
	byClient = Properties(nil).AppendUint(SessionExpiry, 3600).AppendUint(ReceiveMaximum, 20)
	byUser   = Properties(nil).AppendUint(MessageExpiry, 60).AppendUser([]byte("k"), []byte("v"))
)

// conversation returns the packets of one device, as structs and as bytes.
func conversation(v Version) []struct {
	name   string
	packet any
	bytes  []byte
} {
	c, a, p := connect, connack, publish
	c.Version = v
	if v == V5 {
		c.Properties, a.Properties, p.Properties = byClient, limits, byUser
	}
	all := []struct {
		name   string
		packet any
		bytes  []byte
	}{
		{name: "connect", packet: c},
		{name: "connack", packet: a},
		{name: "publish", packet: p},
		{name: "puback", packet: puback},
		{name: "subscribe", packet: Subscribe{PacketID: 1, Subscriptions: filters}},
		{name: "suback", packet: Suback{PacketID: 1, Codes: []byte{1, 0}}},
		{name: "pingreq", packet: TypePingreq},
		{name: "disconnect", packet: Disconnect{}},
	}
	for i := range all {
		all[i].bytes = encode(nil, all[i].packet, v)
	}
	return all
}

// use takes a packet apart without an interface, which would allocate.
func use(b []byte, v Version) (err error) {
	switch TypeOf(b) {
	case TypeConnect:
		_, err = DecodeConnect(b)
	case TypeConnack:
		_, err = DecodeConnack(b, v)
	case TypePublish:
		var p Publish
		p, err = DecodePublish(b, v)
		for range p.Properties.User() {
		}
	case TypePuback:
		_, err = DecodeAck(b, v)
	case TypeSubscribe:
		var s Subscribe
		s, err = DecodeSubscribe(b, v)
		for range s.Subscriptions.All() {
		}
	case TypeSuback:
		_, err = DecodeSuback(b, v)
	case TypePingreq:
		err = DecodePing(b, v)
	case TypeDisconnect:
		_, err = DecodeDisconnect(b, v)
	}
	return err
}

func TestNothingIsAllocated(t *testing.T) {
	dst := make([]byte, 0, 1024)
	for _, v := range versions {
		for _, c := range conversation(v) {
			name := c.name + " " + v.String()
			if n := testing.AllocsPerRun(100, func() { _, _ = Frame(c.bytes, 1024) }); n != 0 {
				t.Errorf("Frame of %s: %v allocations; want 0", name, n)
			}
			if n := testing.AllocsPerRun(100, func() { _ = use(c.bytes, v) }); n != 0 {
				t.Errorf("decode %s: %v allocations; want 0", name, n)
			}
			if n := testing.AllocsPerRun(100, func() { dst = encode(dst[:0], c.packet, v) }); n != 0 {
				t.Errorf("encode %s: %v allocations; want 0", name, n)
			}
			broken := append([]byte(nil), c.bytes...)
			broken[0] ^= 0x0f
			if n := testing.AllocsPerRun(100, func() { _ = use(broken, v) }); n != 0 {
				t.Errorf("refuse %s: %v allocations; want 0", name, n)
			}
		}
	}
	p := Properties(make([]byte, 0, 64))
	if n := testing.AllocsPerRun(100, func() { p.AppendUint(SessionExpiry, 1).AppendUser(topicBytes, topicBytes) }); n != 0 {
		t.Errorf("Append to properties: %v allocations; want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		Match(topicBytes, topicBytes)
		ValidTopic(topicBytes)
		ValidFilter(topicBytes)
		Share(topicBytes)
	}); n != 0 {
		t.Errorf("topic helpers: %v allocations; want 0", n)
	}
}

var topicBytes = []byte("/sys/a1/d1")

func BenchmarkDecode(b *testing.B) {
	for _, v := range versions[1:] {
		for _, c := range conversation(v) {
			b.Run(c.name+"/"+v.String(), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := use(c.bytes, v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	dst := make([]byte, 0, 1024)
	for _, v := range versions[1:] {
		for _, c := range conversation(v) {
			b.Run(c.name+"/"+v.String(), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					dst = encode(dst[:0], c.packet, v)
				}
			})
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	packet := encode(nil, publish, V311)
	for b.Loop() {
		_, _ = Frame(packet, 1024)
	}
}

func BenchmarkMatch(b *testing.B) {
	filter, topic := []byte("/sys/a1B2c3D4e5F/+/thing/config/#"), []byte(topicGet)
	for b.Loop() {
		Match(filter, topic)
	}
}
