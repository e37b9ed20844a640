package mqtt

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/B", false},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/b/", "a/b", false},
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/tennis/player1/#", "sport/tennis/player10", false},
		{"sport/#", "sport", true},
		{"#", "sport", true},
		{"#", "/", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"+/#", "a", true},
		{"+/a/#", "x/a", true},
		{"+/a/#", "x/b/a", false},
		{"#", "$SYS/x", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/x", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"a/+/c", "a/$b/c", true},
		{"/sys/a1/d1/thing/config/+", "/sys/a1/d1/thing/config/push", true},
		{"/sys/a1/d1/thing/service/#", "/sys/a1/d1/thing/config/push", false},
		{"é/+", "é/中", true},
	} {
		if got := Match([]byte(test.filter), []byte(test.topic)); got != test.want {
			t.Errorf("Match(%q, %q) = %v; want %v", test.filter, test.topic, got, test.want)
		}
	}
}

// matchLevels is the rule of section 4.7 level by level.
func matchLevels(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		switch {
		case level == "#":
			return i <= len(t)
		case i == len(t), level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}

func TestMatchGoesLevelByLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		filter := rapid.StringMatching(`\$?(\+|[ab]{0,2})(/(\+|[ab]{0,2})){0,3}(/#)?|#`).Draw(t, "filter")
		topic := rapid.StringMatching(`\$?[ab]{0,2}(/[ab]{0,2}){0,4}`).Draw(t, "topic")
		if !ValidFilter([]byte(filter)) || !ValidTopic([]byte(topic)) {
			t.Skip("not valid")
		}
		if got, want := Match([]byte(filter), []byte(topic)), matchLevels(filter, topic); got != want {
			t.Errorf("Match(%q, %q) = %v; want %v", filter, topic, got, want)
		}
	})
}

func TestValidTopicAndFilter(t *testing.T) {
	long := strings.Repeat("x", 0xffff)
	for _, test := range []struct {
		s             string
		topic, filter bool
	}{
		{"", false, false},
		{"/", true, true},
		{"a//b", true, true},
		{" ", true, true},
		{"a\nb", true, true},
		{"a\x00b", false, false},
		{"\xed\xa0\x80", false, false},
		{"\xff", false, false},
		{"中/é", true, true},
		{"+", false, true},
		{"#", false, true},
		{"/#", false, true},
		{"+/+/#", false, true},
		{"a+", false, false},
		{"+a", false, false},
		{"a/+b/c", false, false},
		{"a#", false, false},
		{"a/#b", false, false},
		{"a/#/b", false, false},
		{"##", false, false},
		{"++", false, false},
		{long, true, true},
		{long + "x", false, false},
	} {
		name := test.s[:min(len(test.s), 20)]
		if got := ValidTopic([]byte(test.s)); got != test.topic {
			t.Errorf("ValidTopic(%q) = %v; want %v", name, got, test.topic)
		}
		if got := ValidFilter([]byte(test.s)); got != test.filter {
			t.Errorf("ValidFilter(%q) = %v; want %v", name, got, test.filter)
		}
	}
}

func TestShare(t *testing.T) {
	for _, test := range []struct {
		filter, name, rest string
		ok                 bool
	}{
		{"a/b", "", "a/b", true},
		{"$shared/a/b", "", "$shared/a/b", true},
		{"$share/g/a/+", "g", "a/+", true},
		{"$share/g//", "g", "/", true},
		{"$share/", "", "", false},
		{"$share/g", "g", "", false},
		{"$share/g/", "g", "", false},
		{"$share//a", "", "a", false},
		{"$share/#/a", "#", "a", false},
	} {
		name, rest, ok := Share([]byte(test.filter))
		if string(name) != test.name || string(rest) != test.rest || ok != test.ok {
			t.Errorf("Share(%q) = %q, %q, %v; want %q, %q, %v", test.filter, name, rest, ok, test.name, test.rest, test.ok)
		}
		if shared := strings.HasPrefix(test.filter, "$share/"); (name != nil) != shared {
			t.Errorf("Share(%q) = name %v; want one: %v", test.filter, name, shared)
		}
	}
}
