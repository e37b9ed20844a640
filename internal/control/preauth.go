package control

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/cotahq/cota/internal/store"
)

// An iotId and an iotToken are what a device signs in with that has
// pre-authenticated. Both are signed, and kept nowhere: a fleet that asks anew
// each time it connects writes nothing, and every node knows them. The token
// is signed together with the device's secret, so a new secret ends it; that
// the device is enabled is looked at when it signs in.
//
//	iotId     base32(device 8 | HMAC-SHA256 8)
//	iotToken  base64url(expires 4 | HMAC-SHA256 32)
const (
	iotTokenLife = 7 * 24 * time.Hour // vendor: Establish MQTT connections over TCP

	iotIDSize    = 8 + 8
	iotTokenSize = 4 + sha256.Size
)

var iotIDEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func (c *Control) prepareIotKey(ctx context.Context) error {
	secret := make([]byte, 32)
	rand.Read(secret)
	return c.store.Update(ctx, func(tx *store.Tx) (err error) {
		c.iotKey, err = tx.ServerKey(ctx, "iot token", secret, time.Now())
		return err
	})
}

// PreAuth gives a device whose secret verify accepts an iotId and an iotToken.
// It refuses what SignIn refuses.
func (c *Control) PreAuth(ctx context.Context, product, name string, verify func(secret string) bool) (iotID, iotToken string, err error) {
	row, secret, err := c.login(ctx, product, name, verify)
	if err != nil {
		return "", "", err
	}
	expires := uint32(time.Now().Add(iotTokenLife).Unix())
	token := binary.BigEndian.AppendUint32(nil, expires)
	token = append(token, c.iotTokenSum(row.ID, expires, secret)...)
	return iotIDEncoding.EncodeToString(c.iotID(row.ID)), base64.RawURLEncoding.EncodeToString(token), nil
}

// PreAuthorized says which device has an iotId, and how its iotToken is
// verified for SignIn. It refuses with Unauthenticated what PreAuth did not
// make or has expired, before it reads the database.
func (c *Control) PreAuthorized(ctx context.Context, iotID, iotToken string) (product, name string, verify func(secret string) bool, err error) {
	id, ok := c.openIotID(iotID)
	token, err := base64.RawURLEncoding.Strict().DecodeString(iotToken)
	if !ok || err != nil || len(token) != iotTokenSize {
		return "", "", nil, errSignature
	}
	expires := binary.BigEndian.Uint32(token)
	if time.Now().Unix() >= int64(expires) {
		return "", "", nil, errSignature
	}
	product, name, err = c.store.DeviceNames(ctx, id)
	return product, name, func(secret string) bool {
		return hmac.Equal(token[4:], c.iotTokenSum(id, expires, secret))
	}, err
}

func (c *Control) iotID(device int64) []byte {
	id := binary.BigEndian.AppendUint64(nil, uint64(device))
	return append(id, c.iotSum("id", id)[:iotIDSize-len(id)]...)
}

func (c *Control) openIotID(iotID string) (device int64, ok bool) {
	raw, err := iotIDEncoding.DecodeString(iotID)
	if err != nil || len(raw) != iotIDSize {
		return 0, false
	}
	device = int64(binary.BigEndian.Uint64(raw))
	return device, hmac.Equal(raw, c.iotID(device))
}

func (c *Control) iotTokenSum(device int64, expires uint32, secret string) []byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(device))
	text = binary.BigEndian.AppendUint32(text, expires)
	return c.iotSum("token", append(text, secret...))
}

// iotSum signs text for one purpose.
func (c *Control) iotSum(purpose string, text []byte) []byte {
	mac := hmac.New(sha256.New, c.iotKey)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(text)
	return mac.Sum(nil)
}
