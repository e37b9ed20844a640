package alink

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	tests := []struct {
		name, s     string
		key, device bool
	}{
		{"a key as cota makes them", "a1B2c3D4e5F", true, true},
		{"empty", "", false, false},
		{"one letter", "a", true, false},
		{"three letters", "abc", true, false},
		{"four letters", "abcd", true, true},
		{"20 letters", strings.Repeat("a", 20), true, true},
		{"21 letters", strings.Repeat("a", 21), false, true},
		{"32 letters", strings.Repeat("a", 32), false, true},
		{"33 letters", strings.Repeat("a", 33), false, false},
		{"every sign of a device name", "a-b_c@d.e:1", false, true},
		{"a blank", "ab cd", false, false},
		{"a slash", "ab/cd", false, false},
		{"an ampersand", "ab&cd", false, false},
		{"wildcards", "+#+#", false, false},
		{"letters beyond ASCII", "设备设备", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ValidProductKey(tt.s); got != tt.key {
				t.Errorf("ValidProductKey(%q) = %v; want %v", tt.s, got, tt.key)
			}
			if got := ValidDeviceName(tt.s); got != tt.device {
				t.Errorf("ValidDeviceName(%q) = %v; want %v", tt.s, got, tt.device)
			}
		})
	}
}
