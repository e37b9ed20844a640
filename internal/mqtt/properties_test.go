package mqtt

import (
	"fmt"
	"strings"
	"testing"
)

// withProperties returns the smallest packet of type t with these properties.
func withProperties(t Type, p string) string {
	p = string([]byte{byte(len(p))}) + p
	first := byte(t)<<4 | firstFlags[t]
	switch t {
	case typeWill:
		return packet(0x10, "\x00\x04MQTT\x05\x06\x00\x00\x00\x00\x00"+p+"\x00\x01w\x00\x00")
	case TypeConnect:
		return packet(first, "\x00\x04MQTT\x05\x02\x00\x00"+p+"\x00\x00")
	case TypeConnack:
		return packet(first, "\x00\x00"+p)
	case TypePublish:
		return packet(first, "\x00\x01t"+p)
	case TypeSubscribe:
		return packet(first, "\x00\x01"+p+"\x00\x01f\x00")
	case TypeUnsubscribe:
		return packet(first, "\x00\x01"+p+"\x00\x01f")
	case TypeSuback, TypeUnsuback:
		return packet(first, "\x00\x01"+p+"\x00")
	case TypeDisconnect:
		return packet(first, "\x00"+p)
	case TypeAuth:
		return packet(first, "\x00"+string([]byte{p[0] + 4})+"\x15\x00\x01m"+p[1:])
	default:
		return packet(first, "\x00\x01\x00"+p)
	}
}

// The table of 5.0 section 2.2.2.2, copied by hand: identifier, a value, the
// packets that may hold it (W is a will).
var propertyTable = []struct {
	id    Property
	value string
	in    string
}{
	{PayloadFormat, "\x01", "PUBLISH W"},
	{MessageExpiry, "\x00\x00\x00\x01", "PUBLISH W"},
	{ContentType, "\x00\x01c", "PUBLISH W"},
	{ResponseTopic, "\x00\x01r", "PUBLISH W"},
	{CorrelationData, "\x00\x01\xff", "PUBLISH W"},
	{SubscriptionID, "\x01", "PUBLISH SUBSCRIBE"},
	{SessionExpiry, "\x00\x00\x00\x01", "CONNECT CONNACK DISCONNECT"},
	{AssignedClientID, "\x00\x01a", "CONNACK"},
	{ServerKeepAlive, "\x00\x01", "CONNACK"},
	{AuthMethod, "\x00\x01m", "CONNECT CONNACK AUTH"},
	{RequestProblemInfo, "\x01", "CONNECT"},
	{WillDelay, "\x00\x00\x00\x01", "W"},
	{RequestResponseInfo, "\x01", "CONNECT"},
	{ResponseInfo, "\x00\x01i", "CONNACK"},
	{ServerReference, "\x00\x01s", "CONNACK DISCONNECT"},
	{ReasonString, "\x00\x01r", "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH"},
	{ReceiveMaximum, "\x00\x01", "CONNECT CONNACK"},
	{TopicAliasMaximum, "\x00\x01", "CONNECT CONNACK"},
	{TopicAlias, "\x00\x01", "PUBLISH"},
	{MaximumQoS, "\x01", "CONNACK"},
	{RetainAvailable, "\x01", "CONNACK"},
	{UserProperty, "\x00\x01k\x00\x01v", "CONNECT CONNACK PUBLISH W PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH"},
	{MaximumPacketSize, "\x00\x00\x00\x01", "CONNECT CONNACK"},
	{WildcardAvailable, "\x01", "CONNACK"},
	{SubscriptionIDAvailable, "\x01", "CONNACK"},
	{SharedAvailable, "\x01", "CONNACK"},
}

func TestPropertiesAreAllowedWhereTheTableSaysSo(t *testing.T) {
	for _, row := range propertyTable {
		for typ := range TypeAuth + 1 {
			name := typ.String()
			if typ == typeWill {
				name = "W"
			}
			if typ == TypePingreq || typ == TypePingresp || typ == TypeAuth && row.id == AuthMethod {
				continue
			}
			want := errProperty
			if strings.Contains(" "+row.in+" ", " "+name+" ") {
				want = nil
			}
			t.Run(fmt.Sprintf("%#x in %s", byte(row.id), name), func(t *testing.T) {
				one := string([]byte{byte(row.id)}) + row.value
				if _, err := decode([]byte(withProperties(typ, one)), V5); err != want {
					t.Errorf("once: %v; want %v", err, want)
				}
				if want == nil && row.id != UserProperty && !(row.id == SubscriptionID && typ == TypePublish) {
					want = errPropertyTwice
				}
				if _, err := decode([]byte(withProperties(typ, one+one)), V5); err != want {
					t.Errorf("twice: %v; want %v", err, want)
				}
			})
		}
	}
}

func TestMalformedPropertiesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		in   Type
		p    string
		want error
	}{
		{"identifier 0", TypePublish, "\x00", errProperty},
		{"unknown identifier", TypePublish, "\x7f\x00", errProperty},
		{"gap in the table", TypePublish, "\x04\x00", errProperty},
		{"identifier of two bytes", TypePublish, "\x80\x01", errProperty},
		{"no value", TypePublish, "\x02", errShort},
		{"short value", TypePublish, "\x02\x00\x00\x01", errShort},
		{"short string", TypePublish, "\x03\x00\x05abc", errShort},
		{"user property without value", TypePublish, "\x26\x00\x01k", errShort},
		{"string not UTF-8", TypePublish, "\x03\x00\x01\xff", errText},
		{"user property with U+0000", TypePublish, "\x26\x00\x01\x00\x00\x00", errText},
		{"payload format 2", TypePublish, "\x01\x02", errPropertyValue},
		{"topic alias 0", TypePublish, "\x23\x00\x00", errTopicAlias},
		{"subscription identifier 0", TypePublish, "\x0b\x00", errPropertyValue},
		{"subscription identifier in long form", TypePublish, "\x0b\x81\x00", errLongForm},
		{"subscription identifier of 5 bytes", TypePublish, "\x0b\xff\xff\xff\xff\x01", errLength},
		{"response topic with a wildcard", TypePublish, "\x08\x00\x01#", errTopic},
		{"empty response topic", TypePublish, "\x08\x00\x00", errTopic},
		{"receive maximum 0", TypeConnect, "\x21\x00\x00", errPropertyValue},
		{"maximum packet size 0", TypeConnect, "\x27\x00\x00\x00\x00", errPropertyValue},
		{"request problem information 2", TypeConnect, "\x17\x02", errPropertyValue},
		{"authentication data without method", TypeConnect, "\x16\x00\x01x", errAuthData},
		{"maximum QoS 2", TypeConnack, "\x24\x02", errPropertyValue},
		{"shared available 255", TypeConnack, "\x2a\xff", errPropertyValue},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := []byte(withProperties(test.in, test.p))
			if p, err := decode(b, V5); err != test.want {
				t.Errorf("decode(%x) = %+v, %v; want %v", b, p, err, test.want)
			}
		})
	}
	for _, test := range []struct {
		name, bytes string
		want        error
	}{
		{"length in long form", packet(0x30, "\x00\x01t\x80\x00"), errLongForm},
		{"length of 5 bytes", packet(0x30, "\x00\x01t\xff\xff\xff\xff\x01"), errLength},
		{"length beyond the packet", packet(0x30, "\x00\x01t\x05\x01\x01"), errShort},
	} {
		t.Run(test.name, func(t *testing.T) {
			if p, err := DecodePublish([]byte(test.bytes), V5); err != test.want {
				t.Errorf("DecodePublish(%x) = %+v, %v; want %v", test.bytes, p, err, test.want)
			}
		})
	}
}

func TestPropertiesAreFound(t *testing.T) {
	p := Properties(nil).
		AppendUser([]byte("a"), []byte("1")).
		AppendUint(SubscriptionID, 300).
		AppendBytes(ContentType, []byte("json")).
		AppendUser([]byte("a"), []byte("2")).
		AppendUint(SubscriptionID, 1).
		AppendUint(MessageExpiry, 1<<31)
	if v, ok := p.Uint(MessageExpiry); v != 1<<31 || !ok {
		t.Errorf("Uint(MessageExpiry) = %d, %v; want %d, true", v, ok, 1<<31)
	}
	if got := string(p.Bytes(ContentType)); got != "json" {
		t.Errorf("Bytes(ContentType) = %q; want json", got)
	}
	if got := p.Bytes(CorrelationData); got != nil {
		t.Errorf("Bytes(CorrelationData) = %q; want nil", got)
	}
	var user []string
	for name, value := range p.User() {
		user = append(user, string(name)+"="+string(value))
	}
	if d := diff([]string{"a=1", "a=2"}, user); d != "" {
		t.Errorf("User() differs (-want +got):\n%s", d)
	}
	var ids []uint32
	for id := range p.SubscriptionIDs() {
		ids = append(ids, id)
	}
	if d := diff([]uint32{300, 1}, ids); d != "" {
		t.Errorf("SubscriptionIDs() differs (-want +got):\n%s", d)
	}
}

func TestIterationStopsWhenAsked(t *testing.T) {
	p := Properties(nil).AppendUser(nil, nil).AppendUser(nil, nil).AppendUint(SubscriptionID, 1).AppendUint(SubscriptionID, 2)
	s := Subscriptions(nil).Append(Subscription{Filter: []byte("a")}).Append(Subscription{Filter: []byte("b")})
	f := Filters(nil).Append([]byte("a")).Append([]byte("b"))
	n := 0
	for range p.User() {
		n++
		break
	}
	for range p.SubscriptionIDs() {
		n++
		break
	}
	for range s.All() {
		n++
		break
	}
	for range f.All() {
		n++
		break
	}
	if n != 4 {
		t.Errorf("%d steps; want 4", n)
	}
}

func TestAbsentPropertiesHaveTheMeaningOfTheSpecification(t *testing.T) {
	for id, want := range map[Property]uint32{
		SessionExpiry: 0, ReceiveMaximum: 65535, MaximumQoS: 2, RetainAvailable: 1, MaximumPacketSize: MaxSize,
		TopicAliasMaximum: 0, RequestProblemInfo: 1, RequestResponseInfo: 0, WildcardAvailable: 1,
		SubscriptionIDAvailable: 1, SharedAvailable: 1, WillDelay: 0, PayloadFormat: 0,
	} {
		if v, ok := Properties(nil).Uint(id); v != want || ok {
			t.Errorf("Uint(%#x) = %d, %v; want %d, false", byte(id), v, ok, want)
		}
	}
}
