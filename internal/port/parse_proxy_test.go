package port

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// header makes a PROXY header: its command, its family, and what follows.
func header(command, family byte, rest string) string {
	return proxySignature + string([]byte{command, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

const (
	ends4 = "\xc0\x00\x02\x01" + "\xc6\x33\x64\x01" + "\x12\x34" + "\x07\x5b" // 192.0.2.1 to 198.51.100.1
	ends6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x12\x34" + "\x07\x5b"
	mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01"
)

func field(kind byte, value string) string {
	return string([]byte{kind, byte(len(value) >> 8), byte(len(value))}) + value
}

var proxyHeaders = []struct {
	name   string
	header string
	addr   string // "": none
	secure bool
	err    error
}{
	{"IPv4", header(0x21, 0x11, ends4), "192.0.2.1", false, nil},
	{"IPv6", header(0x21, 0x21, ends6), "2001:db8::1", false, nil},
	{"IPv4 as IPv6", header(0x21, 0x21, mapped+ends6[16:]), "192.0.2.1", false, nil},
	{"fields", header(0x21, 0x11, ends4+field(0x01, "mqtt")+field(0x04, "")+field(0xea, "vpce-1")), "192.0.2.1", false, nil},
	{"a client that speaks TLS", header(0x21, 0x11, ends4+field(0x04, "padding")+field(0x20, "\x01\x00\x00\x00\x00")), "192.0.2.1", true, nil},
	{"a client that does not", header(0x21, 0x11, ends4+field(0x20, "\x00\x00\x00\x00\x00")), "192.0.2.1", false, nil},
	{"a field about TLS that is empty", header(0x21, 0x11, ends4+field(0x20, "")), "192.0.2.1", false, nil},
	{"unspecified", header(0x21, 0x00, ""), "", false, nil},
	{"unspecified, with something", header(0x21, 0x00, "anything"), "", false, nil},
	{"LOCAL", header(0x20, 0x00, ""), "", false, nil},
	{"LOCAL, with addresses", header(0x20, 0x11, ends4), "", false, nil},
	{"the longest there may be", header(0x21, 0x11, ends4+field(0x04, strings.Repeat("x", maxProxy-proxyHead-len(ends4)-3))), "192.0.2.1", false, nil},

	{"MQTT", "\x10\x0c\x00\x04MQTT", "", false, errNoProxy},
	{"nearly the signature", "\r\n\r\n\x00\r\nQUIT\r" + header(0x21, 0x11, ends4)[12:], "", false, errNoProxy},
	{"version 1", "PROXY TCP4 192.0.2.1 198.51.100.1 4660 1883\r\n", "", false, errNoProxy},
	{"another version", header(0x11, 0x11, ends4), "", false, errBadProxy},
	{"another command", header(0x22, 0x11, ends4), "", false, errBadProxy},
	{"UDP", header(0x21, 0x12, ends4), "", false, errBadProxy},
	{"a socket of the machine", header(0x21, 0x31, strings.Repeat("x", 216)), "", false, errBadProxy},
	{"IPv4 too short", header(0x21, 0x11, ends4[:11]), "", false, errBadProxy},
	{"IPv6 too short", header(0x21, 0x21, ends4), "", false, errBadProxy},
	{"a field cut off", header(0x21, 0x11, ends4+"\x04\x00"), "", false, errBadProxy},
	{"a field longer than the header", header(0x21, 0x11, ends4+"\x04\x00\x05abcd"), "", false, errBadProxy},
	{"too long", header(0x21, 0x11, ends4+field(0x04, strings.Repeat("x", maxProxy))), "", false, errLongProxy},
}

func TestParseProxy(t *testing.T) {
	for _, test := range proxyHeaders {
		const behind = "\x10 what follows"
		h, n, err := parseProxy([]byte(test.header + behind))
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v; want %v", test.name, err, test.err)
			continue
		}
		if err != nil {
			continue
		}
		want, _ := netip.ParseAddr(test.addr)
		if h.addr != want || h.secure != test.secure || n != len(test.header) {
			t.Errorf("%s: %+v, %d bytes; want %v, secure %t, %d bytes", test.name, h, n, want, test.secure, len(test.header))
		}
		for cut := 1; cut < len(test.header); cut++ {
			if h, n, err := parseProxy([]byte(test.header[:cut])); err != nil || n <= cut || h != (proxyHeader{}) {
				t.Errorf("%s, %d bytes of it: %+v, %d, %v; want that more is needed", test.name, cut, h, n, err)
			}
		}
	}
}

func FuzzParseProxy(f *testing.F) {
	for _, test := range proxyHeaders {
		f.Add([]byte(test.header + "\x10"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return // it is asked once there is something
		}
		h, n, err := parseProxy(b)
		switch {
		case err != nil:
			return
		case n < proxyHead || n > maxProxy:
			t.Errorf("%d bytes; want %d to %d", n, proxyHead, maxProxy)
		case n > len(b) && h != (proxyHeader{}):
			t.Errorf("%+v of a header that is not whole", h)
		case n > len(b):
			return
		}
		if again, m, err := parseProxy(b[:n]); again != h || m != n || err != nil {
			t.Errorf("without what follows it is %+v, %d, %v; want %+v, %d", again, m, err, h, n)
		}
	})
}
