package limit

import (
	"hash/maphash"
	"net/netip"
)

// Bound says what a client that is put off has used up.
type Bound string

const (
	None      Bound = ""        // nothing: it is to be looked at
	ByAddress Bound = "address" // its address, or its /64
	ByDevice  Bound = "device"  // itself, at that address
)

// Refusals bound how often a door refuses, so that storms of clients that are
// refused stay cheap: whoever has used up a bound is put off without a look.
// They are safe for use by many goroutines.
//
// Many devices may share an address (a carrier's NAT), the good with the bad.
// So a bad one mostly uses up its own bound: once it has, it is put off and its
// address pays no more for it. And a device that was accepted at an address is
// looked at there though others have used up the address. A device's bound
// holds at one address only, or whoever knows its name could shut it out from
// anywhere.
type Refusals struct {
	seed      maphash.Seed
	addresses *buckets[netip.Prefix] // nil: no bound
	devices   *buckets[place]        // nil: no bound
	accepted  recent                 // places by their hash; empty without a bound of addresses
}

// place is a device at an address; its name by its hash.
type place struct {
	network netip.Prefix
	device  uint64
}

// NewRefusals makes Refusals that allow each address, and each device there, a
// number of refusals at once, and as many a minute from then on; 0 is no
// bound.
func NewRefusals(perAddress, perDevice int) *Refusals {
	r := &Refusals{seed: maphash.MakeSeed()}
	if perAddress > 0 {
		r.addresses = newBuckets[netip.Prefix](float64(perAddress)/60, perAddress)
	}
	if perDevice > 0 {
		r.devices = newBuckets[place](float64(perDevice)/60, perDevice)
	}
	return r
}

// PutOff says which bound a client has used up, which need not say who it is
// (""). It counts nothing.
func (r *Refusals) PutOff(a netip.Addr, device string) Bound {
	p := r.place(a, device)
	if device != "" && r.devices != nil && r.devices.exhausted(p) {
		return ByDevice
	}
	if r.addresses == nil || !r.addresses.exhausted(p.network) {
		return None
	}
	if device != "" && r.accepted.contains(maphash.Comparable(r.seed, p)) {
		return None
	}
	return ByAddress
}

// Refused counts a refusal of a client that was looked at. One that was put
// off is not to be counted: it could wait for ever.
func (r *Refusals) Refused(a netip.Addr, device string) {
	p := r.place(a, device)
	if device != "" && r.devices != nil {
		r.devices.allow(p)
	}
	if r.addresses != nil {
		r.addresses.allow(p.network)
	}
}

// Accepted notes that a device was let in.
func (r *Refusals) Accepted(a netip.Addr, device string) {
	if r.addresses != nil {
		r.accepted.add(maphash.Comparable(r.seed, r.place(a, device)))
	}
}

func (r *Refusals) place(a netip.Addr, device string) place {
	return place{Network(a), maphash.String(r.seed, device)}
}
