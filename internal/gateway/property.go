package gateway

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/mqtt"
)

// How many user properties of a packet are kept (vendor: User properties), and
// how many bytes of names and values. Those beyond are left out.
const (
	maxProperties    = 20
	maxPropertyBytes = 1 << 10
)

// secretNames are parts of names whose values are not kept.
var secretNames = []string{"secret", "password", "passwd", "pwd", "token", "credential", "auth", "sign"}

// userProperties are the user properties of a packet as the timeline keeps
// them: in order, on one line each, without those that are secrets by their
// name or hold password; nil if there are none.
func userProperties(p mqtt.Properties, password []byte) (kept []cota.Property) {
	room := maxPropertyBytes
	for name, value := range p.User() {
		if secretName(string(name)) || len(password) > 0 && bytes.Contains(value, password) {
			continue
		}
		room -= len(name) + len(value)
		if len(kept) == maxProperties || room < 0 {
			break
		}
		kept = append(kept, cota.Property{Name: oneLine(name), Value: oneLine(value)})
	}
	return kept
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range secretNames {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// oneLine is text fit for a log or a table.
func oneLine(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, string(text))
}
