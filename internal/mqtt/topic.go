package mqtt

import "bytes"

// ValidTopic reports whether t may be the topic name of a message (section
// 4.7): 1 to 65,535 bytes of UTF-8 without U+0000 and without wildcards.
func ValidTopic(t []byte) bool {
	return len(t) > 0 && len(t) <= 0xffff && validText(t) && !hasWildcard(t)
}

func hasWildcard(t []byte) bool {
	return bytes.IndexByte(t, '+') >= 0 || bytes.IndexByte(t, '#') >= 0
}

// ValidFilter reports whether f may be a topic filter (section 4.7): 1 to
// 65,535 bytes of UTF-8 without U+0000, in which + stands for a whole level,
// and # for the last one.
func ValidFilter(f []byte) bool {
	return len(f) > 0 && len(f) <= 0xffff && validText(f) && wildcardsInPlace(f)
}

func wildcardsInPlace(f []byte) bool {
	for i, c := range f {
		begins := i == 0 || f[i-1] == '/'
		last := i == len(f)-1
		switch {
		case c == '+' && !(begins && (last || f[i+1] == '/')): // [MQTT-4.7.1-3]
			return false
		case c == '#' && !(begins && last): // [MQTT-4.7.1-2]
			return false
		}
	}
	return true
}

// Match reports whether a message with this topic goes to a subscription with
// this filter (section 4.7). Both must be valid. A topic that begins with $ is
// not matched by a filter that begins with a wildcard [MQTT-4.7.2-1]. The
// $share/name/ of a shared subscription is not part of the filter here; see
// [Share].
func Match(filter, topic []byte) bool {
	if len(topic) > 0 && topic[0] == '$' && len(filter) > 0 && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	t := 0
	for f := 0; f < len(filter); f++ {
		switch {
		case filter[f] == '#':
			return true
		case filter[f] == '+':
			for t < len(topic) && topic[t] != '/' {
				t++
			}
		case t == len(topic):
			return string(filter[f:]) == "/#" // # includes the level above it
		case filter[f] != topic[t]:
			return false
		default:
			t++
		}
	}
	return t == len(topic)
}

// Share splits the filter of a 5.0 shared subscription, $share/name/filter
// (5.0 section 4.8.2). For any other filter, name is nil and rest the whole of
// f. What should be one but lacks a proper name or filter is not ok.
func Share(f []byte) (name, rest []byte, ok bool) {
	after, shared := bytes.CutPrefix(f, []byte("$share/"))
	if !shared {
		return nil, f, true
	}
	name, rest, ok = bytes.Cut(after, []byte("/"))
	return name, rest, ok && len(name) > 0 && len(rest) > 0 && !hasWildcard(name)
}
