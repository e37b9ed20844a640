package cota

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

// Grant is what a download link permits: one device to fetch one version of
// its product's configuration until Expires. Push is the push that the fetch
// counts for, 0 for none.
type Grant struct {
	Product string    // ProductKeyLen bytes
	Version int64     // below 1<<32
	Device  int64     // below 1<<48
	Push    int64     // below 1<<32
	Expires time.Time // from 1970 to 2106
}

// A token is 30 bytes of grant and 15 of signature in URL-safe base64:
//
//	key id 1 | expires 4 | device 6 | push 4 | version 4 | product 11 | HMAC-SHA256 15
//
// Its length never varies, so that a push is a template in which only the
// token differs, and its letters survive every SDK's URL parser.
const (
	grantSize = 1 + 4 + 6 + 4 + 4 + ProductKeyLen
	macSize   = 15

	// TokenLen is the length of every token.
	TokenLen = (grantSize + macSize) * 4 / 3
)

// SigningKey signs download links. ID tells keys apart after a rotation.
type SigningKey struct {
	ID     byte
	Secret []byte
}

// Signer makes and opens the tokens of download links. The first key signs;
// every key verifies. It is safe for use by many goroutines.
type Signer struct {
	first *signingKey
	keys  map[byte]*signingKey
}

type signingKey struct {
	id   byte
	macs sync.Pool // of *keyedMAC
}

// keyedMAC is an HMAC keyed with the secret, with room for what goes in and
// comes out: both would escape to the heap at every call.
type keyedMAC struct {
	hash.Hash
	in  [grantSize]byte
	sum [sha256.Size]byte
}

// tokenEncoding refuses any second spelling of a token.
var tokenEncoding = base64.RawURLEncoding.Strict()

// NewSigner makes a Signer; it wants at least one key of at least 16 bytes.
func NewSigner(keys ...SigningKey) (*Signer, error) {
	s := &Signer{keys: make(map[byte]*signingKey, len(keys))}
	for _, k := range keys {
		if len(k.Secret) < 16 {
			return nil, Errorf(Invalid, "signing key %d is shorter than 16 bytes", k.ID)
		}
		if s.keys[k.ID] != nil {
			return nil, Errorf(Invalid, "signing key %d is there twice", k.ID)
		}
		secret := append([]byte(nil), k.Secret...)
		sk := &signingKey{id: k.ID}
		sk.macs.New = func() any { return &keyedMAC{Hash: hmac.New(sha256.New, secret)} }
		s.keys[k.ID] = sk
		if s.first == nil {
			s.first = sk
		}
	}
	if s.first == nil {
		return nil, Errorf(Invalid, "no signing key")
	}
	return s, nil
}

// AppendToken appends g's token, TokenLen letters, to dst. It allocates
// nothing when dst has room. The expiry is kept in whole seconds, rounded
// down. A grant outside its documented bounds is a bug and panics.
func (s *Signer) AppendToken(dst []byte, g Grant) []byte {
	if len(g.Product) != ProductKeyLen || g.Version>>32 != 0 || g.Device>>48 != 0 || g.Push>>32 != 0 || g.Expires.Unix()>>32 != 0 {
		panic("cota: grant out of bounds")
	}
	var raw [grantSize + macSize]byte
	raw[0] = s.first.id
	binary.BigEndian.PutUint32(raw[1:], uint32(g.Expires.Unix()))
	binary.BigEndian.PutUint16(raw[5:], uint16(g.Device>>32))
	binary.BigEndian.PutUint32(raw[7:], uint32(g.Device))
	binary.BigEndian.PutUint32(raw[11:], uint32(g.Push))
	binary.BigEndian.PutUint32(raw[15:], uint32(g.Version))
	copy(raw[19:], g.Product)
	s.first.sign(raw[:])
	return tokenEncoding.AppendEncode(dst, raw[:])
}

// Open reads a token. It refuses with LinkInvalid what this Signer's keys did
// not sign, to the last bit, and with LinkExpired what was valid until now;
// an expired grant is returned beside that error.
func (s *Signer) Open(token string, now time.Time) (Grant, error) {
	if len(token) != TokenLen {
		return Grant{}, errLinkInvalid
	}
	var text [TokenLen]byte
	copy(text[:], token)
	var raw [grantSize + macSize]byte
	if n, err := tokenEncoding.Decode(raw[:], text[:]); err != nil || n != len(raw) { // n: Decode skips line ends
		return Grant{}, errLinkInvalid
	}
	key := s.keys[raw[0]]
	if key == nil || !key.verify(raw[:]) {
		return Grant{}, errLinkInvalid
	}
	g := Grant{
		Expires: time.Unix(int64(binary.BigEndian.Uint32(raw[1:])), 0),
		Device:  int64(binary.BigEndian.Uint16(raw[5:]))<<32 | int64(binary.BigEndian.Uint32(raw[7:])),
		Push:    int64(binary.BigEndian.Uint32(raw[11:])),
		Version: int64(binary.BigEndian.Uint32(raw[15:])),
		Product: string(raw[19:grantSize]),
	}
	if !now.Before(g.Expires) {
		return g, errLinkExpired
	}
	return g, nil
}

var (
	errLinkInvalid = Errorf(LinkInvalid, "this link is not valid")
	errLinkExpired = Errorf(LinkExpired, "this link has expired; ask for the configuration again")
)

// sign writes the signature of raw's grant behind it.
func (k *signingKey) sign(raw []byte) {
	mac := k.macs.Get().(*keyedMAC)
	defer k.macs.Put(mac)
	mac.Reset()
	copy(mac.in[:], raw)
	mac.Write(mac.in[:])
	copy(raw[grantSize:], mac.Sum(mac.sum[:0])[:macSize])
}

// verify reports, in constant time, whether raw's signature is k's.
func (k *signingKey) verify(raw []byte) bool {
	var want [grantSize + macSize]byte
	copy(want[:], raw[:grantSize])
	k.sign(want[:])
	return hmac.Equal(raw[grantSize:], want[grantSize:])
}
