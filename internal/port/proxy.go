package port

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// The PROXY protocol, version 2 (haproxy: proxy-protocol.txt, section 2.2).
// Version 1, which is text, is not understood.
const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyHead      = len(proxySignature) + 4 // and version, family and length
	maxProxy       = 4 << 10                 // of a whole header; load balancers add some hundred bytes of their own

	proxyLocal = 0x20 // version 2, command LOCAL: the load balancer itself, to see whether we live
	proxyProxy = 0x21 // version 2, command PROXY

	proxyUnspecified = 0x00
	proxyTCP4        = 0x11
	proxyTCP6        = 0x21

	proxySSL       = 0x20 // type of the field that speaks of TLS (section 2.2.6)
	proxySSLClient = 0x01 // its bit for a client that speaks TLS
)

// proxyHeader is what a load balancer says of its client.
type proxyHeader struct {
	addr   netip.Addr // the zero Addr if it is the load balancer itself, or says nothing
	secure bool       // the client speaks TLS with it
}

var (
	errNoProxy   = &Error{Reason: "no PROXY protocol header from a load balancer"}
	errBadProxy  = &Error{Reason: "PROXY protocol header malformed"}
	errLongProxy = &Error{Reason: "PROXY protocol header too long"}
)

// parseProxy reads the header at the beginning of b, which has n bytes. If n
// is more than b has, more is needed; n grows with what is known of the
// header, and only if it is not more the header is valid.
func parseProxy(b []byte) (h proxyHeader, n int, err error) {
	if known := min(len(b), len(proxySignature)); string(b[:known]) != proxySignature[:known] {
		return h, 0, errNoProxy
	}
	if len(b) < proxyHead {
		return h, proxyHead, nil
	}
	command, family := b[len(proxySignature)], b[len(proxySignature)+1]
	n = proxyHead + int(binary.BigEndian.Uint16(b[len(proxySignature)+2:]))
	switch {
	case command != proxyLocal && command != proxyProxy:
		return h, 0, errBadProxy
	case n > maxProxy:
		return h, 0, errLongProxy
	case len(b) < n || command == proxyLocal:
		return h, n, nil
	}
	rest := b[proxyHead:n]
	switch family {
	case proxyUnspecified:
		return h, n, nil
	case proxyTCP4:
		h.addr, rest, err = proxyAddress(rest, 4)
	case proxyTCP6:
		h.addr, rest, err = proxyAddress(rest, 16)
	default: // no client comes by datagrams or within a machine
		return h, 0, errBadProxy
	}
	if err != nil {
		return h, 0, err
	}
	h.secure, err = proxyFields(rest)
	return h, n, err
}

// proxyAddress takes the addresses and ports of both ends off b, and returns
// the client's.
func proxyAddress(b []byte, size int) (a netip.Addr, rest []byte, err error) {
	if len(b) < 2*size+4 {
		return a, nil, errBadProxy
	}
	a, _ = netip.AddrFromSlice(b[:size])
	return a.Unmap(), b[2*size+4:], nil
}

// proxyFields passes over the fields that follow the addresses, and reports
// whether one of them says that the client speaks TLS.
func proxyFields(b []byte) (secure bool, err error) {
	for len(b) > 0 {
		if len(b) < 3 {
			return false, errBadProxy
		}
		size := int(binary.BigEndian.Uint16(b[1:]))
		if len(b) < 3+size {
			return false, errBadProxy
		}
		value := b[3 : 3+size]
		if b[0] == proxySSL && !bytes.Equal(value, nil) {
			secure = value[0]&proxySSLClient != 0
		}
		b = b[3+size:]
	}
	return secure, nil
}
