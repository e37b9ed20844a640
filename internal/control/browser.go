package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// The cookie of a browser is a random id and its signature, with a full stop
// between. The store knows the hash of the id only.

// newBrowser makes the cookie of a browser that has none.
func (c *Control) newBrowser() (cookie, browser string) {
	id := rand.Text()
	return id + "." + base64.RawURLEncoding.EncodeToString(c.mac("browser", id)), hashSecret(id)
}

// Browser is the hash of the id in a browser's cookie; "" if the cookie is not
// one that newBrowser made.
func (c *Control) Browser(cookie string) string {
	id, signature, _ := strings.Cut(cookie, ".")
	got, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(got, c.mac("browser", id)) {
		return ""
	}
	return hashSecret(id)
}

// codeHash is what is kept of a code. A code is short, so a plain hash could
// be turned back by trying them all.
func (c *Control) codeHash(challenge, code string) string {
	return hex.EncodeToString(c.mac("code", challenge, code))
}

func (c *Control) mac(parts ...string) []byte {
	m := hmac.New(sha256.New, c.key)
	for _, p := range parts {
		m.Write([]byte(p))
		m.Write([]byte{0})
	}
	return m.Sum(nil)
}
