package mqtt

import "encoding/binary"

// appendHeader appends a fixed header.
func appendHeader(dst []byte, first byte, remaining int) []byte {
	if remaining > maxVarint {
		panic("mqtt: packet longer than the protocol allows")
	}
	return appendVarint(append(dst, first), remaining)
}

func appendVarint(dst []byte, x int) []byte {
	for ; x >= 0x80; x >>= 7 {
		dst = append(dst, byte(x)|0x80)
	}
	return append(dst, byte(x))
}

func appendUint16(dst []byte, x uint16) []byte { return binary.BigEndian.AppendUint16(dst, x) }

// appendBinary appends s with its length ahead, as text and binary data both have it.
func appendBinary(dst, s []byte) []byte {
	if len(s) > 0xffff {
		panic("mqtt: field longer than 65535 bytes")
	}
	return append(appendUint16(dst, uint16(len(s))), s...)
}
