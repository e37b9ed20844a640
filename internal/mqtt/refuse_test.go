package mqtt

import (
	"fmt"
	"strings"
	"testing"
)

// packet puts a fixed header ahead of a body of less than 128 bytes.
func packet(first byte, body string) string {
	return string([]byte{first, byte(len(body))}) + body
}

func TestMalformedPacketsAreRefused(t *testing.T) {
	v3, v31, v311, v5 := versions[:2], versions[:1], versions[1:2], versions[2:]
	since311 := versions[1:]
	type refusal struct {
		name     string
		versions []Version
		bytes    string
		want     error
	}
	for _, test := range []refusal{
		// Fixed header.
		{"reserved type", versions, "\x00\x00", errPacketType},
		{"auth before 5.0", v3, "\xf0\x00", errVersionType},
		{"flags of a connack", versions, "\x21\x02\x00\x00", errHeaderFlags},
		{"flags of a puback", versions, "\x42\x02\x00\x01", errHeaderFlags},
		{"flags of a pubrel", versions, "\x60\x02\x00\x01", errHeaderFlags},
		{"flags of a subscribe", versions, "\x80\x06\x00\x01\x00\x01a\x00", errHeaderFlags},
		{"flags of an unsubscribe", versions, "\xa3\x05\x00\x01\x00\x01a", errHeaderFlags},
		{"flags of a pingreq", versions, "\xc8\x00", errHeaderFlags},
		{"flags of a disconnect", versions, "\xe1\x00", errHeaderFlags},
		{"flags of an auth", v5, "\xf1\x00", errHeaderFlags},
		{"pubrel with DUP", since311, "\x6a\x02\x00\x01", errHeaderFlags},
		{"subscribe with DUP", since311, "\x8a\x06\x00\x01\x00\x01a\x00", errHeaderFlags},
		{"unsubscribe with DUP", since311, "\xaa\x05\x00\x01\x00\x01a", errHeaderFlags},
		{"remaining length of 5 bytes", versions, "\x30\x80\x80\x80\x80\x01", errLength},
		{"remaining length in long form", v5, "\xc0\x80\x00", errLongForm},
		{"body shorter than its length", versions, "\x40\x02\x00", errShort},
		{"bytes after the packet", versions, "\xc0\x00\x00", errTrailing},
		{"bytes after a connack", v3, packet(0x20, "\x00\x00\x00"), errTrailing},
		{"bytes after a puback", v3, packet(0x40, "\x00\x01\x00"), errTrailing},
		{"bytes after an unsuback", v3, packet(0xb0, "\x00\x01\x00"), errTrailing},
		{"bytes after a disconnect", v3, packet(0xe0, "\x00"), errTrailing},
		{"pingreq with a body", versions, packet(0xc0, "\x00"), errTrailing},

		// PUBLISH.
		{"QoS 3", versions, packet(0x36, "\x00\x01t\x00\x01"), errQoS},
		{"DUP with QoS 0", versions, packet(0x38, "\x00\x01t"), errDup},
		{"publish without packet id", versions, packet(0x32, "\x00\x01t"), errShort},
		{"publish with packet id 0", versions, packet(0x32, "\x00\x01t\x00\x00\x00"), errPacketID},
		{"topic longer than the packet", versions, packet(0x30, "\x00\x05t"), errShort},
		{"empty topic", v3, packet(0x30, "\x00\x00"), errTopic},
		{"neither topic nor alias", v5, packet(0x30, "\x00\x00\x00"), errTopicOrAlias},
		{"+ in a topic", versions, packet(0x30, "\x00\x03a/+\x00"), errTopic},
		{"# in a topic", versions, packet(0x30, "\x00\x03a/#\x00"), errTopic},
		{"U+0000 in a topic", versions, packet(0x30, "\x00\x03a\x00b\x00"), errText},
		{"surrogate in a topic", versions, packet(0x30, "\x00\x03\xed\xa0\x80\x00"), errText},
		{"overlong form in a topic", versions, packet(0x30, "\x00\x02\xc0\xaf\x00"), errText},
		{"U+0000 in overlong form", versions, packet(0x30, "\x00\x02\xc0\x80\x00"), errText},
		{"beyond U+10FFFF", versions, packet(0x30, "\x00\x04\xf4\x90\x80\x80\x00"), errText},
		{"half a character", versions, packet(0x30, "\x00\x02\xe4\xb8\x00"), errText},
		{"publish 5.0 without property length", v5, packet(0x30, "\x00\x01t"), errShort},

		// PUBACK, PUBREC, PUBREL, PUBCOMP.
		{"puback with packet id 0", versions, packet(0x40, "\x00\x00"), errPacketID},
		{"pubrec with packet id 0", versions, packet(0x50, "\x00\x00"), errPacketID},
		{"pubrel with packet id 0", versions, packet(0x62, "\x00\x00"), errPacketID},
		{"pubcomp with packet id 0", versions, packet(0x70, "\x00\x00"), errPacketID},
		{"puback without packet id", versions, packet(0x40, ""), errShort},
		{"puback with a code of pubrel", v5, packet(0x40, "\x00\x01\x92"), errCode},
		{"pubrel with a code of puback", v5, packet(0x62, "\x00\x01\x10"), errCode},
		{"puback with an undefined code", v5, packet(0x40, "\x00\x01\x7f"), errCode},
		{"bytes after the properties of a puback", v5, packet(0x40, "\x00\x01\x00\x00\x00"), errTrailing},

		// SUBSCRIBE, SUBACK.
		{"subscribe with packet id 0", versions, packet(0x82, "\x00\x00\x00\x00\x01a\x00"), errPacketID},
		{"subscribe to nothing", v3, packet(0x82, "\x00\x01"), errNoFilters},
		{"subscribe 5.0 to nothing", v5, packet(0x82, "\x00\x01\x00"), errNoFilters},
		{"subscribe without options", v3, packet(0x82, "\x00\x01\x00\x01a"), errShort},
		{"subscribe to an empty filter", v3, packet(0x82, "\x00\x01\x00\x00\x00"), errFilter},
		{"subscribe to a#", v3, packet(0x82, "\x00\x01\x00\x02a#\x00"), errFilter},
		{"subscribe to U+0000", v3, packet(0x82, "\x00\x01\x00\x01\x00\x00"), errText},
		{"second filter is bad", v3, packet(0x82, "\x00\x01\x00\x01a\x00\x00\x02a+\x00"), errFilter},
		{"subscribe with QoS 3", v3, packet(0x82, "\x00\x01\x00\x01a\x03"), errQoS},
		{"options of 5.0 in an older version", v3, packet(0x82, "\x00\x01\x00\x01a\x04"), errSubscription},
		{"reserved options", v5, packet(0x82, "\x00\x01\x00\x00\x01a\x40"), errSubscription},
		{"subscribe 5.0 with QoS 3", v5, packet(0x82, "\x00\x01\x00\x00\x01a\x03"), errQoS},
		{"retain handling 3", v5, packet(0x82, "\x00\x01\x00\x00\x01a\x30"), errRetainHandling},
		{"share without a filter", v5, packet(0x82, "\x00\x01\x00\x00\x08$share/g\x00"), errShare},
		{"share without a name", v5, packet(0x82, "\x00\x01\x00\x00\x09$share//a\x00"), errShare},
		{"share with a wildcard in its name", v5, packet(0x82, "\x00\x01\x00\x00\x0a$share/+/a\x00"), errShare},
		{"share with no local", v5, packet(0x82, "\x00\x01\x00\x00\x0a$share/g/a\x04"), errShareNoLocal},
		{"suback with packet id 0", v3, packet(0x90, "\x00\x00\x00"), errPacketID},
		{"suback without codes", v3, packet(0x90, "\x00\x01"), errNoCodes},
		{"suback 5.0 without codes", v5, packet(0x90, "\x00\x01\x00"), errNoCodes},
		{"suback with a code of 5.0", v3, packet(0x90, "\x00\x01\x87"), errCode},
		{"suback with QoS 3", versions, packet(0x90, "\x00\x01\x00\x03"), errCode},

		// UNSUBSCRIBE, UNSUBACK.
		{"unsubscribe with packet id 0", versions, packet(0xa2, "\x00\x00\x00\x00\x01a"), errPacketID},
		{"unsubscribe from nothing", v3, packet(0xa2, "\x00\x01"), errNoFilters},
		{"unsubscribe 5.0 from nothing", v5, packet(0xa2, "\x00\x01\x00"), errNoFilters},
		{"unsubscribe from an empty filter", v3, packet(0xa2, "\x00\x01\x00\x00"), errFilter},
		{"unsubscribe from #/a", v3, packet(0xa2, "\x00\x01\x00\x03#/a"), errFilter},
		{"unsuback with packet id 0", versions, packet(0xb0, "\x00\x00"), errPacketID},
		{"unsuback 5.0 without codes", v5, packet(0xb0, "\x00\x01\x00"), errNoCodes},
		{"unsuback with granted QoS 1", v5, packet(0xb0, "\x00\x01\x00\x01"), errCode},

		// DISCONNECT, AUTH.
		{"disconnect with a code of connack", v5, packet(0xe0, "\x86"), errCode},
		{"disconnect without property length bytes", v5, packet(0xe0, "\x00\x05\x11"), errShort},
		{"auth with an undefined code", v5, packet(0xf0, "\x01\x00"), errCode},
		{"auth without method", v5, packet(0xf0, "\x18\x00"), errAuthMethod},
		{"auth cut after its code", v5, packet(0xf0, "\x18"), errAuthMethod},

		// CONNACK.
		{"connack flags", versions, packet(0x20, "\x02\x00\x00"), errConnackFlags},
		{"session present in 3.1", v31, packet(0x20, "\x01\x00"), errConnackFlags},
		{"session present in a refusal", v311, packet(0x20, "\x01\x05"), errSessionPresent},
		{"session present in a refusal 5.0", v5, packet(0x20, "\x01\x87\x00"), errSessionPresent},
		{"reserved return code", v3, packet(0x20, "\x00\x06"), errCode},
		{"connack with a code of puback", v5, packet(0x20, "\x00\x10\x00"), errCode},
		{"connack 5.0 without property length", v5, packet(0x20, "\x00\x00"), errShort},
	} {
		for _, v := range test.versions {
			t.Run(fmt.Sprintf("%s/%v", test.name, v), func(t *testing.T) {
				got, err := decode([]byte(test.bytes), v)
				if err != test.want {
					t.Errorf("decode(%x) = %+v, %v; want %v", test.bytes, got, err, test.want)
				}
			})
		}
	}
}

func TestMalformedConnectsAreRefused(t *testing.T) {
	const head31, head311, head5 = "\x00\x06MQIsdp\x03", "\x00\x04MQTT\x04", "\x00\x04MQTT\x05"
	const none = Version(0)
	for _, test := range []struct {
		name  string
		bytes string
		want  error
		v     Version // to answer in
	}{
		{"another protocol", packet(0x10, "\x00\x04AMQP\x04\x02\x00\x00\x00\x00"), errProtocolName, none},
		{"name in lower case", packet(0x10, "\x00\x04mqtt\x04\x02\x00\x00\x00\x00"), errProtocolName, none},
		{"no body", packet(0x10, ""), errShort, none},
		{"name only", packet(0x10, "\x00\x04MQTT"), errShort, none},
		{"fixed header flags", packet(0x11, head311+"\x02\x00\x00\x00\x00"), errHeaderFlags, none},
		{"level 6", packet(0x10, "\x00\x04MQTT\x06\x02\x00\x00\x00\x00"), errProtocolLevel, V5},
		{"level 3 by the new name", packet(0x10, "\x00\x04MQTT\x03\x02\x00\x00\x00\x00"), errProtocolLevel, V311},
		{"level 4 by the old name", packet(0x10, "\x00\x06MQIsdp\x04\x02\x00\x00\x00\x01a"), errProtocolLevel, V311},
		{"level of a bridge", packet(0x10, "\x00\x04MQTT\x84\x02\x00\x00\x00\x00"), errProtocolLevel, V5},
		{"level and nothing else", packet(0x10, "\x00\x04MQTT\x09"), errProtocolLevel, V5},
		{"reserved flag", packet(0x10, head311+"\x03\x00\x00\x00\x00"), errConnectFlags, V311},
		{"reserved flag 3.1", packet(0x10, head31+"\x03\x00\x00\x00\x01a"), errConnectFlags, V31},
		{"reserved flag 5.0", packet(0x10, head5+"\x03\x00\x00\x00\x00\x00"), errConnectFlags, V5},
		{"will QoS without will", packet(0x10, head311+"\x0a\x00\x00\x00\x00"), errWillFlags, V311},
		{"will retain without will", packet(0x10, head5+"\x22\x00\x00\x00\x00\x00"), errWillFlags, V5},
		{"will QoS 3", packet(0x10, head311+"\x1e\x00\x00\x00\x00\x00\x01w\x00\x00"), errWillQoS, V311},
		{"will without topic", packet(0x10, head311+"\x06\x00\x00\x00\x00\x00\x00\x00\x00"), errTopic, V311},
		{"will to a wildcard", packet(0x10, head311+"\x06\x00\x00\x00\x00\x00\x01#\x00\x00"), errTopic, V311},
		{"will missing", packet(0x10, head311+"\x06\x00\x00\x00\x00"), errShort, V311},
		{"password without user name", packet(0x10, head311+"\x42\x00\x00\x00\x00\x00\x01p"), errPassword, V311},
		{"password without user name 3.1", packet(0x10, head31+"\x42\x00\x00\x00\x01a\x00\x01p"), errPassword, V31},
		{"user name missing", packet(0x10, head311+"\x82\x00\x00\x00\x00"), errShort, V311},
		{"password missing", packet(0x10, head311+"\xc2\x00\x00\x00\x00\x00\x01u"), errShort, V311},
		{"user name not UTF-8", packet(0x10, head311+"\x82\x00\x00\x00\x00\x00\x01\xff"), errText, V311},
		{"client identifier not UTF-8", packet(0x10, head311+"\x02\x00\x00\x00\x01\xff"), errText, V311},
		{"client identifier with U+0000", packet(0x10, head311+"\x02\x00\x00\x00\x01\x00"), errText, V311},
		{"no client identifier for a kept session", packet(0x10, head311+"\x00\x00\x00\x00\x00"), errClientID, V311},
		{"no client identifier in 3.1", packet(0x10, head31+"\x02\x00\x00\x00\x00"), errClientID, V31},
		{"bytes after the end", packet(0x10, head311+"\x02\x00\x00\x00\x00\x00"), errTrailing, V311},
		{"remaining length in long form 5.0", "\x10\x8d\x00" + head5 + "\x02\x00\x00\x00\x00\x00", errLongForm, V5},
		{"no properties 5.0", packet(0x10, head5+"\x02\x00\x00"), errShort, V5},
		{"property of a will outside it", packet(0x10, head5+"\x02\x00\x00\x05\x18\x00\x00\x00\x01\x00\x00"), errProperty, V5},
		{"property of a connect in its will", packet(0x10, head5+"\x06\x00\x00\x00\x00\x00\x03\x21\x00\x01\x00\x01w\x00\x00"), errProperty, V5},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := DecodeConnect([]byte(test.bytes))
			if err != test.want || c.Version != test.v {
				t.Errorf("DecodeConnect(%x) = version %d, %v; want version %d, %v", test.bytes, c.Version, err, test.v, test.want)
			}
			if d := diff(Connect{Version: c.Version}, c); d != "" {
				t.Errorf("DecodeConnect(%x) returns more than a version (-want +got):\n%s", test.bytes, d)
			}
		})
	}
}

func TestOldClientsAreIndulged(t *testing.T) {
	for _, test := range []struct {
		name  string
		bytes string
		want  any
	}{
		{"DUP on a subscribe sent again", packet(0x8a, "\x00\x01\x00\x01a\x00"),
			Subscribe{PacketID: 1, Subscriptions: Subscriptions(nil).Append(Subscription{Filter: []byte("a")})}},
		{"DUP on a pubrel sent again", packet(0x6a, "\x00\x01"), Ack{Type: TypePubrel, PacketID: 1}},
		{"will flags without a will", packet(0x10, "\x00\x06MQIsdp\x03\x3a\x00\x00\x00\x01a"),
			Connect{Version: V31, CleanStart: true, ClientID: []byte("a")}},
		{"user name and password missing", packet(0x10, "\x00\x06MQIsdp\x03\xc2\x00\x00\x00\x01a"),
			Connect{Version: V31, CleanStart: true, ClientID: []byte("a")}},
		{"password missing", packet(0x10, "\x00\x06MQIsdp\x03\xc2\x00\x00\x00\x01a\x00\x01u"),
			Connect{Version: V31, CleanStart: true, ClientID: []byte("a"), Username: []byte("u")}},
		{"client identifier of more than 23 characters", packet(0x10, "\x00\x06MQIsdp\x03\x02\x00\x00\x00\x28"+strings.Repeat("abcd", 10)),
			Connect{Version: V31, CleanStart: true, ClientID: []byte(strings.Repeat("abcd", 10))}},
		{"remaining length in long form", "\xc0\x80\x00", TypePingreq},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode([]byte(test.bytes), V31)
			if err != nil {
				t.Fatalf("decode(%x) = %v", test.bytes, err)
			}
			if d := diff(test.want, got); d != "" {
				t.Errorf("decode(%x) differs (-want +got):\n%s", test.bytes, d)
			}
		})
	}
}

func TestDecodersTakeTheirOwnTypeOnly(t *testing.T) {
	ping := AppendPingreq(nil)
	publish := Publish{Topic: []byte("t")}.Append(nil, V5)
	for _, test := range []struct {
		name string
		got  error
	}{
		{"connect", second(DecodeConnect(ping))},
		{"connack", second(DecodeConnack(ping, V5))},
		{"publish", second(DecodePublish(ping, V5))},
		{"ack", second(DecodeAck(ping, V5))},
		{"subscribe", second(DecodeSubscribe(ping, V5))},
		{"suback", second(DecodeSuback(ping, V5))},
		{"unsubscribe", second(DecodeUnsubscribe(ping, V5))},
		{"unsuback", second(DecodeUnsuback(ping, V5))},
		{"ping", DecodePing(publish, V5)},
		{"disconnect", second(DecodeDisconnect(ping, V5))},
		{"auth", second(DecodeAuth(ping, V5))},
	} {
		if test.got != errOtherType {
			t.Errorf("decode %s of another type = %v; want %v", test.name, test.got, errOtherType)
		}
	}
}

func second[T any](_ T, err error) error { return err }
