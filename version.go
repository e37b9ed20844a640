package cota

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Version is one saved configuration of a product. Content is the operator's
// text to the byte: SHA256 is the digest that devices check.
type Version struct {
	Number    int64     `json:"number"`   // 1, 2, 3.. within the product
	ConfigID  string    `json:"configId"` // what devices call it
	Content   string    `json:"content,omitempty"`
	SHA256    string    `json:"sha256"` // lower-case hexadecimal
	Size      int64     `json:"size"`   // bytes
	Note      string    `json:"note"`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"createdAt"`
	Pushed    bool      `json:"pushed"`
}

// Digest is the lower-case hexadecimal SHA-256 of content, as the sign field
// of the Alink protocol carries it.
func Digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}
