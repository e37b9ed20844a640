package gateway_test

import (
	"testing"
	"testing/synctest"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
)

func TestPacketThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		bystander := r.connect(1)
		own := r.topic(alink.OTAInform, 0)
		alias := func(topic string, n uint32) []byte {
			p := mqtt.Publish{Topic: []byte(topic), Properties: mqtt.Properties(nil).AppendUint(mqtt.TopicAlias, n)}
			return p.Append(nil, mqtt.V5)
		}
		qos2 := mqtt.Publish{QoS: 2, PacketID: 1, Topic: []byte(own)}
		withID := subscribe(1, r.topic(alink.ConfigPush, 0))
		withID.Properties = withID.Properties.AppendUint(mqtt.SubscriptionID, 1)
		again := r.login(0)
		again.Version = mqtt.V5
		for _, tt := range []struct {
			name   string
			packet []byte
			want   mqtt.Code
		}{
			{"reserved packet type", []byte{0x00, 0}, mqtt.MalformedPacket},
			{"reserved flags", []byte{0xc1, 0}, mqtt.MalformedPacket},
			{"QoS 3", []byte{0x36, 2}, mqtt.MalformedPacket},
			{"remaining length of five bytes", []byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, mqtt.MalformedPacket},
			{"PUBLISH shorter than its topic", []byte{0x30, 3, 0, 9, 'a'}, mqtt.MalformedPacket},
			{"topic that is not UTF-8", []byte{0x30, 4, 0, 1, 0xff, 0}, mqtt.MalformedPacket},
			{"topic with a wildcard", []byte{0x30, 4, 0, 1, '#', 0}, mqtt.MalformedPacket},
			{"packet id 0", []byte{0x32, 6, 0, 1, 'a', 0, 0, 0}, mqtt.ProtocolError},
			{"SUBSCRIBE to nothing", []byte{0x82, 3, 0, 1, 0}, mqtt.ProtocolError},
			{"PINGREQ with a body", []byte{0xc0, 1, 0}, mqtt.MalformedPacket},
			{"one byte more than 256 KiB, the fixed header alone", []byte{0x30, 0xfd, 0xff, 0x0f}, mqtt.PacketTooLarge},
			{"the largest packet there can be, the fixed header alone", []byte{0x30, 0xff, 0xff, 0xff, 0x7f}, mqtt.PacketTooLarge},

			{"second CONNECT", again.Append(nil), mqtt.ProtocolError},
			{"CONNACK", mqtt.Connack{}.Append(nil, mqtt.V5), mqtt.ProtocolError},
			{"PUBREL", mqtt.Ack{Type: mqtt.TypePubrel, PacketID: 1}.Append(nil, mqtt.V5), mqtt.ProtocolError},
			{"PINGRESP", mqtt.AppendPingresp(nil), mqtt.ProtocolError},
			{"AUTH", []byte{0xf0, 0}, mqtt.ProtocolError},

			{"QoS 2", qos2.Append(nil, mqtt.V5), mqtt.QoSNotSupported},
			{"topic alias 0", alias(own, 0), mqtt.TopicAliasInvalid},
			{"topic alias 21", alias(own, 21), mqtt.TopicAliasInvalid},
			{"topic alias that was not set", alias("", 1), mqtt.ProtocolError},
			{"topic alias below one that was set", append(alias(own, 2), alias("", 1)...), mqtt.ProtocolError},
			{"neither topic nor alias", []byte{0x30, 3, 0, 0, 0}, mqtt.ProtocolError},
			{"subscription identifier", withID.Append(nil, mqtt.V5), mqtt.SubscriptionIDsNotSupported},
		} {
			before := len(r.log.about("connection"))
			w := r.connect5(0)
			w.write(tt.packet)
			w.wantDisconnect(tt.want)
			synctest.Wait()
			lines := r.log.about("connection")[before:]
			if len(lines) != 1 {
				t.Errorf("%s: log has %d lines; want 1: %q", tt.name, len(lines), lines)
			}
			if t.Failed() {
				t.Fatalf("at %q", tt.name)
			}
			bystander.ping()
		}
	})
}

func TestPacketThatIsRefusedIn311(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		qos2 := mqtt.Publish{QoS: 2, PacketID: 1, Topic: []byte(r.topic(alink.OTAInform, 0))}
		again := r.login(0)
		for name, packet := range map[string][]byte{
			"malformed":      {0x30, 3, 0, 9, 'a'},
			"too large":      {0x30, 0xfd, 0xff, 0x0f},
			"second CONNECT": again.Append(nil),
			"QoS 2":          qos2.Append(nil, mqtt.V311),
		} {
			w := r.connect(0)
			w.write(packet)
			if b, err := w.next(); err == nil {
				t.Errorf("%s: got % x; want the connection closed without a word", name, b)
			}
		}
	})
}

func TestFirstPacketThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		malformed := r.login(0)
		malformed.ClientID = []byte("x") // a fixed header of two bytes
		tail := append(malformed.Append(nil), 0)
		tail[1]++
		reserved := malformed.Append(nil)
		reserved[9] |= 1 // behind the fixed header, "MQTT" and its level
		for name, packet := range map[string][]byte{
			"not CONNECT":                     mqtt.AppendPingreq(nil),
			"PUBLISH":                         mqtt.Publish{Topic: []byte("/a")}.Append(nil, mqtt.V311),
			"HTTP":                            []byte("GET / HTTP/1.1\r\n\r\n"),
			"TLS":                             {0x16, 0x03, 0x01, 0x02, 0x00, 0x01},
			"another protocol":                {0x10, 12, 0, 4, 'A', 'M', 'Q', 'P', 4, 2, 0, 60, 0, 0},
			"more than 256 KiB":               {0x10, 0xfd, 0xff, 0x0f},
			"CONNECT with a tail":             tail,
			"CONNECT with the reserved flag":  reserved,
			"CONNECT that is nothing":         {0x10, 0},
			"remaining length of five bytes":  {0x10, 0xff, 0xff, 0xff, 0xff, 0x01},
			"zeros":                           make([]byte, 4),
			"CONNACK, as if it were a server": mqtt.Connack{}.Append(nil, mqtt.V311),
		} {
			before := len(r.log.about("connection"))
			w := r.dial(mqtt.V311)
			w.nc.Write(packet) // may be cut off within
			if b, err := w.next(); err == nil {
				t.Errorf("%s: got % x; want the connection closed without a word", name, b)
			}
			synctest.Wait()
			if lines := r.log.about("connection")[before:]; len(lines) != 1 {
				t.Errorf("%s: log has %d lines; want 1: %q", name, len(lines), lines)
			}
		}
	})
}

func TestMalformedConnectOfMQTT5IsToldWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		c := r.login(0)
		c.Version = mqtt.V5
		c.Properties = mqtt.Properties{0x7f}
		w, got := r.open(c)
		if got.Code != mqtt.MalformedPacket {
			t.Errorf("CONNACK %v; want malformed packet", got.Code)
		}
		w.wantClosed()
	})
}

func TestPacketOf256KiBIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		w := r.connect(0)
		p := mqtt.Publish{QoS: 1, PacketID: 5, Topic: []byte(r.topic(alink.OTAInform, 0))}
		header := len(p.AppendHeader(nil, w.version, 250<<10))
		p.Payload = make([]byte, 256<<10-header)
		packet := p.Append(nil, w.version)
		if len(packet) != 256<<10 {
			t.Fatalf("the packet has %d bytes; want 256 KiB", len(packet))
		}
		w.write(packet)
		w.wantPuback(5)
		w.ping()
	})
}

func TestPacketsInAnyPieces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		c := r.login(0)
		var all []byte
		all = c.Append(all)
		for id := range uint16(20) {
			p := mqtt.Publish{QoS: 1, PacketID: id + 1, Topic: []byte(r.topic(alink.OTAInform, 0)), Payload: make([]byte, 37*int(id))}
			all = p.Append(all, mqtt.V311)
		}
		for _, size := range []int{1, 7, 512, 513, len(all)} {
			w := r.dial(mqtt.V311)
			go func() {
				for rest := all; len(rest) > 0; rest = rest[min(size, len(rest)):] {
					w.nc.Write(rest[:min(size, len(rest))])
				}
			}()
			w.connack()
			for id := range uint16(20) {
				w.wantPuback(id + 1)
			}
		}
	})
}
