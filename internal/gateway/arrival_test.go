//go:build unix

package gateway_test

import (
	"testing"

	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

// Devices that arrive together sign in together: none may get what is meant for
// another.
func TestManySignInAtOnce(t *testing.T) {
	const devices = 300
	overEachEngine(t, devices, func(t *testing.T, r *rig) {
		r.must(r.control.DisableDevice(t.Context(), control.System, r.product, r.creds[7].Name, true))
		r.save(`{}`)
		push := r.push()
		type client struct {
			*wire
			device int
			want   mqtt.Code
		}
		var all []client
		add := func(device int, want mqtt.Code, c mqtt.Connect) {
			w := r.dial(c.Version)
			w.write(c.Append(nil)) // all of them, before any answer is read
			all = append(all, client{w, device, want})
		}
		for i := range devices {
			switch {
			case i == 7:
				add(i, mqtt.NotAuthorized, r.login5(i))
			case i%10 == 3:
				add(i, mqtt.BadUserNameOrPassword, r.badLogin5(i))
			default:
				add(i, mqtt.Success, r.login5(i))
			}
			if i%50 == 0 {
				add(i, mqtt.NotAuthorized, r.stranger5(i))
			}
		}
		for _, c := range all {
			if got := c.connack(); got.Code != c.want {
				t.Fatalf("device %d: CONNACK %v; want %v", c.device, got.Code, c.want)
			}
			if c.want != mqtt.Success {
				c.wantClosed()
				continue
			}
			offer := c.offered()
			if g := r.grant(offer); g.Device != r.state(c.device).ID || g.Push != push.No {
				t.Errorf("device %d is offered %+v; want push %d, by a link of its own", c.device, g, push.No)
			}
		}
		for i := range devices {
			if online := r.state(i).Online; online != (i != 7 && i%10 != 3) {
				t.Errorf("device %d is online: %t", i, online)
			}
		}
	})
}

// Of the connections of one device that sign in at once, one is left.
func TestOneDeviceSignsInManyTimesAtOnce(t *testing.T) {
	overEachEngine(t, 1, func(t *testing.T, r *rig) {
		wires := make(map[*wire]chan bool) // that are answered
		ended := make(chan *wire)
		for range 50 {
			w := r.dial(mqtt.V311)
			c := r.login(0)
			w.write(c.Append(nil))
			answered := make(chan bool, 1)
			wires[w] = answered
			go func() {
				for {
					if _, err := w.next(); err != nil {
						ended <- w
						return
					}
					select {
					case answered <- true:
					default:
					}
				}
			}()
		}
		for len(wires) > 1 {
			delete(wires, <-ended)
		}
		for w, answered := range wires {
			<-answered
			if n := r.gateway.Online(r.product); n != 1 || !r.state(0).Online {
				t.Errorf("the gateway has %d devices, and the device is online %t; want the one, online", n, r.state(0).Online)
			}
			r.must(w.nc.Close())
			<-ended
		}
	})
}
