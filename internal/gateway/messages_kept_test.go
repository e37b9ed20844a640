package gateway

import (
	"testing"

	"github.com/cotahq/cota/internal/mqtt"
)

// A push to many devices must not drive out what an operator looks at.
func TestWhichMessagesAreKept(t *testing.T) {
	m, p := newMessages(), &mqtt.Publish{Payload: []byte("x")}
	for d := range int64(keptDevices) {
		m.down(d, p)
	}
	m.up(0, p)
	m.down(keptDevices, p)
	if got := m.last(keptDevices); len(got) != 0 {
		t.Errorf("a device that was only spoken to: %v; want nothing", got)
	}
	m.up(keptDevices, p)
	for d, want := range map[int64]int{0: 2, 1: 0, 2: 1, keptDevices: 1} {
		if got := m.last(d); len(got) != want {
			t.Errorf("device %d: %d messages; want %d", d, len(got), want)
		}
	}
}

// What a push costs for a device whose messages are not kept.
func BenchmarkMessagesPassBy(b *testing.B) {
	m, p := newMessages(), &mqtt.Publish{Payload: []byte("x")}
	for d := range int64(keptDevices) {
		m.up(d, p)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.down(-1, p)
	}
}
