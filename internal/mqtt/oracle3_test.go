package mqtt

import (
	"bytes"
	"fmt"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang/packets"
	"pgregory.net/rapid"
)

// Packets encoded here mean the same to paho.mqtt.golang, and those that it
// encodes mean the same here.
func TestPahoAgreesOn3(t *testing.T) {
	for _, v := range versions[:2] {
		t.Run(v.String(), rapid.MakeCheck(func(t *rapid.T) {
			want := generator{T: t, v: v, plain: true}.packet()
			b := encode(nil, want, v)
			theirs, err := paho.ReadPacket(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("paho cannot read %x: %v", b, err)
			}
			if d := diff(want, fromPaho3(theirs)); d != "" {
				t.Fatalf("paho reads %x otherwise (-here +paho):\n%s", b, d)
			}
			var buf bytes.Buffer
			if err := theirs.Write(&buf); err != nil {
				t.Fatal(err)
			}
			got, err := decode(buf.Bytes(), v)
			if err != nil {
				t.Fatalf("decode(%x) = %v; want what paho encoded", buf.Bytes(), err)
			}
			if d := diff(want, got); d != "" {
				t.Fatalf("decode(%x) differs (-paho +here):\n%s", buf.Bytes(), d)
			}
		}))
	}
}

func fromPaho3(p paho.ControlPacket) any {
	ack := func(t Type, id uint16) Ack { return Ack{Type: t, PacketID: id} }
	switch p := p.(type) {
	case *paho.ConnectPacket:
		c := Connect{Version: Version(p.ProtocolVersion), CleanStart: p.CleanSession, KeepAlive: p.Keepalive, ClientID: []byte(p.ClientIdentifier)}
		if p.WillFlag {
			c.Will = Will{QoS: p.WillQos, Retain: p.WillRetain, Topic: []byte(p.WillTopic), Payload: p.WillMessage}
		}
		if p.UsernameFlag {
			c.Username = []byte(p.Username)
		}
		if p.PasswordFlag {
			c.Password = p.Password
		}
		return c
	case *paho.ConnackPacket:
		return Connack{SessionPresent: p.SessionPresent, Code: ReturnCode(p.ReturnCode).Code()}
	case *paho.PublishPacket:
		return Publish{Dup: p.Dup, QoS: p.Qos, Retain: p.Retain, PacketID: p.MessageID, Topic: []byte(p.TopicName), Payload: p.Payload}
	case *paho.PubackPacket:
		return ack(TypePuback, p.MessageID)
	case *paho.PubrecPacket:
		return ack(TypePubrec, p.MessageID)
	case *paho.PubrelPacket:
		return ack(TypePubrel, p.MessageID)
	case *paho.PubcompPacket:
		return ack(TypePubcomp, p.MessageID)
	case *paho.SubscribePacket:
		s := Subscribe{PacketID: p.MessageID}
		for i, topic := range p.Topics {
			s.Subscriptions = s.Subscriptions.Append(Subscription{Filter: []byte(topic), QoS: p.Qoss[i]})
		}
		return s
	case *paho.SubackPacket:
		return Suback{PacketID: p.MessageID, Codes: p.ReturnCodes}
	case *paho.UnsubscribePacket:
		u := Unsubscribe{PacketID: p.MessageID}
		for _, topic := range p.Topics {
			u.Filters = u.Filters.Append([]byte(topic))
		}
		return u
	case *paho.UnsubackPacket:
		return Unsuback{PacketID: p.MessageID}
	case *paho.PingreqPacket:
		return TypePingreq
	case *paho.PingrespPacket:
		return TypePingresp
	case *paho.DisconnectPacket:
		return Disconnect{}
	}
	panic(fmt.Sprintf("not a packet: %T", p))
}
