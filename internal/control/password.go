package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
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
	part := strings.Split(phc, "$")
	var version int
	var memory, passes uint32
	var lanes uint8
	if len(part) != 6 || part[1] != "argon2id" {
		return false, fmt.Errorf("read a password hash: not argon2id")
	}
	if _, err := fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("read a password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[4])
	if err != nil {
		return false, fmt.Errorf("read a password hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(part[5])
	if err != nil {
		return false, fmt.Errorf("read a password hash: %w", err)
	}
	sum, err := c.argon2(ctx, password, salt, passes, memory, lanes)
	return err == nil && subtle.ConstantTimeCompare(sum, want) == 1, err
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
