package alink

import "unicode/utf8"

// Inline delivery is cota's own: a device that says in its login that it takes
// configurations in messages (Login.Inline), or asks so (Get.Inline), is sent a
// small file in the push or the answer itself, instead of a link.
const (
	GetTypeInline = "inline"
	// MaxInline bounds the files that are sent so, in bytes. The whole payload
	// stays within MaxMessage, escapes and all; a file that would not is sent as
	// a link.
	MaxInline = 8 << 10
	// maxAround bounds what stands around the content in a message.
	maxAround = 512
)

// FitsInline reports whether a file of this content can be sent in a message.
func FitsInline(content string) bool {
	if content == "" || len(content) > MaxInline || !utf8.ValidString(content) {
		return false
	}
	n := maxAround
	for i := range len(content) {
		n += escapedLen(content[i])
	}
	return n <= MaxMessage
}

// escapedLen is how many bytes appendText makes of one.
func escapedLen(c byte) int {
	switch {
	case c == '"' || c == '\\':
		return 2
	case c < ' ':
		return 6
	}
	return 1
}

// appendSource appends where the file is: in the message, or behind a link.
func appendSource(dst []byte, c Config) []byte {
	if c.Content != "" {
		return appendText(append(dst, `"content":`...), c.Content)
	}
	return appendText(append(dst, `"url":`...), c.URL)
}

// getType is what c.GetType ought to be.
func (c *Config) getType() string {
	if c.Content != "" {
		return GetTypeInline
	}
	return GetTypeFile
}
