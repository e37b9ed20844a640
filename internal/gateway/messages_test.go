package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

func TestMessages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		v := r.save(`{"interval": 10}`)
		id := r.state(0).ID
		if got := r.gateway.Messages(id); len(got) != 0 {
			t.Errorf("before: %v; want nothing", got)
		}
		w := r.connect(0)
		w.publish(r.topic(alink.ConfigGet, 0), askForConfig, 1, 5)
		w.acknowledged()
		w.wantPuback(5)
		w.publish(r.topic(alink.ConfigGet, 1), askForConfig, 0, 0) // not its own topic
		w.publish(r.topic(alink.OTAProgress, 0), "\xff"+strings.Repeat("x", 1024), 0, 0)
		w.ping()
		want := []cota.Message{
			{Direction: cota.Up, Topic: r.topic(alink.OTAProgress, 0), Payload: "\uFFFD" + strings.Repeat("x", 1023), Truncated: true},
			{Direction: cota.Down, Topic: r.topic(alink.ConfigGetReply, 0), QoS: 1, Payload: fmt.Sprintf(
				`{"code":200,"data":{"configId":"%s","configSize":16,"getType":"file","sign":"%s","signMethod":"Sha256","url":"%s/c/…"},`+
					`"id":"123","method":"thing.config.get","version":"1.0"}`, v.ConfigID, v.SHA256, filesURL)},
			{Direction: cota.Up, Topic: r.topic(alink.ConfigGet, 0), QoS: 1, Payload: askForConfig},
		}
		got := r.gateway.Messages(id)
		for i := range got {
			if !got[i].At.Equal(time.Now()) {
				t.Errorf("message %d is of %v; want now", i, got[i].At)
			}
			got[i].At = time.Time{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Messages (-want +got):\n%s", diff)
		}
		if got := r.gateway.Messages(r.state(1).ID); len(got) != 0 {
			t.Errorf("of the other device: %v; want nothing", got)
		}
		for range 20 {
			w.publish(r.topic(alink.OTAProgress, 0), "again", 0, 0)
		}
		w.ping()
		if got := r.gateway.Messages(id); len(got) != 16 || got[15].Payload != "again" {
			t.Errorf("Messages = %d, the oldest %v; want the last 16", len(got), got[len(got)-1])
		}
	})
}
