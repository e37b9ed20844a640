package cota

import (
	"net/netip"
	"slices"
)

// Scope is what a token may do that its role alone does not allow it.
type Scope string

// ScopePush lets a token start pushes, and change what guards them. A session
// needs a verification for that; a token does not.
const ScopePush Scope = "push"

// Has reports whether the token has a scope.
func (t Token) Has(s Scope) bool { return slices.Contains(t.Scopes, s) }

// CheckAddress refuses an address outside the networks that the token is
// limited to.
func (t Token) CheckAddress(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	for _, n := range t.Networks {
		if n.Contains(a) {
			return nil
		}
	}
	if len(t.Networks) == 0 {
		return nil
	}
	return Errorf(Forbidden, "this token may not be used from %s", a)
}

// MaxNetworks bounds the networks of a token.
const MaxNetworks = 50

// NewToken fills in what is left out of a token that somebody with a role
// makes, by means of a token of theirs (nil: in a session), and refuses one
// that would be allowed more than its maker.
func NewToken(t Token, role Role, maker *Token) (Token, error) {
	if err := CheckName("the name", t.Name); err != nil {
		return t, err
	}
	mayPush := maker == nil || maker.Has(ScopePush)
	if t.Scopes == nil && t.Role >= Publisher && mayPush {
		t.Scopes = []Scope{ScopePush}
	}
	for i, s := range t.Scopes {
		if s != ScopePush || slices.Contains(t.Scopes[:i], s) {
			return t, Errorf(Invalid, "unknown or repeated scope %.32q; there is only push", s)
		}
	}
	switch {
	case t.Role < Viewer || t.Role > role:
		return t, Errorf(Forbidden, "a token has at most the role of its maker, %s", role)
	case t.Has(ScopePush) && t.Role < Publisher:
		return t, Errorf(Invalid, "the scope push needs the role publisher")
	case t.Has(ScopePush) && !mayPush:
		return t, Errorf(Forbidden, "a token without the scope push cannot make one with it")
	case len(t.Networks) > MaxNetworks:
		return t, Errorf(TooLarge, "a token has at most %d networks", MaxNetworks)
	}
	return limitNetworks(t, maker)
}

// limitNetworks keeps a token within the networks of the one that makes it.
func limitNetworks(t Token, maker *Token) (Token, error) {
	t.Networks = slices.Clone(t.Networks)
	for i, n := range t.Networks {
		if !n.IsValid() || n.Addr().Is4In6() {
			return t, Errorf(Invalid, "a network must look like 192.0.2.0/24 or 2001:db8::/48")
		}
		t.Networks[i] = n.Masked()
	}
	if maker == nil || len(maker.Networks) == 0 {
		return t, nil
	}
	if len(t.Networks) == 0 {
		t.Networks = slices.Clone(maker.Networks)
	}
	for _, n := range t.Networks {
		within := func(m netip.Prefix) bool { return m.Bits() <= n.Bits() && m.Contains(n.Addr()) }
		if !slices.ContainsFunc(maker.Networks, within) {
			return t, Errorf(Forbidden, "the network %s is not within those of the token that makes this one", n)
		}
	}
	return t, nil
}
