package cota

import "time"

// Device is one device and where it stands in its product's push.
type Device struct {
	Name        string     `json:"deviceName"`
	Product     string     `json:"productKey"`
	Disabled    bool       `json:"disabled"`
	Online      bool       `json:"online"`
	Activated   bool       `json:"activated"`   // it has signed in since it was given its secret, so it may not register again
	ConnectedAt *time.Time `json:"connectedAt"` // last sign-in; nil: never
	SeenAt      *time.Time `json:"seenAt"`      // end of its last connection; nil while online or never
	Push        int64      `json:"push"`        // the push that State speaks of; 0: none yet
	State       Rung       `json:"state"`
	Code        int        `json:"code"`   // what the device gave as the reason of a failure; 0: none
	Detail      string     `json:"detail"` // in the device's words
	StateAt     *time.Time `json:"stateAt"`
	ConfigID    string     `json:"configId"` // last configuration it said it applied; "": unknown
	ConfigAt    *time.Time `json:"configAt"`

	Gateway       *Gateway  `json:"gateway"`       // that it is behind; nil: none
	ConfigVersion int64     `json:"configVersion"` // that configuration's version; 0: unknown or no longer kept
	CreatedAt     time.Time `json:"createdAt"`
}

// Gateway is a device with others behind it.
type Gateway struct {
	Product   string `json:"productKey"`
	Name      string `json:"deviceName"`
	Connected bool   `json:"connected"` // the device behind it is connected through it now
}

// TopologyEvent is what an operator has done to a device behind a gateway.
type TopologyEvent string

const (
	SubdeviceRemoved  TopologyEvent = "removed" // altogether, or from behind the gateway
	SubdeviceEnabled  TopologyEvent = "enabled"
	SubdeviceDisabled TopologyEvent = "disabled"
)

// TopologyChange is such an event, of which the gateway is told.
type TopologyChange struct {
	Gateway int64         `json:"g"`
	Product string        `json:"p"` // of the device behind it
	Name    string        `json:"d"`
	Event   TopologyEvent `json:"e"`
}

// MaxSubdevices bounds the devices behind one gateway (vendor: Connect or
// disconnect sub-devices).
const MaxSubdevices = 2000

// Credentials are what a device signs in with. They are shown once.
type Credentials struct {
	Name   string `json:"deviceName"`
	Secret string `json:"deviceSecret"`
}

// Event is one line of a device's timeline.
type Event struct {
	At     time.Time `json:"at"`
	Kind   EventKind `json:"kind"`
	Push   int64     `json:"push,omitempty"`
	Code   int       `json:"code,omitempty"`
	Detail string    `json:"detail,omitempty"`
	// Properties are what the device gave with its message: the user
	// properties of MQTT 5.
	Properties []Property `json:"properties,omitempty"`
}

// Property is a name and a value in a device's own words. Names may repeat.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// EventKind names what happened to a device. The rungs of the delivery ladder
// are kinds too, by their names.
type EventKind string

const (
	EventConnected    EventKind = "connected"
	EventDisconnected EventKind = "disconnected" // Detail says why
	EventContested    EventKind = "contested"    // others sign in by its name and secret; Detail names both
	EventAsked        EventKind = "asked"        // get, answered with a link
	EventReverted     EventKind = "reverted"     // applied, then taken back by the device
	EventRegistered   EventKind = "registered"   // it was given a secret or a token; Detail says how, and where from
)

// DeviceNameMax is the longest device name, and DeviceNameMin the shortest
// (vendor: RegisterDevice).
const (
	DeviceNameMin = 4
	DeviceNameMax = 32
)

// CheckDeviceName refuses anything but 4 to 32 letters, digits and - _ @ . :
// (vendor: RegisterDevice).
func CheckDeviceName(name string) error {
	ok := len(name) >= DeviceNameMin && len(name) <= DeviceNameMax
	for i := 0; ok && i < len(name); i++ {
		ok = deviceNameChar(name[i])
	}
	if !ok {
		return Errorf(Invalid, "a device name has %d to %d letters, digits and - _ @ . :", DeviceNameMin, DeviceNameMax)
	}
	return nil
}

func deviceNameChar(c byte) bool {
	switch c {
	case '-', '_', '@', '.', ':':
		return true
	}
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Standing is what decides whether a device is owed an offer.
type Standing struct {
	Push    int64 // the push it was last part of
	Rung    Rung  // where it stands in it
	Code    int   // why it failed, if it did
	Offered int64 // the newest version ever offered to it
}

// Due reports whether a device that stands at s must be offered version
// number of push. A device is due when the push is new to it, when it was
// told but never fetched the file, and when it failed for a reason that time
// may mend. It is never offered a version older than one it was offered
// before.
func (s Standing) Due(push, number int64) bool {
	switch {
	case push == 0 || s.Push > push || s.Offered > number:
		return false
	case s.Push < push:
		return true
	case s.Rung == Failed:
		return transient(s.Code)
	}
	return s.Rung < Fetched
}

// transient says which failures are worth another offer: a failed download
// or check (Link SDK progress steps -2 and -3) and a busy device (429).
func transient(code int) bool { return code == -2 || code == -3 || code == 429 }
