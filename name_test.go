package cota_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cotahq/cota"
)

func TestNames(t *testing.T) {
	name := func(s string) error { return cota.CheckName("the name", s) }
	note := func(s string) error { return cota.CheckNote("the note", s) }
	for _, c := range []struct {
		what  string
		check func(string) error
		good  []string
		bad   []string
	}{
		{"CheckName", name,
			[]string{"a", " ", "测试", strings.Repeat("x", 64), strings.Repeat("测", 64), strings.Repeat("😀", 64), "<b>&'\"%"},
			[]string{"", strings.Repeat("x", 65), strings.Repeat("测", 65), "a\nb", "a\x00", "\x7f", "\xff", "a\xc3"}},
		{"CheckNote", note,
			[]string{"", "a", strings.Repeat("测", 500)},
			[]string{strings.Repeat("测", 501), "two\nlines", "\x1b[31m", "\xff"}},
		{"CheckDeviceName", cota.CheckDeviceName,
			[]string{"abcd", "A-_@.:9z", strings.Repeat("x", 32), "00:11:22:33:44:55", "...."},
			[]string{"", "abc", strings.Repeat("x", 33), "ab d", "ab/d", "ab#d", "ab+d", "ab%d", "设备设备", "abc\n", "abc\x00", "abc\xff"}},
		{"CheckProductKey", cota.CheckProductKey,
			[]string{"a1HYVCtmRDY", "00000000000"},
			[]string{"", "a1HYVCtmRD", "a1HYVCtmRDYz", "a1HYVCtmRD-", "a1HYVCtm DY", "a1HYVCtmRä"}},
		{"CheckProductSecret", cota.CheckProductSecret,
			[]string{"s", "AbC123", strings.Repeat("x", 64), "!\"#~"},
			[]string{"", strings.Repeat("x", 65), "ab cd", "abc\n", "ab\x00cd", "geheimß"}},
		{"CheckDeviceSecret", cota.CheckDeviceSecret,
			[]string{"s", "AbC123", strings.Repeat("x", 32), "!\"#~"},
			[]string{"", strings.Repeat("x", 33), "ab cd", "abc\n", "ab\x7fcd", "geheimß"}},
		{"CheckAccountName", cota.CheckAccountName,
			[]string{"a", "admin", "anna@example.org", strings.Repeat("x", 32), "A_b-c.9"},
			[]string{"", strings.Repeat("x", 33), "a:b", "a b", "a/b", "名"}},
		{"CheckInstanceID", cota.CheckInstanceID,
			[]string{"a", "default", "prod-2", "-", strings.Repeat("x", 32)},
			[]string{"", strings.Repeat("x", 33), "Prod", "a_b", "a.b", "a b", "ä"}},
	} {
		for _, s := range c.good {
			if err := c.check(s); err != nil {
				t.Errorf("%s(%q) = %v; want nil", c.what, s, err)
			}
		}
		for _, s := range c.bad {
			err := c.check(s)
			if cota.CodeOf(err) != cota.Invalid {
				t.Errorf("%s(%q) = %v; want %s", c.what, s, err, cota.Invalid)
			} else if len(s) > 4 && strings.Contains(err.Error(), s) {
				t.Errorf("%s(%q) = %v; want it not to repeat what came in", c.what, s, err)
			}
		}
	}
}

func TestRoles(t *testing.T) {
	for i, name := range []string{"nobody", "viewer", "editor", "publisher", "admin"} {
		r := cota.Role(i)
		if r.String() != name {
			t.Errorf("Role(%d) = %q; want %q", i, r, name)
		}
		got, err := cota.ParseRole(name)
		if i == 0 {
			if cota.CodeOf(err) != cota.Invalid {
				t.Errorf("ParseRole(%q) = %v, %v; want %s: nobody cannot be given it", name, got, err, cota.Invalid)
			}
			continue
		}
		if err != nil || got != r {
			t.Errorf("ParseRole(%q) = %v, %v; want %v", name, got, err, r)
		}
		var back cota.Role
		text, err := json.Marshal(r)
		if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || string(text) != `"`+name+`"` || back != r {
			t.Errorf("%v in JSON = %s and back %v, %v", r, text, back, err)
		}
	}
	for _, bad := range []string{"", "Admin", "admin ", "role(9)", strings.Repeat("x", 1000)} {
		if got, err := cota.ParseRole(bad); cota.CodeOf(err) != cota.Invalid || got != cota.Nobody || len(err.Error()) > 200 {
			t.Errorf("ParseRole(%.20q) = %v, %v; want %s, in short", bad, got, err, cota.Invalid)
		}
	}
	if cota.Role(9).String() != "role(9)" || cota.Role(-1).String() != "role(-1)" {
		t.Errorf("roles that are none = %v, %v", cota.Role(9), cota.Role(-1))
	}
}

func TestRungs(t *testing.T) {
	for i, name := range []string{"pending", "sent", "received", "fetched", "failed", "applied"} {
		r := cota.Rung(i)
		got, err := cota.ParseRung(name)
		if r.String() != name || err != nil || got != r {
			t.Errorf("Rung(%d) = %q, parsed %v, %v; want %q", i, r, got, err, name)
		}
		var back cota.Rung
		text, err := json.Marshal(r)
		if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || string(text) != `"`+name+`"` || back != r {
			t.Errorf("%v in JSON = %s and back %v, %v", r, text, back, err)
		}
	}
	for _, bad := range []string{"", "Sent", "superseded", "rung(1)"} {
		if _, err := cota.ParseRung(bad); cota.CodeOf(err) != cota.Invalid {
			t.Errorf("ParseRung(%q): %v; want %s", bad, err, cota.Invalid)
		}
	}
	if cota.Rung(9).String() != "rung(9)" || cota.Rung(-1).String() != "rung(-1)" {
		t.Errorf("rungs that are none = %v, %v", cota.Rung(9), cota.Rung(-1))
	}
}

func TestDue(t *testing.T) {
	const push, version = 10, 5
	at := func(push int64, rung cota.Rung, code int) cota.Standing {
		return cota.Standing{Push: push, Rung: rung, Code: code, Offered: version}
	}
	for _, c := range []struct {
		name string
		s    cota.Standing
		want bool
	}{
		{"new to every push", cota.Standing{}, true},
		{"new to this push", cota.Standing{Push: 9, Rung: cota.Applied, Offered: 4}, true},
		{"it failed in the push before, for good", cota.Standing{Push: 9, Rung: cota.Failed, Code: -1, Offered: 4}, true},
		{"it asked for this version before the push", cota.Standing{Offered: version}, true},
		{"it asked for a newer version", cota.Standing{Offered: version + 1}, false},
		{"it stands in a newer push", at(11, cota.Sent, 0), false},
		{"told", at(push, cota.Sent, 0), true},
		{"acknowledged", at(push, cota.Received, 0), true},
		{"fetched", at(push, cota.Fetched, 0), false},
		{"applied", at(push, cota.Applied, 0), false},
		{"failed, without a reason", at(push, cota.Failed, 0), false},
		{"failed for good", at(push, cota.Failed, -1), false},
		{"failed to burn", at(push, cota.Failed, -4), false},
		{"failed to download", at(push, cota.Failed, -2), true},
		{"failed to check", at(push, cota.Failed, -3), true},
		{"busy", at(push, cota.Failed, 429), true},
		{"busy, and offered a newer version", cota.Standing{Push: push, Rung: cota.Failed, Code: 429, Offered: version + 1}, false},
	} {
		if got := c.s.Due(push, version); got != c.want {
			t.Errorf("%s: %+v.Due(%d, %d) = %t; want %t", c.name, c.s, push, version, got, c.want)
		}
	}
	if (cota.Standing{}).Due(0, 1) {
		t.Error("Due without a push = true; want false")
	}
}

func TestCounts(t *testing.T) {
	c := cota.Counts{Total: 21, Pending: 1, Sent: 2, Received: 3, Fetched: 4, Applied: 5, Failed: 6}
	if c.Moved() != 20 || c.Done() != 11 {
		t.Errorf("Moved, Done of %+v = %d, %d; want 20, 11", c, c.Moved(), c.Done())
	}
}

func TestCodeOf(t *testing.T) {
	refusal := cota.Errorf(cota.Cooldown, "wait for %s", "it")
	for _, c := range []struct {
		name string
		err  error
		want cota.Code
	}{
		{"nil", nil, ""},
		{"an Error", refusal, cota.Cooldown},
		{"wrapped twice", fmt.Errorf("b: %w", fmt.Errorf("a: %w", refusal)), cota.Cooldown},
		{"joined", errors.Join(errors.New("x"), refusal), cota.Cooldown},
		{"two wrapped: the first", fmt.Errorf("%w, %w", cota.Errorf(cota.Stale, ""), refusal), cota.Stale},
		{"told, not wrapped", fmt.Errorf("a: %v", refusal), cota.Internal},
		{"another", errors.New("x"), cota.Internal},
	} {
		if got := cota.CodeOf(c.err); got != c.want {
			t.Errorf("%s: CodeOf(%v) = %q; want %q", c.name, c.err, got, c.want)
		}
	}
	if refusal.Error() != "wait for it" {
		t.Errorf("Error() = %q; want its message", refusal)
	}
}

func TestRandomNames(t *testing.T) {
	const draws = 3000
	for _, c := range []struct {
		name   string
		make   func() string
		format string
		fixed  int // characters that never vary
		letter int // how many each of the others may be
	}{
		{"NewProductKey", cota.NewProductKey, `^a1[0-9A-Za-z]{9}$`, 2, 62},
		{"NewProductSecret", cota.NewProductSecret, `^[0-9A-Za-z]{16}$`, 0, 62},
		{"NewDeviceSecret", cota.NewDeviceSecret, `^[0-9a-f]{32}$`, 0, 16},
		{"NewConfigID", cota.NewConfigID, `^[0-9a-f]{32}$`, 0, 16},
	} {
		format := regexp.MustCompile(c.format)
		seen := make(map[string]bool)
		count := make(map[rune]int)
		total := 0
		for range draws {
			s := c.make()
			if !format.MatchString(s) || seen[s] {
				t.Fatalf("%s() = %q, drawn before: %t; want %s and always another", c.name, s, seen[s], c.format)
			}
			seen[s] = true
			for _, r := range s[c.fixed:] {
				count[r]++
				total++
			}
		}
		// Chi-square: far beyond what chance gives (the mean is letter-1, a
		// standard deviation sqrt(2*letter)), yet far below what a modulo of
		// 256 by 62 would: 8 letters too often by a quarter.
		mean, chi := float64(total)/float64(c.letter), 0.0
		for _, n := range count {
			chi += (float64(n) - mean) * (float64(n) - mean) / mean
		}
		if len(count) != c.letter || chi > float64(c.letter)+8*11.2 {
			t.Errorf("%s: %d different letters, chi-square %.0f; want %d, as likely as each other", c.name, len(count), chi, c.letter)
		}
	}
	key := cota.NewProductKey()
	if len(key) != cota.ProductKeyLen {
		t.Errorf("NewProductKey() = %q; want %d letters", key, cota.ProductKeyLen)
	}
}

func TestDigest(t *testing.T) {
	for content, want := range map[string]string{
		"":   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"{}": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	} {
		if got := cota.Digest(content); got != want {
			t.Errorf("Digest(%q) = %s; want %s", content, got, want)
		}
	}
}
