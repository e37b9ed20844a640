package main

import (
	"net/netip"
	"testing"
)

// The management door is for this machine unless an operator says otherwise.
func TestManagementDoorIsOnLoopback(t *testing.T) {
	addr := newServe().Flags().Lookup("http").DefValue
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsLoopback() {
		t.Errorf("--http is %q unless given, %v; want an address of loopback", addr, err)
	}
}
