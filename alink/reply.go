package alink

import (
	"bytes"
	"strconv"
)

// Reply is an answer that carries no configuration: a device's push_reply, or
// the server's report_reply.
type Reply struct {
	ID      string // "" if there was none, or none that is plain text
	Code    Code
	Message string // at most MaxText bytes, on one line
}

var errReplyCode = &Error{CodeBadParameters, "reply: no code, or not a number"}

// DecodeReply reads the payload of a ConfigPushReply or ConfigReportReply. The
// code may be a number or a string of digits; data may be anything: Go devices
// send the string "{}" there (field).
//
// C SDK 3.2 says that it could not read a push in a text without its braces,
// ` "id":1000,"code":"400","data":{}` (field). That is read as if they were
// there, since it is the only word such a device ever says about a failure.
func DecodeReply(payload []byte) (Reply, error) {
	if len(payload) <= MaxMessage {
		payload = brace(payload)
	}
	if err := checkObject(payload); err != nil {
		return Reply{}, err
	}
	var r Reply
	numeric := false
	for name, value := range members(payload) {
		switch string(name) {
		case "id":
			r.ID, _ = identifier(value)
		case "code":
			r.Code, numeric = code(value)
		case "message":
			r.Message = line(value)
		}
	}
	if !numeric {
		return r, errReplyCode
	}
	return r, nil
}

// brace adds the braces to a text that starts as an object's first name.
func brace(payload []byte) []byte {
	trimmed := bytes.TrimLeft(payload, blanks)
	if len(trimmed) == 0 || trimmed[0] != '"' {
		return payload
	}
	return append(append([]byte{'{'}, trimmed...), '}')
}

// AppendPushReply appends a device's answer to a push ("Remote configuration").
func AppendPushReply(dst []byte, id string, c Code) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id)
	dst = append(dst, `,"code":`...)
	dst = strconv.AppendInt(dst, int64(c), 10)
	return append(dst, `,"data":{}}`...)
}

// AppendReportReply appends the server's answer to a report.
func AppendReportReply(dst []byte, id string, c Code) []byte {
	return appendAnswer(dst, id, c, "thing.config.report")
}

// AppendGetError appends the answer to a get that brings no configuration
// ("Error codes for devices" shows the shape).
func AppendGetError(dst []byte, id string, c Code) []byte {
	return appendAnswer(dst, id, c, "thing.config.get")
}

func appendAnswer(dst []byte, id string, c Code, method string) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(c), 10)
	dst = append(dst, `,"data":{},"id":`...)
	dst = appendID(dst, id)
	if m := c.Message(); m != "" { // C SDK 3 takes an empty string for a missing one
		dst = append(dst, `,"message":`...)
		dst = appendText(dst, m)
	}
	dst = append(dst, `,"method":"`...)
	dst = append(dst, method...)
	return append(dst, `","version":"1.0"}`...)
}
