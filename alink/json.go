package alink

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what a message may hold, in bytes.
const (
	MaxMessage = 16 << 10 // a whole payload that this package decodes
	MaxID      = 64       // a message id, or a configuration's
	MaxText    = 256      // text for people; longer text is cut
)

var (
	errMessageLong = &Error{CodeBadParameters, "message is longer than 16 KiB"}
	errNotObject   = &Error{CodeBadParameters, "message is not a JSON object"}
)

// checkObject makes sure that members can walk payload.
func checkObject(payload []byte) error {
	if len(payload) > MaxMessage {
		return errMessageLong
	}
	return checkJSONObject(payload)
}

func checkJSONObject(payload []byte) error {
	if !json.Valid(payload) || payload[skipBlanks(payload, 0)] != '{' {
		return errNotObject
	}
	return nil
}

// members yields the members of a JSON object in their order, names and values
// as they are written; of anything else it yields nothing. The text must be
// valid JSON, which is what keeps this short: encoding/json has checked it, so
// every bracket, quote and colon is in its place. A name written with escapes
// is not decoded, and so is none that this package knows.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skipBlanks(object, 0)
		if i == len(object) || object[i] != '{' {
			return
		}
		for i = skipBlanks(object, i+1); object[i] == '"'; {
			end := skipValue(object, i)
			name := object[i+1 : end-1]
			colon := skipBlanks(object, end)
			start := skipBlanks(object, colon+1)
			end = skipValue(object, start)
			if !yield(name, object[start:end]) {
				return
			}
			i = skipBlanks(object, end)
			if object[i] == ',' {
				i = skipBlanks(object, i+1)
			}
		}
	}
}

// elements yields the elements of a JSON array as they are written; of anything
// else it yields nothing. As for members, the text must be valid JSON.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		i := skipBlanks(array, 0)
		if i == len(array) || array[i] != '[' {
			return
		}
		for i = skipBlanks(array, i+1); array[i] != ']'; {
			end := skipValue(array, i)
			if !yield(array[i:end]) {
				return
			}
			i = skipBlanks(array, end)
			if array[i] == ',' {
				i = skipBlanks(array, i+1)
			}
		}
	}
}

// skipBlanks returns the index of the first byte from i on that is no blank.
func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipValue returns the index behind the value that starts at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		default: // a number or word, a blank, a comma or colon inside brackets
			if depth > 0 {
				break
			}
			for i < len(b) && strings.IndexByte(" \t\r\n,]}", b[i]) < 0 {
				i++
			}
			return i
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return i
}

// text is the string in value, or the digits of a number; of anything else "".
func text(value []byte) string {
	switch c := value[0]; {
	case c == '"' && (bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value)):
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return "" // cannot be: value is valid JSON
		}
		return s
	case c == '"':
		return string(value[1 : len(value)-1])
	case c == '-' || '0' <= c && c <= '9':
		return string(value)
	}
	return ""
}

// line is text fit for a log or a column: on one line, without control
// characters, and cut to MaxText bytes between two characters.
func line(value []byte) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text(value))
	return cut(s, MaxText)
}

// cut shortens s to at most n bytes between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// integer is the whole number in value, written as number or string.
func integer(value []byte) (int64, bool) {
	if value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}

// code is the Code in value, written as number or string.
func code(value []byte) (Code, bool) {
	n, ok := integer(value)
	if !ok || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, false
	}
	return Code(n), true
}

// identifier is the id in value, a string or number, as text; null and the
// empty string are none. An id that is not plain is refused, since ids are
// sent back.
func identifier(value []byte) (id string, ok bool) {
	if s := string(value); s == "null" || s == `""` {
		return "", true
	}
	if len(value) > 6*MaxID { // more than MaxID even if all are escapes
		return "", false
	}
	if id = text(value); !plain(id) {
		return "", false
	}
	return id, true
}

// plain reports whether id is 1 to MaxID letters, digits and - _ . : @ + / =.
// Nothing in it needs an escape or can unsettle a parser that looks for text
// ("Remote configuration" wants digits; UUIDs and the like pass too).
func plain(id string) bool {
	if id == "" || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if !alphanumeric(id[i]) && strings.IndexByte("-_.:@+/=", id[i]) < 0 {
			return false
		}
	}
	return true
}

// appendID appends id as JSON string; "0" for one that is empty or not plain,
// as Go devices want digits there and no client wants an empty string.
func appendID(dst []byte, id string) []byte {
	if !plain(id) {
		id = "0"
	}
	dst = append(dst, '"')
	dst = append(dst, id...)
	return append(dst, '"')
}

// appendText appends s as JSON string, escaping no more than JSON demands:
// the C SDKs do not undo escapes. Bytes that are not UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
