package alink

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// TokenSize is the number of characters that a link's token takes in the
// messages of a PushTemplate.
const TokenSize = 60

// PushTemplate is the message of one push, in which only the token at the end
// of the URL differs from device to device. NewPushTemplate makes one.
type PushTemplate struct {
	head, tail string
}

// NewPushTemplate makes the template that offers c. c.URL is what stands before
// the token ("http://host/c/"), and c.ID the message id of all its messages: a
// number below 1<<32 in decimal, such as the push's own ("Remote
// configuration").
func NewPushTemplate(c Config) (*PushTemplate, error) {
	if _, err := strconv.ParseUint(c.ID, 10, 32); err != nil {
		return nil, errors.New("push template: id is not a number below 1<<32")
	}
	token := strings.Repeat("~", TokenSize)
	if strings.Contains(c.URL, token) {
		return nil, errors.New("push template: url looks like a token")
	}
	c.URL += token
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("push template: %w", err)
	}
	head, tail, _ := strings.Cut(string(AppendPush(nil, c)), token)
	return &PushTemplate{head: head, tail: tail}, nil
}

// Len is the length of every message of t.
func (t *PushTemplate) Len() int { return len(t.head) + TokenSize + len(t.tail) }

// Append appends the message for the device with that token, TokenSize
// characters of URL-safe base64. It allocates nothing if dst has room.
func (t *PushTemplate) Append(dst, token []byte) []byte {
	dst = append(dst, t.head...)
	dst = append(dst, token...)
	return append(dst, t.tail...)
}
