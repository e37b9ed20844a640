package port

// kind is what a client begins to speak.
type kind int

const (
	unknown kind = iota
	mqttBytes
	tlsRecord
	httpRequest
)

// sniff tells what a client speaks by what it sent first, of which one byte
// does. Each of the three begins otherwise: a CONNECT packet with its type (MQTT
// section 2.1), a TLS handshake with its record type (RFC 8446 section 5.1), a
// WebSocket with GET. Nothing else is served here, so nothing else has to be
// waited for.
func sniff(first []byte) kind {
	switch first[0] {
	case 0x10:
		return mqttBytes
	case 0x16:
		return tlsRecord
	case 'G':
		return httpRequest
	}
	return unknown
}
