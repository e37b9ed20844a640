package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// sealer keeps secrets unreadable at rest with AES-256-GCM. A box is the text
// "1." and base64(nonce, ciphertext, tag); the 1 names the scheme. What the
// secret belongs to is authenticated with it, so a box that is copied to
// another row does not open.
//
// A box does not say which key it was sealed with: its tag does, as only that
// key opens it. So boxes are what they were when there was one key only, and
// that a key is no longer needed is proven by opening everything without it,
// where a label could only claim it (see Reseal). A key that is tried in vain
// costs a microsecond.
type sealer struct {
	keys []cipher.AEAD // the first seals, every one opens
	name string        // of the first: nothing that helps to find the key
}

const sealScheme = "1."

// newSealer makes a sealer of master keys, the one that seals first.
func newSealer(keys ...[]byte) (s sealer, err error) {
	for _, key := range keys {
		if len(key) != 32 {
			return sealer{}, errors.New("the master key must have 32 bytes")
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return sealer{}, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return sealer{}, err
		}
		s.keys = append(s.keys, aead)
	}
	mac := hmac.New(sha256.New, keys[0])
	mac.Write([]byte("name of a master key"))
	s.name = hex.EncodeToString(mac.Sum(nil)[:8])
	return s, nil
}

func (s sealer) box(secret, owner string) string {
	return sealScheme + base64.RawStdEncoding.EncodeToString(s.keys[0].Seal(nil, nil, []byte(secret), []byte(owner)))
}

func (s sealer) open(box, owner string) (string, error) {
	secret, _, err := s.openBy(box, owner)
	return secret, err
}

// openBy opens a box and says which of the keys did.
func (s sealer) openBy(box, owner string) (secret string, key int, err error) {
	text, ok := strings.CutPrefix(box, sealScheme)
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", 0, fmt.Errorf("the sealed secret of %s is damaged", owner)
	}
	for i, key := range s.keys {
		if secret, err := key.Open(nil, nil, raw, []byte(owner)); err == nil {
			return string(secret), i, nil
		}
	}
	if len(s.keys) > 1 {
		return "", 0, fmt.Errorf("the sealed secret of %s opens with none of these %d master keys", owner, len(s.keys))
	}
	return "", 0, fmt.Errorf("the sealed secret of %s does not open with this master key", owner)
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
func ownerKey(id any) string                  { return fmt.Sprintf("signing key %v", id) }
func ownerServerKey(name string) string       { return "server key " + name }
func ownerPhone(account string) string        { return "phone of " + account }
func ownerTOTP(account string) string         { return "authenticator of " + account }
func ownerChallenge(id string) string         { return "challenge " + id }
