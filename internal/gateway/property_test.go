package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/store"
)

// properties are user properties, given as name, value, name, value.
func properties(words ...string) (p mqtt.Properties) {
	for pair := range slices.Chunk(words, 2) {
		p = p.AppendUser([]byte(pair[0]), []byte(pair[1]))
	}
	return p
}

// timeline is what the device's timeline says of each event, oldest first.
func (r *rig) timeline(i int) (lines []string) {
	r.t.Helper()
	all, err := r.store.Events(r.t.Context(), r.state(i).ID, store.EventKey{}, 100)
	r.must(err)
	for _, e := range slices.Backward(all) {
		line := string(e.Kind)
		for _, p := range e.Properties {
			line += " " + p.Name + "=" + p.Value
		}
		lines = append(lines, line)
	}
	return lines
}

func TestUserPropertiesAreKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		v := r.save(`{}`)
		c := r.login(0)
		c.Version = mqtt.V5
		c.Properties = properties("firmware", "1.2.3", "site", "hall 3", "site", "hall 4")
		w := r.connectBy(c)
		say := func(kind alink.Kind, payload string, p mqtt.Properties) {
			m := mqtt.Publish{QoS: 1, PacketID: 9, Topic: []byte(r.topic(kind, 0)), Payload: []byte(payload), Properties: p}
			w.write(m.Append(nil, w.version))
		}
		say(alink.ConfigGet, askForConfig, properties("why", "boot"))
		w.answered()
		w.wantPuback(9)
		say(alink.OTAInform, `{}`, properties("not", "kept"))
		w.wantPuback(9)
		say(alink.ConfigReport, `{"id":"1","sys":{"ack":0},"params":{"configId":"`+v.ConfigID+`","state":"applied"}}`, properties("took", "80 ms"))
		w.wantPuback(9)
		want := []string{"connected firmware=1.2.3 site=hall 3 site=hall 4", "asked why=boot", "applied took=80 ms"}
		if got := r.timeline(0); !cmp.Equal(got, want) {
			t.Errorf("timeline %q; want %q", got, want)
		}
	})
}

func TestUserPropertiesAreBounded(t *testing.T) {
	many := make([]string, 0, 2*30)
	for n := range 30 {
		many = append(many, fmt.Sprintf("n%d", n), "v")
	}
	long := strings.Repeat("x", 1020)
	tests := []struct {
		name string
		said []string
		want []cota.Property
	}{
		{"control characters", []string{"a\nb", "c\td\u2028e"}, []cota.Property{{Name: "a b", Value: "c d e"}}},
		{"beyond ASCII", []string{"名", "值"}, []cota.Property{{Name: "名", Value: "值"}}},
		{"empty", []string{"", ""}, []cota.Property{{}}},
		{"quotes", []string{`"`, `'; DROP TABLE event`}, []cota.Property{{Name: `"`, Value: `'; DROP TABLE event`}}},
		{"1 KiB", []string{"name", long}, []cota.Property{{Name: "name", Value: long}}},
		{"more than 1 KiB", []string{"a", "b", "names", long, "c", "d"}, []cota.Property{{Name: "a", Value: "b"}}},
		{"one of 64 KiB", []string{"a", strings.Repeat("x", 65535)}, nil},
		{"secrets by their names", []string{"deviceSecret", "s1", "PASSWORD", "s2", "X-Auth-Token", "s3", "sign", "s4", "a", "b"}, []cota.Property{{Name: "a", Value: "b"}}},
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, len(tests)+1)
		for i, tt := range tests {
			c := r.login(i)
			c.Version, c.Properties = mqtt.V5, properties(tt.said...)
			r.connectBy(c)
			if got := r.lastEvent(i).Properties; !cmp.Equal(got, tt.want) {
				t.Errorf("%s: kept %.200q; want %.200q", tt.name, got, tt.want)
			}
		}
		c := r.login(len(tests))
		c.Version, c.Properties = mqtt.V5, properties(append(many, "mine", "it is "+string(c.Password))...)
		r.connectBy(c)
		if got := r.lastEvent(len(tests)).Properties; len(got) != 20 || got[19].Name != "n19" {
			t.Errorf("of 31 properties %d are kept, the last %v; want 20", len(got), got[len(got)-1])
		}
		c.Properties = properties("mine", "it is "+string(c.Password), "a", "b")
		r.connectBy(c)
		if got := r.lastEvent(len(tests)).Properties; !cmp.Equal(got, []cota.Property{{Name: "a", Value: "b"}}) {
			t.Errorf("kept %q; want the one without the password", got)
		}
	})
}

// lastEvent is the newest line in the timeline of device i.
func (r *rig) lastEvent(i int) cota.Event {
	r.t.Helper()
	all, err := r.store.Events(r.t.Context(), r.state(i).ID, store.EventKey{}, 1)
	r.must(err)
	return all[0].Event
}
