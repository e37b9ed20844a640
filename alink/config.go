package alink

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxURL bounds download links: LinkSDK 4.1 aborts beyond 254 bytes and C SDK
// 3 crashes (field).
const MaxURL = 250

// What a configuration's signMethod always is, and its getType to any device that
// did not ask for another. No device takes another spelling of the first: it is
// named so in the get_reply of "Remote configuration".
const (
	SignMethodSha256 = "Sha256"
	GetTypeFile      = "file"
)

// Config is a configuration as it is offered to a device, in a push or in the
// answer to a get ("Remote configuration").
type Config struct {
	ID         string // of the message: the push's own, or the one asked with
	ConfigID   string // 32 lower-case hexadecimal digits
	Size       int64  // of the file in bytes, more than 0
	Sign       string // SHA-256 of the file in lower-case hexadecimal
	SignMethod string // read by decoders only; SignMethodSha256 is sent
	URL        string // of the file, at most MaxURL bytes
	GetType    string // read by decoders only; GetTypeFile or GetTypeInline is sent
	Content    string // the file itself, for a device that takes it so; then there is no URL
}

// Validate reports what would keep c from being read by some device: LinkSDK
// 4 divides by the size and looks for members by searching the text, braces
// and all, C SDK 3 compares the digest letter by letter, and neither undoes
// escapes (field). It does not judge host and port of the URL, which are a
// matter of the installation.
func (c Config) Validate() error {
	switch {
	case len(c.ConfigID) != 32 || !lowerHex(c.ConfigID):
		return errors.New("configId is not 32 lower-case hexadecimal digits")
	case c.Size <= 0:
		return errors.New("configSize is not above 0")
	case len(c.Sign) != 64 || !lowerHex(c.Sign):
		return errors.New("sign is not 64 lower-case hexadecimal digits")
	}
	if c.Content != "" {
		return c.validContent()
	}
	return validURL(c.URL)
}

func (c Config) validContent() error {
	switch {
	case !FitsInline(c.Content):
		return errors.New("content does not fit into a message")
	case c.Size != int64(len(c.Content)):
		return errors.New("configSize is not that of the content")
	}
	return nil
}

func validURL(url string) error {
	if len(url) > MaxURL {
		return fmt.Errorf("url is longer than %d bytes", MaxURL)
	}
	scheme, rest, _ := strings.Cut(url, "://")
	if scheme != "http" && scheme != "https" || strings.IndexByte(rest, '/') <= 0 {
		return errors.New("url is not http or https with a host and a path")
	}
	for i := range len(url) {
		if c := url[i]; c <= ' ' || c > '~' || strings.IndexByte("\"\\{}<>#", c) >= 0 {
			return fmt.Errorf("url holds %q", c)
		}
	}
	return nil
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// AppendPush appends the message that offers c to a device, method
// thing.config.push. c must be valid and its ID a number in decimal: here the
// id stands where LinkSDK 4 searches for names.
func AppendPush(dst []byte, c Config) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, c.ID)
	dst = append(dst, `,"version":"1.0","params":{"configId":`...)
	dst = appendText(dst, c.ConfigID)
	dst = append(dst, `,"configSize":`...)
	dst = strconv.AppendInt(dst, c.Size, 10)
	dst = append(dst, `,"sign":`...)
	dst = appendText(dst, c.Sign)
	dst = appendSource(append(dst, `,"signMethod":"Sha256",`...), c)
	dst = append(append(dst, `,"getType":"`...), c.getType()...)
	return append(dst, `"},"method":"thing.config.push"}`...)
}

// AppendGetReply appends the answer to a get that brings c. c must be valid,
// its ID the one asked with. The id stands behind the data, so that no id can
// be found where LinkSDK 4 searches for a name.
func AppendGetReply(dst []byte, c Config) []byte {
	dst = append(dst, `{"code":200,"data":{"configId":`...)
	dst = appendText(dst, c.ConfigID)
	dst = append(dst, `,"configSize":`...)
	dst = strconv.AppendInt(dst, c.Size, 10)
	dst = append(append(dst, `,"getType":"`...), c.getType()...)
	dst = appendText(append(dst, `","sign":`...), c.Sign)
	dst = appendSource(append(dst, `,"signMethod":"Sha256",`...), c)
	dst = append(dst, `},"id":`...)
	dst = appendID(dst, c.ID)
	return append(dst, `,"method":"thing.config.get","version":"1.0"}`...)
}

var (
	errConfigMissing = &Error{CodeBadParameters, "configuration: configId, sign, or url and content are missing"}
	errConfigSize    = &Error{CodeBadParameters, "configuration: configSize is not a number above 0"}
)

// DecodePush reads the payload of a ConfigPush, for a device. It takes links,
// digests and ids in any form, up to a bound; the device judges them.
func DecodePush(payload []byte) (Config, error) {
	_, c, err := decodeOffer(payload, "params")
	return c, err
}

// DecodeGetReply reads the payload of a ConfigGetReply, for a device. An
// answer with another code than 200 is an *Error with that code; the Config
// then holds only its ID.
func DecodeGetReply(payload []byte) (Config, error) {
	r, c, err := decodeOffer(payload, "data")
	if r.Code != 0 && r.Code != CodeSuccess {
		return Config{ID: c.ID}, &Error{r.Code, "get refused: " + strconv.Itoa(int(r.Code)) + " " + r.Message}
	}
	return c, err
}

// decodeOffer reads an envelope with a configuration in the member called in.
func decodeOffer(payload []byte, in string) (Reply, Config, error) {
	if err := checkObject(payload); err != nil {
		return Reply{}, Config{}, err
	}
	var r Reply
	var c Config
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			c.ID, _ = identifier(value)
		case "code":
			r.Code, _ = code(value)
		case "message":
			r.Message = line(value)
		case in:
			c = Config{ID: c.ID}
			for name, value := range members(value) {
				switch string(name) {
				case "configId":
					c.ConfigID = text(value)
				case "configSize":
					c.Size, _ = integer(value)
				case "sign":
					c.Sign = text(value)
				case "signMethod":
					c.SignMethod = text(value)
				case "url":
					c.URL = text(value)
				case "getType":
					c.GetType = text(value)
				case "content":
					c.Content = text(value)
				}
			}
		}
	}
	if c.GetType != GetTypeInline {
		c.Content = ""
	}
	switch {
	case c.ConfigID == "" || c.Sign == "" || c.URL == "" && c.Content == "":
		return r, c, errConfigMissing
	case c.Size <= 0:
		return r, c, errConfigSize
	}
	return r, c, nil
}
