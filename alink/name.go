package alink

// ValidProductKey reports whether s may be a ProductKey on the wire: 1 to 20
// ASCII letters and digits. The keys that cota makes have 11; the C SDKs have
// room for 20.
func ValidProductKey(s string) bool {
	if len(s) < 1 || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) {
			return false
		}
	}
	return true
}

// ValidDeviceName reports whether s may be a DeviceName: 4 to 32 ASCII
// letters, digits and - _ @ . : ("RegisterDevice").
func ValidDeviceName(s string) bool {
	if len(s) < 4 || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case alphanumeric(c), c == '-', c == '_', c == '@', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
