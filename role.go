package cota

import "fmt"

// Role says what an account or a token may do. Roles are ordered: each may do
// all that the one before it may. The zero Role may do nothing.
type Role int

const (
	Nobody    Role = iota
	Viewer         // sees everything but secrets
	Editor         // and saves versions, adds and changes products and devices
	Publisher      // and starts and stops pushes, and turns the switch
	Admin          // and manages policies, accounts, tokens and instances
)

var roleNames = [...]string{"nobody", "viewer", "editor", "publisher", "admin"}

func (r Role) String() string {
	if r < 0 || int(r) >= len(roleNames) {
		return fmt.Sprintf("role(%d)", int(r))
	}
	return roleNames[r]
}

// ParseRole is the inverse of String for the roles that can be given.
func ParseRole(s string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if roleNames[r] == s {
			return r, nil
		}
	}
	return Nobody, Errorf(Invalid, "unknown role %.32q; use viewer, editor, publisher or admin", s)
}

// MarshalText writes the role's name, for JSON and SQL alike.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText accepts what ParseRole accepts.
func (r *Role) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRole(string(b))
	return err
}
