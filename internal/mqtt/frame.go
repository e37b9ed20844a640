package mqtt

// MaxSize is the size of the largest packet that the protocol can express: a
// fixed header of 5 bytes and a remaining length of 268,435,455 (section 2.1.4;
// 3.1.1 section 2.2.3).
const MaxSize = 5 + maxVarint

// Frame finds the first packet in b, the bytes received so far. If n <= len(b),
// the packet is b[:n]. Otherwise more bytes are needed, n in all before it is
// worth asking again; once the fixed header is there, n is the packet's size.
// Without an error n is at least 2, and above limit only if limit is below 5.
//
// An error is final, and known as early as can be: a first byte that begins no
// packet is refused when it arrives, and a packet larger than limit, fixed
// header included, when its fixed header does. A remaining length of more than
// 4 bytes is malformed. One that takes more bytes than it must is left to the
// Decode functions: 5.0 forbids it (5.0 [MQTT-1.5.5-1]), 3.1 and 3.1.1 do not.
func Frame(b []byte, limit int) (n int, err error) {
	if len(b) == 0 {
		return 2, nil
	}
	if err := checkFirst(b[0]); err != nil {
		return 0, err
	}
	remaining, width := varint(b[1:])
	switch n = 1 + width + remaining; {
	case width < 0:
		return 0, errLength
	case width == 0:
		return len(b) + 1, nil
	case n > limit:
		return 0, errTooLarge
	}
	return n, nil
}

const (
	flagRetain = 0x01
	flagQoS    = 0x06
	flagDup    = 0x08
)

// firstFlags gives for each type the flags that its first byte must have
// [MQTT-2.2.2-1]; those of PUBLISH vary.
var firstFlags = [16]byte{TypePubrel: 2, TypeSubscribe: 2, TypeUnsubscribe: 2}

// checkFirst checks the first byte of a packet: type and flags [MQTT-2.2.2-2].
// It lets pass what only some versions allow: AUTH, and the DUP flag by which
// 3.1 marks a PUBREL, SUBSCRIBE or UNSUBSCRIBE that is sent again.
func checkFirst(first byte) error {
	t, flags := Type(first>>4), first&0x0f
	switch {
	case t == 0:
		return errPacketType
	case t != TypePublish:
		if want := firstFlags[t]; flags != want && (want == 0 || flags != want|flagDup) {
			return errHeaderFlags
		}
	case flags&flagQoS == flagQoS:
		return errQoS // [MQTT-3.3.1-4]
	case flags&(flagQoS|flagDup) == flagDup:
		return errDup // [MQTT-3.3.1-2]
	}
	return nil
}

// open checks that b is one packet of type t, whole and alone, and returns a
// reader of what follows its fixed header.
func open(b []byte, t Type, v Version) reader {
	n, err := Frame(b, MaxSize)
	switch {
	case err != nil:
		return reader{err: err}
	case n > len(b):
		return reader{err: errShort}
	case n < len(b):
		return reader{err: errTrailing}
	case TypeOf(b) != t:
		return reader{err: errOtherType}
	case t != TypePublish && b[0]&flagDup != 0 && v != V31:
		return reader{err: errHeaderFlags}
	case t == TypeAuth && v != V5:
		return reader{err: errVersionType}
	}
	if v == V5 && longForm(b) {
		return reader{err: errLongForm}
	}
	_, width := varint(b[1:])
	return reader{b: b[1+width : len(b) : len(b)]}
}

// longForm reports whether the remaining length of b, a whole packet, takes
// more bytes than it must.
func longForm(b []byte) bool {
	remaining, width := varint(b[1:])
	return width != varintWidth(remaining)
}

const maxVarint = 1<<28 - 1

// varint decodes the variable byte integer at the beginning of b (5.0 section
// 1.5.5). Its width is 0 if b ends too early, and -1 if it has more than 4 bytes.
func varint(b []byte) (value, width int) {
	for i := range 4 {
		if i == len(b) {
			return 0, 0
		}
		value |= int(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, -1
}

// varintWidth returns the number of bytes of the shortest form of x.
func varintWidth(x int) int {
	switch {
	case x < 1<<7:
		return 1
	case x < 1<<14:
		return 2
	case x < 1<<21:
		return 3
	}
	return 4
}
