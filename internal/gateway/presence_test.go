package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/mqtt"
)

func TestNewerConnectionClosesTheOlder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 2)
		other := r.connect(1)
		older := r.connect5(0)
		newer := r.connect5(0)
		older.wantDisconnect(mqtt.SessionTakenOver)
		third := r.connect(0)
		newer.wantDisconnect(mqtt.SessionTakenOver)
		last := r.connect5(0)
		third.wantDisconnect(mqtt.SessionTakenOver)
		if d := r.state(0); !d.Online {
			t.Error("the device is on record as offline; want online")
		}
		if n := r.gateway.Online(r.product); n != 2 {
			t.Errorf("Online() = %d; want 2", n)
		}
		last.ping()
		other.ping()
	})
}

// By a clock that stands still, beginnings and ends are all at one time.
func TestPresenceWithinAMillisecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 3)
		for range 5 {
			for i := range 3 {
				w := r.connect(i)
				if i == 0 {
					w.write(mqtt.Disconnect{}.Append(nil, w.version))
					w.wantClosed()
				}
			}
		}
		r.connect(0)
		for i := range 3 {
			if d := r.state(i); !d.Online {
				t.Errorf("device %d is on record as offline; want online", i)
			}
		}
	})
}

func TestPresence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1)
		if d := r.state(0); d.Online || d.ConnectedAt != nil {
			t.Errorf("before: online %t, connected at %v", d.Online, d.ConnectedAt)
		}
		start := time.Now()
		w := r.connect(0)
		if d := r.state(0); !d.Online || d.ConnectedAt == nil || !d.ConnectedAt.Equal(start) || d.SeenAt != nil {
			t.Errorf("connected: online %t, connected at %v, seen at %v", d.Online, d.ConnectedAt, d.SeenAt)
		}
		w.wantNothing(20 * time.Second)
		w.write(mqtt.Disconnect{}.Append(nil, w.version))
		w.wantClosed()
		if d := r.state(0); d.Online || d.SeenAt == nil || !d.SeenAt.Equal(start.Add(20*time.Second)) {
			t.Errorf("after: online %t, seen at %v; want the end of the connection", d.Online, d.SeenAt)
		}
		if events := r.events(0); events != "connected disconnected" {
			t.Errorf("timeline %q; want connected, disconnected", events)
		}
		if n := r.gateway.Online(r.product); n != 0 {
			t.Errorf("Online() = %d; want 0", n)
		}
	})
}

func TestDeviceThatIsShutOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 4)
		other := r.connect(3)
		for i, shutOut := range []func(device string) error{
			func(device string) error {
				return r.control.DisableDevice(t.Context(), control.System, r.product, device, true)
			},
			func(device string) error {
				_, err := r.control.ResetDeviceSecret(t.Context(), control.System, r.product, device)
				return err
			},
			func(device string) error {
				return r.control.RemoveDevice(t.Context(), control.System, r.product, device)
			},
		} {
			w := r.connect5(i)
			r.must(shutOut(r.creds[i].Name))
			w.wantDisconnect(mqtt.AdministrativeAction)
			if _, got := r.open(r.login(i)); got.Code == mqtt.Success {
				t.Errorf("device %d may sign in again", i)
			}
		}
		other.ping()
	})
}

// A device must not slip in while it is shut out.
func TestDeviceThatIsShutOutWhileItSignsIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRegistrar(t, 1)
		for i := range 8 { // each of the two may be first
			r.shutOutWhileItSignsIn(fmt.Sprintf("new-%d", i))
		}
		synctest.Wait()
		if n := r.gateway.Online(r.product); n != 0 {
			t.Errorf("Online() = %d; want 0", n)
		}
	})
}

func (r *registrar) shutOutWhileItSignsIn(name string) {
	r.t.Helper()
	w, got := r.registers(r.registration(name, alink.AuthUnlisted))
	w.received() // the same once more
	w.leaves()
	synctest.Wait()
	// One that uses its token for the first time is looked at, and then waits
	// for the database.
	release, disabled := r.holdWrites(), make(chan error)
	w = r.dial(mqtt.V311)
	c := connectOf(alink.TokenLogin(r.product, name, got.ClientID, got.DeviceToken))
	w.write(c.Append(nil))
	synctest.Wait()
	go func() {
		disabled <- r.control.DisableDevice(context.Background(), control.System, r.product, name, true)
	}()
	synctest.Wait()
	release()
	r.must(<-disabled)
	start := time.Now()
	for err := error(nil); err == nil; { // whatever it is told first
		_, err = w.next()
	}
	if took := time.Since(start); took > 0 {
		r.t.Errorf("%s was let in for %v", name, took)
	}
}
