package mqtt

import (
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	for _, test := range []struct {
		name  string
		bytes string
		limit int
		n     int
		err   error
	}{
		{"nothing yet", "", 100, 2, nil},
		{"type only", "\x30", 100, 2, nil},
		{"half a length", "\x30\x80", 1000, 3, nil},
		{"most of a length", "\x30\x80\x80\x80", MaxSize, 5, nil},
		{"header only", "\x30\x05", 100, 7, nil},
		{"half a packet", "\x30\x05\x00\x03a", 100, 7, nil},
		{"a packet", "\xc0\x00", 100, 2, nil},
		{"a packet and more", "\xc0\x00\xc0\x00\x30", 100, 2, nil},
		{"a packet with a long length", "\x30\x80\x01" + strings.Repeat("x", 128), 1000, 131, nil},
		{"a length in long form", "\x30\x85\x00\x00\x03a/b", 100, 8, nil},
		{"as large as allowed", "\x30\x62", 100, 100, nil},
		{"a byte too large", "\x30\x63", 100, 0, errTooLarge},
		{"the largest there is", "\x30\xff\xff\xff\x7f", MaxSize, MaxSize, nil},
		{"the largest there is, one byte above the limit", "\x30\xff\xff\xff\x7f", MaxSize - 1, 0, errTooLarge},
		{"a length of five bytes", "\x30\xff\xff\xff\xff", MaxSize, 0, errLength},
		{"reserved type", "\x00", 100, 0, errPacketType},
		{"an HTTP request", "GET", 100, 0, errHeaderFlags},
		{"a TLS handshake", "\x16", 100, 0, errHeaderFlags},
		{"QoS 3", "\x36", 100, 0, errQoS},
		{"DUP with QoS 0", "\x38", 100, 0, errDup},
		{"a connect", "\x10", 100, 2, nil},
		{"a subscribe", "\x82", 100, 2, nil},
		{"a subscribe sent again by 3.1", "\x8a", 100, 2, nil},
		{"a subscribe without its flags", "\x80", 100, 0, errHeaderFlags},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := Frame([]byte(test.bytes), test.limit)
			if n != test.n || err != test.err {
				t.Errorf("Frame(%x, %d) = %d, %v; want %d, %v", test.bytes, test.limit, n, err, test.n, test.err)
			}
		})
	}
}

func TestVarintIsReadAsItWasWritten(t *testing.T) {
	for _, x := range []int{0, 1, 127, 128, 16383, 16384, 2097151, 2097152, maxVarint} {
		b := appendVarint(nil, x)
		if got, width := varint(b); got != x || width != len(b) || width != varintWidth(x) {
			t.Errorf("varint(%x) = %d, %d; want %d, %d", b, got, width, x, varintWidth(x))
		}
	}
}

func TestMisuseIsABug(t *testing.T) {
	for _, test := range []struct {
		name string
		f    func()
	}{
		{"topic", func() { Publish{Topic: make([]byte, 0x10000)}.Append(nil, V311) }},
		{"payload", func() { Publish{Topic: []byte("t")}.AppendHeader(nil, V311, maxVarint) }},
		{"number as bytes", func() { Properties(nil).AppendBytes(ReceiveMaximum, nil) }},
		{"bytes as number", func() { Properties(nil).AppendUint(ReasonString, 1) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			test.f()
		})
	}
}
