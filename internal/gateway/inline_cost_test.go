package gateway

import (
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// The file is not copied for each device but into what is sent.
func TestPushThatHoldsTheFileCostsNoMore(t *testing.T) {
	const content = "{}"
	v := fuzzVersion(1)
	v.Content = content
	o := control.Offer{Push: 1, Version: v}
	c := config(o, "http://f/c/")
	c.ID = "1"
	both := &template{1, fuzzTemplate(t).message, inlinePush(c, o)}
	if both.inline == nil {
		t.Fatal("the file does not fit")
	}
	token := make([]byte, cota.TokenLen)
	for i := range token {
		token[i] = 'b'
	}
	allocated := func(inline bool) float64 {
		s := &session{version: mqtt.V311, receiveMax: 8, packetMax: mqtt.MaxSize}
		d := s.admit(control.Entrant{Device: control.Device{ID: 1, Product: fuzzProduct, Name: fuzzDevice}}, &product{key: fuzzProduct}, inline)
		s.out = make([]byte, 0, 4096)
		return testing.AllocsPerRun(100, func() {
			s.out, d.pushes = s.out[:0], trail{}
			if !s.push(d, o, both, token) {
				t.Fatal("not sent")
			}
			if m, _ := s.arrived(s.lastID); m.inline != inline {
				t.Fatal("not sent as it should be")
			}
		})
	}
	if link, file := allocated(false), allocated(true); file > link || file > 2 {
		t.Errorf("a push with the file allocates %v times, with a link %v times; want no more, and at most 2", file, link)
	}
}
