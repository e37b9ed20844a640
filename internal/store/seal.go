package store

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sealer keeps secrets unreadable at rest with AES-256-GCM. A box is the text
// "1." and base64(nonce, ciphertext, tag); the 1 names the scheme. What the
// secret belongs to is authenticated with it, so a box that is copied to
// another row does not open.
type sealer struct{ aead cipher.AEAD }

const sealScheme = "1."

func newSealer(key []byte) (sealer, error) {
	if len(key) != 32 {
		return sealer{}, errors.New("the master key must have 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func (s sealer) box(secret, owner string) string {
	return sealScheme + base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(owner)))
}

func (s sealer) open(box, owner string) (string, error) {
	text, ok := strings.CutPrefix(box, sealScheme)
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", fmt.Errorf("the sealed secret of %s is damaged", owner)
	}
	secret, err := s.aead.Open(nil, nil, raw, []byte(owner))
	if err != nil {
		return "", fmt.Errorf("the sealed secret of %s does not open with this master key", owner)
	}
	return string(secret), nil
}

// boxAny and openAny are box and open for a secret that there may not be: ""
// stays "".
func (s sealer) boxAny(secret, owner string) string {
	if secret == "" {
		return ""
	}
	return s.box(secret, owner)
}

func (s sealer) openAny(box, owner string) (string, error) {
	if box == "" {
		return "", nil
	}
	return s.open(box, owner)
}

// Owners of sealed secrets.
func ownerProduct(key string) string          { return "product " + key }
func ownerDevice(product, name string) string { return "device " + product + "/" + name }
func ownerKey(id int64) string                { return fmt.Sprintf("signing key %d", id) }
func ownerServerKey(name string) string       { return "server key " + name }
func ownerPhone(account string) string        { return "phone of " + account }
func ownerTOTP(account string) string         { return "authenticator of " + account }
func ownerChallenge(id string) string         { return "challenge " + id }
