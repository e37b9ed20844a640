// Package alink is the device wire format: topics, envelopes, codes, login
// signatures.
//
// It covers what devices of Alibaba Cloud IoT Platform say and hear around
// remote configuration, in both directions, so that a server, a device and a
// simulator share one reading. It does no I/O and keeps no state; every
// function may be called by many goroutines at once.
//
// Decoders take what devices in the field really send: numbers for strings,
// missing fields, odd order. Encoders write the one form that every known SDK
// can read. What comes from a device is bounded and checked before it is
// returned, and nothing a device sends can add a member to a JSON text.
//
// Comments cite the vendor's documentation by title, and "field" for what was
// seen of SDKs on the wire.
package alink
