package cota

import (
	"crypto/rand"
	"strings"
	"time"
	"unicode/utf8"
)

// Instance is an environment that holds products, such as a test or a
// production site. "All environments" is the list of instances.
type Instance struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Environment string    `json:"environment"`
	CreatedAt   time.Time `json:"createdAt"`
}

// DefaultInstance is the instance that every installation begins with.
const DefaultInstance = "default"

// Product is a kind of device. All its devices share one configuration
// template.
type Product struct {
	Key       string    `json:"productKey"`
	Instance  string    `json:"instance"`
	Name      string    `json:"name"`
	Enabled   bool      `json:"enabled"` // the remote configuration switch
	Current   int64     `json:"current"` // number of the current version; 0: nothing saved yet
	Push      int64     `json:"push"`    // the push its devices converge to; 0: none
	Devices   int64     `json:"devices"` // how many are registered
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Policy    Policy    `json:"policy"`

	// Devices that know the ProductSecret may get a secret of their own: those
	// that are listed and, if both are set, any.
	DynamicRegistration    bool `json:"dynamicRegistration"`
	WithoutPreRegistration bool `json:"withoutPreRegistration"`
}

// NameMax bounds the names of instances, products, accounts and tokens, in
// characters.
const NameMax = 64

// CheckName refuses an empty or overlong display name and one with control
// characters. what names the thing in the message.
func CheckName(what, name string) error {
	n := utf8.RuneCountInString(name)
	if n == 0 || n > NameMax || !utf8.ValidString(name) {
		return Errorf(Invalid, "%s must have 1 to %d characters", what, NameMax)
	}
	return checkPrintable(what, name)
}

// NoteMax bounds the note of a version and the reason of a stop, in
// characters.
const NoteMax = 500

// CheckNote refuses an overlong note and one with control characters.
func CheckNote(what, note string) error {
	if utf8.RuneCountInString(note) > NoteMax || !utf8.ValidString(note) {
		return Errorf(Invalid, "%s must have at most %d characters", what, NoteMax)
	}
	return checkPrintable(what, note)
}

func checkPrintable(what, s string) error {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return Errorf(Invalid, "%s must not hold control characters", what)
		}
	}
	return nil
}

// CheckInstanceID refuses anything but 1 to 32 lower-case letters, digits and
// hyphens.
func CheckInstanceID(id string) error {
	ok := len(id) >= 1 && len(id) <= 32
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-'
	}
	if !ok {
		return Errorf(Invalid, "an instance id has 1 to 32 lower-case letters, digits and hyphens")
	}
	return nil
}

// ProductKeyLen is the length of every ProductKey, as at the vendor.
const ProductKeyLen = 11

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewProductKey makes a ProductKey: 11 letters and digits that begin with
// "a1", as the vendor's do.
func NewProductKey() string { return "a1" + random(alphanumeric, ProductKeyLen-2) }

// CheckProductKey refuses anything but 11 letters and digits.
func CheckProductKey(key string) error {
	ok := len(key) == ProductKeyLen
	for i := 0; ok && i < len(key); i++ {
		ok = strings.IndexByte(alphanumeric, key[i]) >= 0
	}
	if !ok {
		return Errorf(Invalid, "a product key has %d letters and digits", ProductKeyLen)
	}
	return nil
}

// Longest secrets that are taken over: the vendor's SDKs have room for the
// first, its ImportDevice allows the second.
const (
	ProductSecretMax = 64
	DeviceSecretMax  = 32
)

// CheckProductSecret refuses anything but 1 to 64 visible ASCII characters.
func CheckProductSecret(secret string) error {
	return checkSecret("a product secret", secret, ProductSecretMax)
}

// CheckDeviceSecret refuses anything but 1 to 32 visible ASCII characters
// (vendor: ImportDevice).
func CheckDeviceSecret(secret string) error {
	return checkSecret("a device secret", secret, DeviceSecretMax)
}

func checkSecret(what, secret string, most int) error {
	ok := len(secret) >= 1 && len(secret) <= most
	for i := 0; ok && i < len(secret); i++ {
		ok = '!' <= secret[i] && secret[i] <= '~'
	}
	if !ok {
		return Errorf(Invalid, "%s has 1 to %d letters, digits and signs, without blanks", what, most)
	}
	return nil
}

// NewProductSecret makes a ProductSecret: 16 letters and digits.
func NewProductSecret() string { return random(alphanumeric, 16) }

// NewDeviceSecret makes a DeviceSecret: 32 lower-case hexadecimal digits.
func NewDeviceSecret() string { return random("0123456789abcdef", 32) }

// NewConfigID makes the ConfigID of a version: 32 lower-case hexadecimal
// digits.
func NewConfigID() string { return random("0123456789abcdef", 32) }

// random draws n characters of alphabet, uniformly: bytes beyond the last
// whole multiple of its length are thrown away.
func random(alphabet string, n int) string {
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var buf [64]byte
	for {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) >= limit {
				continue
			}
			out = append(out, alphabet[int(b)%len(alphabet)])
			if len(out) == n {
				return string(out)
			}
		}
	}
}
