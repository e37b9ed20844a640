package cota

import "fmt"

// Rung is where a device stands in a push, on the delivery ladder. Rungs are
// ordered and a device only climbs, with one exception: a device that itself
// reports that it reverted an applied configuration goes back to Failed.
//
// Failed stands below Applied because a device that failed may try again and
// succeed, and what it says last about its own configuration is the truth.
type Rung int

const (
	Pending  Rung = iota // not told yet; never stored: any device not in the push is pending
	Sent                 // told over MQTT, or answered with a link
	Received             // acknowledged the message (PUBACK, or push_reply 200)
	Fetched              // every byte of the file left through this device's own link
	Failed               // the device said that it failed; its code and reason are kept
	Applied              // the device said that it runs this configuration
)

var rungNames = [...]string{"pending", "sent", "received", "fetched", "failed", "applied"}

func (r Rung) String() string {
	if r < 0 || int(r) >= len(rungNames) {
		return fmt.Sprintf("rung(%d)", int(r))
	}
	return rungNames[r]
}

// ParseRung is the inverse of String.
func ParseRung(s string) (Rung, error) {
	for r, name := range rungNames {
		if name == s {
			return Rung(r), nil
		}
	}
	return 0, Errorf(Invalid, "unknown state %.32q; use pending, sent, received, fetched, applied or failed", s)
}

// MarshalText writes the rung's name.
func (r Rung) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText accepts what ParseRung accepts.
func (r *Rung) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRung(string(b))
	return err
}
