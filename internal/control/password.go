package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of a password hash (OWASP Password Storage Cheat Sheet: argon2id with
// 19 MiB, two passes, one lane).
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16

	hashers = 2 // hashes at a time; each takes hashMemory
)

// hashPassword makes a PHC string: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func (c *Control) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	sum, err := c.argon2(ctx, password, salt, hashPasses, hashMemory, hashLanes)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, hashMemory, hashPasses, hashLanes, b64(salt), b64(sum)), nil
}

// checkPassword reports whether password is the one that was hashed.
func (c *Control) checkPassword(ctx context.Context, password, phc string) (bool, error) {
	h, err := parseHash(phc)
	if err != nil {
		return false, fmt.Errorf("read a password hash: %w", err)
	}
	sum, err := c.argon2(ctx, password, h.salt, h.passes, h.memory, h.lanes)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1, err
}

// passwordHash is a PHC string taken apart.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

func parseHash(phc string) (h passwordHash, err error) {
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errors.New("not argon2id of this version")
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, err
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil {
		return h, err
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil {
		return h, err
	}
	if h.passes == 0 || h.lanes == 0 || len(h.sum) != hashSize {
		return h, errors.New("costs or size out of bounds")
	}
	return h, nil
}

// argon2 waits for its turn: a burst of sign-ins must not take all memory.
func (c *Control) argon2(ctx context.Context, password string, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	select {
	case c.hashing <- struct{}{}:
		defer func() { <-c.hashing }()
		return argon2.IDKey([]byte(password), salt, passes, memory, lanes, hashSize), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newSecret makes a secret for a session or a token, and the hash that is
// kept of it. A fast hash is enough: it has 256 random bits.
func newSecret(prefix string) (secret, hash string) {
	raw := make([]byte, 32)
	rand.Read(raw)
	secret = prefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, hashSecret(secret)
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
