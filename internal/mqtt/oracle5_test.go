package mqtt

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	paho "github.com/eclipse/paho.golang/packets"
	"pgregory.net/rapid"
)

// Packets encoded here mean the same to paho.golang, and those that it encodes
// mean the same here. It has its own order of properties.
func TestPahoAgreesOn5(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := generator{T: t, v: V5, plain: true}.packet()
		if d, ok := want.(Disconnect); ok && d.Code == Success && len(d.Properties) == 0 {
			t.Skip("paho cannot read the empty form of DISCONNECT")
		}
		b := encode(nil, want, V5)
		theirs, err := paho.ReadPacket(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("paho cannot read %x: %v", b, err)
		}
		if d := diff(sorted(want), sorted(fromPaho5(theirs))); d != "" {
			t.Fatalf("paho reads %x otherwise (-here +paho):\n%s", b, d)
		}
		var buf bytes.Buffer
		if _, err := theirs.WriteTo(&buf); err != nil {
			t.Fatal(err)
		}
		got, err := decode(buf.Bytes(), V5)
		if err != nil {
			t.Fatalf("decode(%x) = %v; want what paho encoded", buf.Bytes(), err)
		}
		if d := diff(sorted(want), sorted(got)); d != "" {
			t.Fatalf("decode(%x) differs (-paho +here):\n%s", buf.Bytes(), d)
		}
	})
}

// sorted returns the packet with its properties in the order of their identifiers.
func sorted(p any) any {
	switch p := p.(type) {
	case Connect:
		p.Properties, p.Will.Properties = p.Properties.sorted(), p.Will.Properties.sorted()
		return p
	case Connack:
		p.Properties = p.Properties.sorted()
		return p
	case Publish:
		p.Properties = p.Properties.sorted()
		return p
	case Ack:
		p.Properties = p.Properties.sorted()
		return p
	case Subscribe:
		p.Properties = p.Properties.sorted()
		return p
	case Suback:
		p.Properties = p.Properties.sorted()
		return p
	case Unsubscribe:
		p.Properties = p.Properties.sorted()
		return p
	case Unsuback:
		p.Properties = p.Properties.sorted()
		return p
	case Disconnect:
		p.Properties = p.Properties.sorted()
		return p
	case Auth:
		p.Properties = p.Properties.sorted()
		return p
	}
	return p
}

func (p Properties) sorted() (q Properties) {
	var each [][]byte
	for r := (reader{b: p}); len(r.b) > 0; {
		before := r.b
		r.property()
		each = append(each, before[:len(before)-len(r.b)])
	}
	slices.SortStableFunc(each, func(a, b []byte) int { return int(a[0]) - int(b[0]) })
	return slices.Concat(each...)
}

func fromPaho5(p *paho.ControlPacket) any {
	ack := func(id uint16, code byte, p *paho.Properties, t Type) Ack {
		return Ack{Type: t, PacketID: id, Code: Code(code), Properties: propertiesFromPaho(p)}
	}
	switch p := p.Content.(type) {
	case *paho.Connect:
		c := Connect{Version: Version(p.ProtocolVersion), CleanStart: p.CleanStart, KeepAlive: p.KeepAlive,
			ClientID: []byte(p.ClientID), Properties: propertiesFromPaho(p.Properties)}
		if p.WillFlag {
			c.Will = Will{QoS: p.WillQOS, Retain: p.WillRetain, Topic: []byte(p.WillTopic),
				Payload: p.WillMessage, Properties: propertiesFromPaho(p.WillProperties)}
		}
		if p.UsernameFlag {
			c.Username = []byte(p.Username)
		}
		if p.PasswordFlag {
			c.Password = p.Password
		}
		return c
	case *paho.Connack:
		return Connack{SessionPresent: p.SessionPresent, Code: Code(p.ReasonCode), Properties: propertiesFromPaho(p.Properties)}
	case *paho.Publish:
		return Publish{Dup: p.Duplicate, QoS: p.QoS, Retain: p.Retain, PacketID: p.PacketID, Topic: []byte(p.Topic),
			Payload: p.Payload, Properties: propertiesFromPaho(p.Properties)}
	case *paho.Puback:
		return ack(p.PacketID, p.ReasonCode, p.Properties, TypePuback)
	case *paho.Pubrec:
		return ack(p.PacketID, p.ReasonCode, p.Properties, TypePubrec)
	case *paho.Pubrel:
		return ack(p.PacketID, p.ReasonCode, p.Properties, TypePubrel)
	case *paho.Pubcomp:
		return ack(p.PacketID, p.ReasonCode, p.Properties, TypePubcomp)
	case *paho.Subscribe:
		s := Subscribe{PacketID: p.PacketID, Properties: propertiesFromPaho(p.Properties)}
		for _, o := range p.Subscriptions {
			s.Subscriptions = s.Subscriptions.Append(Subscription{Filter: []byte(o.Topic), QoS: o.QoS,
				NoLocal: o.NoLocal, RetainAsPublished: o.RetainAsPublished, RetainHandling: o.RetainHandling})
		}
		return s
	case *paho.Suback:
		return Suback{PacketID: p.PacketID, Properties: propertiesFromPaho(p.Properties), Codes: p.Reasons}
	case *paho.Unsubscribe:
		u := Unsubscribe{PacketID: p.PacketID, Properties: propertiesFromPaho(p.Properties)}
		for _, topic := range p.Topics {
			u.Filters = u.Filters.Append([]byte(topic))
		}
		return u
	case *paho.Unsuback:
		return Unsuback{PacketID: p.PacketID, Properties: propertiesFromPaho(p.Properties), Codes: p.Reasons}
	case *paho.Pingreq:
		return TypePingreq
	case *paho.Pingresp:
		return TypePingresp
	case *paho.Disconnect:
		return Disconnect{Code: Code(p.ReasonCode), Properties: propertiesFromPaho(p.Properties)}
	case *paho.Auth:
		return Auth{Code: Code(p.ReasonCode), Properties: propertiesFromPaho(p.Properties)}
	}
	panic(fmt.Sprintf("not a packet: %T", p.Content))
}

func propertiesFromPaho(p *paho.Properties) (q Properties) {
	for id, x := range map[Property]*byte{
		PayloadFormat: p.PayloadFormat, RequestProblemInfo: p.RequestProblemInfo, RequestResponseInfo: p.RequestResponseInfo,
		MaximumQoS: p.MaximumQOS, RetainAvailable: p.RetainAvailable, WildcardAvailable: p.WildcardSubAvailable,
		SubscriptionIDAvailable: p.SubIDAvailable, SharedAvailable: p.SharedSubAvailable,
	} {
		if x != nil {
			q = q.AppendUint(id, uint32(*x))
		}
	}
	for id, x := range map[Property]*uint16{
		ServerKeepAlive: p.ServerKeepAlive, ReceiveMaximum: p.ReceiveMaximum,
		TopicAliasMaximum: p.TopicAliasMaximum, TopicAlias: p.TopicAlias,
	} {
		if x != nil {
			q = q.AppendUint(id, uint32(*x))
		}
	}
	for id, x := range map[Property]*uint32{
		MessageExpiry: p.MessageExpiry, SessionExpiry: p.SessionExpiryInterval,
		WillDelay: p.WillDelayInterval, MaximumPacketSize: p.MaximumPacketSize,
	} {
		if x != nil {
			q = q.AppendUint(id, *x)
		}
	}
	if p.SubscriptionIdentifier != nil {
		q = q.AppendUint(SubscriptionID, uint32(*p.SubscriptionIdentifier))
	}
	for id, x := range map[Property]string{
		ContentType: p.ContentType, ResponseTopic: p.ResponseTopic, CorrelationData: string(p.CorrelationData),
		AssignedClientID: p.AssignedClientID, AuthMethod: p.AuthMethod, AuthData: string(p.AuthData),
		ResponseInfo: p.ResponseInfo, ServerReference: p.ServerReference, ReasonString: p.ReasonString,
	} {
		if x != "" {
			q = q.AppendBytes(id, []byte(x))
		}
	}
	for _, u := range p.User {
		q = q.AppendUser([]byte(u.Key), []byte(u.Value))
	}
	return q
}
