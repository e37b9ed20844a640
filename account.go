package cota

import (
	"net/netip"
	"time"
)

// Account is a person or a program that may sign in.
type Account struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Disabled  bool      `json:"disabled"`
	Phone     string    `json:"phone"` // where its codes go, masked; "": none
	TOTP      bool      `json:"totp"`  // it has an authenticator
	CreatedAt time.Time `json:"createdAt"`
}

// Session is a browser that is signed in.
type Session struct {
	ID        string    `json:"id"`
	Address   string    `json:"address"`   // where it signed in from
	Browser   string    `json:"browser"`   // what it says it is; "": nothing
	CreatedAt time.Time `json:"createdAt"` // when it signed in
	SeenAt    time.Time `json:"seenAt"`    // when it was used last, give or take a minute
	ExpiresAt time.Time `json:"expiresAt"` // however much it is used
	Current   bool      `json:"current"`   // it is the one that asks
}

// BrowserMax bounds what is kept of what a browser says it is, in bytes.
const BrowserMax = 200

// Token lets a program act for an account, with at most the account's role.
// Its secret is shown once, when it is made.
type Token struct {
	ID        int64          `json:"id"`
	Name      string         `json:"name"`
	Account   string         `json:"account"`
	Role      Role           `json:"role"`
	Scopes    []Scope        `json:"scopes" nullable:"false"`   // what it may do beyond that
	Networks  []netip.Prefix `json:"networks" nullable:"false"` // where it may be used; none: anywhere
	CreatedAt time.Time      `json:"createdAt"`
	ExpiresAt *time.Time     `json:"expiresAt"` // nil: never
}

// AuditEntry is one change that somebody made. It never holds a secret.
type AuditEntry struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`   // account, with the token's name behind a slash
	Address string    `json:"address"` // where from
	Action  string    `json:"action"`  // the command, such as push.start
	Target  string    `json:"target"`  // what it was done to
	Detail  string    `json:"detail"`
}

// CheckAccountName refuses anything but 1 to 32 letters, digits and - _ @ .
func CheckAccountName(name string) error {
	ok := len(name) >= 1 && len(name) <= 32
	for i := 0; ok && i < len(name); i++ {
		ok = deviceNameChar(name[i]) && name[i] != ':'
	}
	if !ok {
		return Errorf(Invalid, "an account name has 1 to 32 letters, digits and - _ @ .")
	}
	return nil
}
