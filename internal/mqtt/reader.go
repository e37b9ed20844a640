package mqtt

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// A reader takes a packet apart from front to back. It keeps the first error
// and from then on returns zero values, so one check at the end is enough.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// take returns the next n bytes, not nil even if n is 0.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail(errShort)
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// varint reads a variable byte integer, which must be in its shortest form.
func (r *reader) varint() int {
	x, width := varint(r.b)
	switch {
	case width == 0:
		r.fail(errShort)
	case width < 0:
		r.fail(errLength)
	case width != varintWidth(x):
		r.fail(errLongForm)
	default:
		r.b = r.b[width:]
	}
	return x
}

// binary reads binary data: two bytes of length, then as many bytes.
func (r *reader) binary() []byte { return r.take(int(r.uint16())) }

// text reads a UTF-8 string (section 1.5.3, 5.0 section 1.5.4): well formed,
// without surrogates and without U+0000. Control characters pass: stock
// clients have line breaks in their client identifiers.
func (r *reader) text() []byte {
	s := r.binary()
	if !validText(s) {
		r.fail(errText)
		return nil
	}
	return s
}

func validText(s []byte) bool {
	return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0
}

// topic reads a topic name.
func (r *reader) topic() []byte {
	s := r.text()
	if r.err == nil && (len(s) == 0 || hasWildcard(s)) {
		r.fail(errTopic)
		return nil
	}
	return s
}

// packetID reads a packet identifier [MQTT-2.3.1-1].
func (r *reader) packetID() uint16 {
	id := r.uint16()
	if id == 0 {
		r.fail(errPacketID)
	}
	return id
}

// code reads a reason code of a packet of type t.
func (r *reader) code(t Type) Code {
	c := Code(r.byte())
	if !c.Valid(t) {
		r.fail(errCode)
	}
	return c
}

// rest takes all that is left.
func (r *reader) rest() []byte { return r.take(len(r.b)) }

// close returns the first error; bytes that are left over are one.
func (r *reader) close() error {
	if len(r.b) > 0 {
		r.fail(errTrailing)
	}
	return r.err
}
