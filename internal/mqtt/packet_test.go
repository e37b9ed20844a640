package mqtt

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var versions = []Version{V31, V311, V5}

// decode decodes a packet of any type. A ping is its Type.
func decode(b []byte, v Version) (any, error) {
	if len(b) == 0 {
		return nil, errShort
	}
	switch t := TypeOf(b); t {
	case TypeConnect:
		c, err := DecodeConnect(b)
		return c, err
	case TypeConnack:
		return DecodeConnack(b, v)
	case TypePublish:
		return DecodePublish(b, v)
	case TypePuback, TypePubrec, TypePubrel, TypePubcomp:
		return DecodeAck(b, v)
	case TypeSubscribe:
		return DecodeSubscribe(b, v)
	case TypeSuback:
		return DecodeSuback(b, v)
	case TypeUnsubscribe:
		return DecodeUnsubscribe(b, v)
	case TypeUnsuback:
		return DecodeUnsuback(b, v)
	case TypePingreq, TypePingresp:
		return t, DecodePing(b, v)
	case TypeDisconnect:
		return DecodeDisconnect(b, v)
	case TypeAuth:
		return DecodeAuth(b, v)
	}
	return nil, errPacketType
}

// encode appends what decode returned.
func encode(dst []byte, p any, v Version) []byte {
	switch p := p.(type) {
	case Connect:
		return p.Append(dst)
	case Auth:
		return p.Append(dst)
	case interface{ Append([]byte, Version) []byte }:
		return p.Append(dst, v)
	case Type:
		if p == TypePingreq {
			return AppendPingreq(dst)
		}
		return AppendPingresp(dst)
	}
	panic(fmt.Sprintf("not a packet: %T", p))
}

// diff compares packets. Nil and empty are equal in them, but for the user name
// and password, where the bytes on the wire tell.
func diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

func TestPacketStandsForItsBytes(t *testing.T) {
	some := func(s string) []byte { return []byte(s) }
	v3, v31, v311, v5 := versions[:2], versions[:1], versions[1:2], versions[2:]
	for _, test := range []struct {
		name     string
		versions []Version
		bytes    string
		packet   any
	}{
		{"connect 3.1", v31,
			"\x10\x13\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x05dev-1",
			Connect{Version: V31, CleanStart: true, KeepAlive: 60, ClientID: some("dev-1")}},
		{"connect 3.1.1 with everything", v311,
			"\x10\x25\x00\x04MQTT\x04\xec\x04\xb0\x00\x05dev-1\x00\x01w\x00\x04gone\x00\x04user\x00\x03\xff\x00\x01",
			Connect{Version: V311, KeepAlive: 1200, ClientID: some("dev-1"),
				Will:     Will{QoS: 1, Retain: true, Topic: some("w"), Payload: some("gone")},
				Username: some("user"), Password: some("\xff\x00\x01")}},
		{"connect 3.1.1 of a stock client, line break in the client identifier", v311,
			"\x10\x22\x00\x04MQTT\x04\xc0\x00\x3c\x00\x09a|b=3,\n |\x00\x04dn&p\x00\x05ABCDE",
			Connect{Version: V311, KeepAlive: 60, ClientID: some("a|b=3,\n |"), Username: some("dn&p"), Password: some("ABCDE")}},
		{"connect 3.1.1 with empty user name and password", v311,
			"\x10\x10\x00\x04MQTT\x04\xc2\x00\x00\x00\x00\x00\x00\x00\x00",
			Connect{Version: V311, CleanStart: true, Username: some(""), Password: some("")}},
		{"connect 5.0 with everything", v5,
			"\x10\x41\x00\x04MQTT\x05\xf6\x00\x0a\x08\x11\x00\x00\x00\x1e\x21\x00\x14\x00\x03cid" +
				"\x0f\x18\x00\x00\x00\x05\x01\x01\x03\x00\x01j\x09\x00\x01z\x00\x04will\x00\x03bye\x00\x04user\x00\x06secret",
			Connect{Version: V5, CleanStart: true, KeepAlive: 10, ClientID: some("cid"),
				Properties: Properties(nil).AppendUint(SessionExpiry, 30).AppendUint(ReceiveMaximum, 20),
				Will: Will{QoS: 2, Retain: true, Topic: some("will"), Payload: some("bye"),
					Properties: Properties(nil).AppendUint(WillDelay, 5).AppendUint(PayloadFormat, 1).
						AppendBytes(ContentType, some("j")).AppendBytes(CorrelationData, some("z"))},
				Username: some("user"), Password: some("secret")}},
		{"connect 5.0 with a password alone", v5,
			"\x10\x12\x00\x04MQTT\x05\x42\x00\x00\x00\x00\x00\x00\x03jwt",
			Connect{Version: V5, CleanStart: true, Password: some("jwt")}},
		{"connack accepted", v3, "\x20\x02\x00\x00", Connack{}},
		{"connack with a session", v311, "\x20\x02\x01\x00", Connack{SessionPresent: true}},
		{"connack unsupported version", v3, "\x20\x02\x00\x01", Connack{Code: UnsupportedVersion}},
		{"connack client identifier", v3, "\x20\x02\x00\x02", Connack{Code: ClientIDNotValid}},
		{"connack unavailable", v3, "\x20\x02\x00\x03", Connack{Code: ServerUnavailable}},
		{"connack bad password", v3, "\x20\x02\x00\x04", Connack{Code: BadUserNameOrPassword}},
		{"connack not authorized", v3, "\x20\x02\x00\x05", Connack{Code: NotAuthorized}},
		{"connack 5.0, bare", v5, "\x20\x03\x00\x00\x00", Connack{}},
		{"connack 5.0, refused", v5, "\x20\x0d\x00\x86\x0a\x1f\x00\x07no such",
			Connack{Code: BadUserNameOrPassword, Properties: Properties(nil).AppendBytes(ReasonString, some("no such"))}},
		{"connack 5.0 with every limit", v5,
			"\x20\x29\x01\x00\x26\x11\x00\x00\x0e\x10\x21\x00\x0a\x24\x01\x25\x01\x27\x00\x04\x00\x00\x12\x00\x02id" +
				"\x22\x00\x14\x28\x01\x29\x00\x2a\x01\x13\x01\x2c\x1a\x00\x01r",
			Connack{SessionPresent: true, Properties: Properties(nil).AppendUint(SessionExpiry, 3600).
				AppendUint(ReceiveMaximum, 10).AppendUint(MaximumQoS, 1).AppendUint(RetainAvailable, 1).
				AppendUint(MaximumPacketSize, 262144).AppendBytes(AssignedClientID, some("id")).
				AppendUint(TopicAliasMaximum, 20).AppendUint(WildcardAvailable, 1).
				AppendUint(SubscriptionIDAvailable, 0).AppendUint(SharedAvailable, 1).
				AppendUint(ServerKeepAlive, 300).AppendBytes(ResponseInfo, some("r"))}},
		{"publish QoS 0", v3, "\x30\x07\x00\x03a/bhi", Publish{Topic: some("a/b"), Payload: some("hi")}},
		{"publish QoS 0 without payload", v3, "\x31\x05\x00\x03a/b", Publish{Retain: true, Topic: some("a/b")}},
		{"publish QoS 1 again", v3, "\x3a\x09\x00\x03a/b\x12\x34hi",
			Publish{Dup: true, QoS: 1, PacketID: 0x1234, Topic: some("a/b"), Payload: some("hi")}},
		{"publish QoS 2, which a server must read to refuse", v3, "\x34\x07\x00\x03a/b\x00\x01",
			Publish{QoS: 2, PacketID: 1, Topic: some("a/b")}},
		{"publish 5.0", v5, "\x32\x0a\x00\x03a/b\x00\x07\x00hi",
			Publish{QoS: 1, PacketID: 7, Topic: some("a/b"), Payload: some("hi")}},
		{"publish 5.0 with properties", v5,
			"\x30\x2c\x00\x01t\x23\x01\x01\x02\x00\x00\x00\x3c\x23\x00\x05\x08\x00\x01r\x09\x00\x02\x00\xff\x03\x00\x01j" +
				"\x26\x00\x01k\x00\x01v\x0b\x80\x01\x0b\x02!!!!!",
			Publish{Topic: some("t"), Payload: some("!!!!!"), Properties: Properties(nil).AppendUint(PayloadFormat, 1).
				AppendUint(MessageExpiry, 60).AppendUint(TopicAlias, 5).AppendBytes(ResponseTopic, some("r")).
				AppendBytes(CorrelationData, some("\x00\xff")).AppendBytes(ContentType, some("j")).
				AppendUser(some("k"), some("v")).AppendUint(SubscriptionID, 128).AppendUint(SubscriptionID, 2)}},
		{"publish 5.0 to an alias", v5, "\x30\x07\x00\x00\x03\x23\x00\x01x",
			Publish{Properties: Properties(nil).AppendUint(TopicAlias, 1), Payload: some("x")}},
		{"puback", versions, "\x40\x02\x12\x34", Ack{Type: TypePuback, PacketID: 0x1234}},
		{"pubrec", versions, "\x50\x02\x00\x01", Ack{Type: TypePubrec, PacketID: 1}},
		{"pubrel", versions, "\x62\x02\x00\x01", Ack{Type: TypePubrel, PacketID: 1}},
		{"pubcomp", versions, "\x70\x02\x00\x01", Ack{Type: TypePubcomp, PacketID: 1}},
		{"puback 5.0 with a code", v5, "\x40\x03\x00\x01\x87", Ack{Type: TypePuback, PacketID: 1, Code: NotAuthorized}},
		{"puback 5.0 with a reason", v5, "\x40\x0a\x00\x01\x97\x06\x1f\x00\x03why",
			Ack{Type: TypePuback, PacketID: 1, Code: QuotaExceeded, Properties: Properties(nil).AppendBytes(ReasonString, some("why"))}},
		{"pubrel 5.0 with a code", v5, "\x62\x03\x00\x01\x92", Ack{Type: TypePubrel, PacketID: 1, Code: PacketIDNotFound}},
		{"subscribe", v3, "\x82\x0c\x00\x0a\x00\x03a/+\x01\x00\x01#\x00",
			Subscribe{PacketID: 10, Subscriptions: Subscriptions(nil).
				Append(Subscription{Filter: some("a/+"), QoS: 1}).Append(Subscription{Filter: some("#")})}},
		{"subscribe 5.0", v5, "\x82\x0b\x00\x0a\x02\x0b\x07\x00\x03a/#\x2d",
			Subscribe{PacketID: 10, Properties: Properties(nil).AppendUint(SubscriptionID, 7),
				Subscriptions: Subscriptions(nil).Append(Subscription{Filter: some("a/#"), QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2})}},
		{"suback", v3, "\x90\x06\x00\x0a\x00\x01\x02\x80", Suback{PacketID: 10, Codes: some("\x00\x01\x02\x80")}},
		{"suback 5.0", v5, "\x90\x05\x00\x0a\x00\x01\x8f", Suback{PacketID: 10, Codes: some("\x01\x8f")}},
		{"unsubscribe", v3, "\xa2\x08\x00\x0b\x00\x01a\x00\x01b",
			Unsubscribe{PacketID: 11, Filters: Filters(nil).Append(some("a")).Append(some("b"))}},
		{"unsubscribe 5.0", v5, "\xa2\x0d\x00\x0b\x07\x26\x00\x01k\x00\x01v\x00\x01a",
			Unsubscribe{PacketID: 11, Properties: Properties(nil).AppendUser(some("k"), some("v")), Filters: Filters(nil).Append(some("a"))}},
		{"unsuback", v3, "\xb0\x02\x00\x0b", Unsuback{PacketID: 11}},
		{"unsuback 5.0", v5, "\xb0\x05\x00\x0b\x00\x00\x11", Unsuback{PacketID: 11, Codes: some("\x00\x11")}},
		{"pingreq", versions, "\xc0\x00", TypePingreq},
		{"pingresp", versions, "\xd0\x00", TypePingresp},
		{"disconnect", versions, "\xe0\x00", Disconnect{}},
		{"disconnect 5.0 with a code", v5, "\xe0\x01\x8e", Disconnect{Code: SessionTakenOver}},
		{"disconnect 5.0 with properties", v5, "\xe0\x07\x00\x05\x11\x00\x00\x00\x00",
			Disconnect{Properties: Properties(nil).AppendUint(SessionExpiry, 0)}},
		{"auth", v5, "\xf0\x00", Auth{}},
		{"auth with a method", v5, "\xf0\x0d\x18\x0b\x15\x00\x03psk\x16\x00\x02\x00\x01",
			Auth{Code: ContinueAuthentication, Properties: Properties(nil).AppendBytes(AuthMethod, some("psk")).AppendBytes(AuthData, some("\x00\x01"))}},
	} {
		for _, v := range test.versions {
			t.Run(fmt.Sprintf("%s/%v", test.name, v), func(t *testing.T) {
				got, err := decode([]byte(test.bytes), v)
				if err != nil {
					t.Fatalf("decode(%x) = %v", test.bytes, err)
				}
				if d := diff(test.packet, got); d != "" {
					t.Errorf("decode(%x) differs (-want +got):\n%s", test.bytes, d)
				}
				if got := encode(nil, test.packet, v); string(got) != test.bytes {
					t.Errorf("encode(%+v) =\n%x; want\n%x", test.packet, got, test.bytes)
				}
			})
		}
	}
}
