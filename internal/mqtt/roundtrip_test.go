package mqtt

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryPacketIsDecodedAsItWasEncoded(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), rapid.MakeCheck(func(t *rapid.T) {
			want := generator{T: t, v: v}.packet()
			before := []byte("before")
			b := encode(before, want, v)[len(before):]
			if n, err := Frame(b, len(b)); n != len(b) || err != nil {
				t.Fatalf("Frame(%x) = %d, %v; want %d", b, n, err, len(b))
			}
			got, err := decode(b, v)
			if err != nil {
				t.Fatalf("decode(%x) = %v; want %+v", b, err, want)
			}
			if d := diff(want, got); d != "" {
				t.Fatalf("decode(%x) differs (-want +got):\n%s", b, d)
			}
			if again := encode(nil, got, v); !bytes.Equal(again, b) {
				t.Fatalf("encode(decode(%x)) = %x", b, again)
			}
		}))
	}
}

// Whatever a stream is cut into, and however a packet is cut short, nothing but
// the whole is taken for a packet.
func TestNoPartOfAPacketIsAPacket(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), rapid.MakeCheck(func(t *rapid.T) {
			b := encode(nil, generator{T: t, v: v}.packet(), v)
			for n := range b {
				if need, err := Frame(b[:n], len(b)); err != nil || need <= n || need > len(b) {
					t.Fatalf("Frame(%x) = %d, %v; want more than %d", b[:n], need, err, n)
				}
				if p, err := decode(b[:n], v); err == nil {
					t.Fatalf("decode(%x) = %+v; want an error", b[:n], p)
				}
			}
			if p, err := decode(append(b, 0), v); err != errTrailing {
				t.Fatalf("decode(%x 00) = %+v, %v; want %v", b, p, err, errTrailing)
			}
		}))
	}
}

func TestAppendHeaderLeavesRoomForThePayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generator{T: t, v: rapid.SampledFrom(versions).Draw(t, "version")}
		p := g.publish()
		want := p.Append(nil, g.v)
		whole := p.Payload
		p.Payload = nil
		cut := g.number(len(whole))
		got := p.AppendHeader(nil, g.v, len(whole))
		got = append(append(got, whole[:cut]...), whole[cut:]...)
		if !bytes.Equal(got, want) {
			t.Fatalf("header and payload = %x; want %x", got, want)
		}
	})
}

func TestDecodedSlicesCannotGrowIntoTheirNeighbours(t *testing.T) {
	b := Publish{Topic: []byte("a/b"), Payload: []byte("payload")}.Append(nil, V311)
	saved := bytes.Clone(b)
	p, err := DecodePublish(b, V311)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(p.Topic, "xyz"...)
	if !bytes.Equal(b, saved) {
		t.Errorf("packet after appending to its topic = %q; want %q", b, saved)
	}

	stream := Subscribe{PacketID: 1, Subscriptions: Subscriptions(nil).Append(Subscription{Filter: []byte("a")})}.Append(nil, V311)
	end := len(stream)
	stream = AppendPingreq(stream)
	saved = bytes.Clone(stream)
	s, err := DecodeSubscribe(stream[:end], V311)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Subscriptions.Append(Subscription{Filter: []byte("b")})
	if !bytes.Equal(stream, saved) {
		t.Errorf("stream after appending to subscriptions = %x; want %x", stream, saved)
	}
}

func TestOlderVersionsAreToldWhatTheyUnderstand(t *testing.T) {
	for _, test := range []struct {
		name   string
		v      Version
		packet any
		want   string
	}{
		{"server busy is server unavailable", V311, Connack{Code: ServerBusy}, "\x20\x02\x00\x03"},
		{"banned is not authorized", V311, Connack{Code: Banned}, "\x20\x02\x00\x05"},
		{"no session present in a refusal", V311, Connack{SessionPresent: true, Code: NotAuthorized}, "\x20\x02\x00\x05"},
		{"no session present in 3.1", V31, Connack{SessionPresent: true}, "\x20\x02\x00\x00"},
		{"every refused subscription is a failure", V311, Suback{PacketID: 1, Codes: []byte{1, byte(NotAuthorized)}}, "\x90\x04\x00\x01\x01\x80"},
		{"no codes in an answer to unsubscribe", V311, Unsuback{PacketID: 1, Codes: []byte{0}}, "\xb0\x02\x00\x01"},
		{"no code in an acknowledgement", V311, Ack{Type: TypePuback, PacketID: 1, Code: NotAuthorized}, "\x40\x02\x00\x01"},
		{"no properties", V311, Publish{Topic: []byte("t"), Properties: Properties(nil).AppendUint(TopicAlias, 1)}, "\x30\x03\x00\x01t"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := encode(nil, test.packet, test.v); string(got) != test.want {
				t.Errorf("encode(%+v) = %x; want %x", test.packet, got, test.want)
			}
		})
	}
}
