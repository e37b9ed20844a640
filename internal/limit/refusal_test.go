package limit_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cotahq/cota/internal/limit"
)

var (
	shared = netip.MustParseAddr("192.0.2.1")
	other  = netip.MustParseAddr("192.0.2.2")
)

// looked is how often a client that is always refused is looked at, when it
// tries each second for d.
func looked(r *limit.Refusals, a netip.Addr, device string, d time.Duration) (n int) {
	for range int(d / time.Second) {
		if r.PutOff(a, device) == limit.None {
			n++
			r.Refused(a, device)
		}
		time.Sleep(time.Second)
	}
	return n
}

func TestRefusalsOfADevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := limit.NewRefusals(300, 10)
		if n := looked(r, shared, "bad", time.Hour); n < 600 || n > 610 {
			t.Errorf("looked at %d times in an hour; want 10, and 10 a minute", n)
		}
		r.Refused(shared, "bad")
		if b := r.PutOff(shared, "bad"); b != limit.ByDevice {
			t.Errorf("PutOff(bad) = %q; want by device", b)
		}
		if b := r.PutOff(shared, "good"); b != limit.None {
			t.Errorf("PutOff(good) at the same address = %q; want none", b)
		}
		if b := r.PutOff(other, "bad"); b != limit.None {
			t.Errorf("PutOff(bad) elsewhere = %q; want none: anybody may use its name", b)
		}
		if b := r.PutOff(shared, ""); b != limit.None {
			t.Errorf("PutOff of nobody = %q; want none", b)
		}
	})
}

// Behind one address are many bad devices that try each second, a good one
// that was there before, and a good one that is new.
func TestGoodDeviceBesideBadOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := limit.NewRefusals(300, 10)
		r.Accepted(shared, "known")
		end := time.Now().Add(10 * time.Minute)
		looks, putOff := 0, 0
		for n := 0; time.Now().Before(end); n++ {
			bad := fmt.Sprint("bad ", n%100)
			if b := r.PutOff(shared, bad); b == limit.None {
				looks++
				r.Refused(shared, bad)
			} else {
				putOff++
			}
			if b := r.PutOff(shared, "known"); b != limit.None {
				t.Fatalf("the device that was accepted before is put off by %q", b)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if most := 300 + 300*10; looks > most || putOff == 0 {
			t.Errorf("bad devices were looked at %d times, put off %d times; want %d looks at most", looks, putOff, most)
		}
		for tries := 1; r.PutOff(shared, "new") != limit.None; tries++ {
			if tries > 60 {
				t.Fatal("the new device was shut out for a minute")
			}
			for range 100 { // the others go on in between
				bad := fmt.Sprint("bad ", tries%100)
				if r.PutOff(shared, bad) == limit.None {
					r.Refused(shared, bad)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
}

func TestRefusalsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
			r := limit.NewRefusals(60, 10)
			a := netip.MustParseAddr(a)
			for n := range 60 {
				name := fmt.Sprint("invented ", n)
				if b := r.PutOff(a, name); b != limit.None {
					t.Fatalf("%v: refusal %d is put off by %q", a, n+1, b)
				}
				r.Refused(a, name)
			}
			if b := r.PutOff(a, "invented"); b != limit.ByAddress {
				t.Errorf("%v: PutOff after 60 = %q; want by address", a, b)
			}
			if b := r.PutOff(a, ""); b != limit.ByAddress {
				t.Errorf("%v: PutOff of nobody after 60 = %q; want by address", a, b)
			}
			time.Sleep(time.Second)
			if b := r.PutOff(a, "invented"); b != limit.None {
				t.Errorf("%v: PutOff a second later = %q; want none", a, b)
			}
		}
		r := limit.NewRefusals(1, 0)
		r.Refused(netip.MustParseAddr("2001:db8:0:1::1"), "a")
		if b := r.PutOff(netip.MustParseAddr("2001:db8:0:1:ffff::2"), "b"); b != limit.ByAddress {
			t.Errorf("PutOff in the same /64 = %q; want by address", b)
		}
		if b := r.PutOff(netip.MustParseAddr("2001:db8:0:2::1"), "b"); b != limit.None {
			t.Errorf("PutOff in the next /64 = %q; want none", b)
		}
	})
}

func TestNoBound(t *testing.T) {
	r, names, addresses := limit.NewRefusals(0, 0), limit.NewNames(0), limit.PerMinute(0)
	for range 1000 {
		r.Refused(shared, "bad")
		if !names.Allow("bad") || !addresses.Allow(shared) || addresses.Exhausted(shared) {
			t.Fatal("beyond a bound where there is none")
		}
	}
	if b := r.PutOff(shared, "bad"); b != limit.None || names.Exhausted("bad") {
		t.Errorf("put off by %q, exhausted %t; want no bound", b, names.Exhausted("bad"))
	}
}

func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := limit.NewNames(6)
		for range 6 {
			if n.Exhausted("a") || !n.Allow("a") {
				t.Fatal("beyond the limit within the first six")
			}
		}
		if !n.Exhausted("a") || n.Allow("a") || n.Exhausted("b") {
			t.Error("want a exhausted after six, and b not")
		}
		time.Sleep(10 * time.Second)
		if n.Exhausted("a") || !n.Allow("a") || n.Allow("a") {
			t.Error("want one more after ten seconds")
		}
	})
}

func TestAcceptedDevicesAreForgotten(t *testing.T) {
	r := limit.NewRefusals(1, 0)
	r.Refused(shared, "")
	for n := range 100_001 {
		r.Accepted(shared, fmt.Sprint(n))
	}
	for n, want := range map[int]limit.Bound{
		0: limit.ByAddress, 49_999: limit.ByAddress, // forgotten
		50_001: limit.None, 100_000: limit.None, // the last 50,000
	} {
		if got := r.PutOff(shared, fmt.Sprint(n)); got != want {
			t.Errorf("PutOff of device %d of 100,000 that were accepted = %q; want %q", n, got, want)
		}
	}
}

func TestDeviceThatIsAcceptedAgainIsRemembered(t *testing.T) {
	r := limit.NewRefusals(1, 0)
	r.Refused(shared, "")
	for n := range 200_000 {
		r.Accepted(shared, fmt.Sprint(n))
		if n%10_000 == 0 {
			r.Accepted(shared, "faithful")
		}
	}
	if b := r.PutOff(shared, "faithful"); b != limit.None {
		t.Errorf("PutOff of a device that is accepted over and over = %q; want none", b)
	}
}
