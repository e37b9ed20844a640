package download

import "bytes"

// maxRequest bounds a request that parseRequest takes or waits for. What SDKs
// send has less than half of it; net/http has bounds of its own for the rest.
const maxRequest = 2048

// verdict is what parseRequest finds.
type verdict int

const (
	// unfinished: nothing is wrong so far, and more must come.
	unfinished verdict = iota
	// plain: the request is one that is answered here.
	plain
	// other: whatever it is, net/http is to judge it.
	other
)

// request is a plain request for a file: a GET without a body, without
// conditions, for all of it or for what follows an offset.
type request struct {
	size   int    // bytes
	token  []byte // of the link; part of what was parsed
	ranged bool   // from was asked for, as in "bytes=0-"
	from   int
	last   bool // the client asked for the connection to be closed
	host   bool // it said which host it means
	length bool // it said that there is no body
}

// parseRequest parses the first request of what a client has sent. It knows
// what SDKs in the field send and calls everything else other: forms that it
// does not know to be harmless, and all in which the end of a request could be
// told in two ways, such as a body, an encoding, a folded line or a line that
// ends without a carriage return (RFC 9112 sections 2.2, 5.2 and 6). So there
// is one parser of these, that of net/http, and none to disagree with it.
func parseRequest(b []byte) (request, verdict) {
	var r request
	line, n, v := cutLine(b)
	switch {
	case !begins(b, "GET /c/"):
		return r, other
	case v == plain:
		v = r.requestLine(line)
	}
	for v == plain {
		r.size += n
		line, n, v = cutLine(b[r.size:])
		if v == plain && len(line) == 0 {
			r.size += n
			if r.size > maxRequest {
				return r, other
			}
			return r, r.whole()
		}
		if v == plain {
			v = r.field(line)
		}
	}
	if v == unfinished && len(b) >= maxRequest {
		v = other
	}
	return r, v
}

// begins reports whether b begins with prefix, as far as it goes.
func begins(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

// cutLine finds the first line of b. It takes n bytes with its end.
func cutLine(b []byte) (line []byte, n int, v verdict) {
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0:
		return nil, 0, unfinished
	case end == 0 || b[end-1] != '\r':
		return nil, 0, other
	}
	return b[:end-1], end + 1, plain
}

// requestLine takes "GET /c/{token} HTTP/1.1".
func (r *request) requestLine(line []byte) verdict {
	target, ok := bytes.CutSuffix(line[len("GET /c/"):], []byte(" HTTP/1.1"))
	if !ok {
		return other
	}
	token, query, _ := bytes.Cut(target, []byte("?"))
	if !all(token, inPath) || !all(query, inQuery) {
		return other
	}
	r.token = token
	return plain
}

// field takes a header line.
func (r *request) field(line []byte) verdict {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || !all(name, inName) || !all(value, inValue) {
		return other
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "host"):
		return r.hostField(value)
	case is(name, "range"):
		return r.rangeField(value)
	case is(name, "connection"):
		return r.connectionField(value)
	case is(name, "content-length"):
		return r.lengthField(value)
	case is(name, "transfer-encoding"), is(name, "trailer"), is(name, "expect"), is(name, "upgrade"), len(name) > 3 && is(name[:3], "if-"):
		return other
	}
	return plain
}

func (r *request) hostField(value []byte) verdict {
	if r.host || !all(value, inHost) {
		return other
	}
	r.host = true
	return plain
}

// maxOffset bounds the digits of an offset: no file is as large.
const maxOffset = 9

// rangeField takes "bytes=N-", which is all that SDKs ask for.
func (r *request) rangeField(value []byte) verdict {
	digits, ok := bytes.CutPrefix(value, []byte("bytes="))
	digits, open := bytes.CutSuffix(digits, []byte("-"))
	if !ok || !open || r.ranged || len(digits) == 0 || len(digits) > maxOffset || !all(digits, inNumber) {
		return other
	}
	r.ranged = true
	for _, d := range digits {
		r.from = 10*r.from + int(d-'0')
	}
	return plain
}

func (r *request) connectionField(value []byte) verdict {
	switch {
	case is(value, "close"):
		r.last = true
	case !is(value, "keep-alive"):
		return other
	}
	return plain
}

// lengthField takes the 0 that LinkSDK 4 sends with a GET.
func (r *request) lengthField(value []byte) verdict {
	if r.length || string(value) != "0" {
		return other
	}
	r.length = true
	return plain
}

// whole is what to make of a request of which every line is plain: HTTP/1.1
// wants a host (RFC 9112 section 3.2).
func (r *request) whole() verdict {
	if !r.host {
		return other
	}
	return plain
}

// is compares without regard to case; lower is in lower case.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Where a letter may stand. What RFC 9110 and 3986 allow beyond that, nobody
// sends.
const (
	inPath = 1 << iota
	inQuery
	inName
	inValue
	inHost
	inNumber
)

var letters = func() (of [256]byte) {
	set := func(where byte, from, to byte) {
		for c := int(from); c <= int(to); c++ {
			of[c] |= where
		}
	}
	set(inPath|inQuery|inName|inHost, 'a', 'z')
	set(inPath|inQuery|inName|inHost, 'A', 'Z')
	set(inPath|inQuery|inName|inHost|inNumber, '0', '9')
	for _, c := range "-._~/" {
		of[c] |= inPath | inQuery
	}
	for _, c := range "=&" {
		of[c] |= inQuery
	}
	for _, c := range "-_" {
		of[c] |= inName
	}
	for _, c := range "-._:[]" {
		of[c] |= inHost
	}
	set(inValue, ' ', '~')
	of['\t'] |= inValue
	return of
}()

// all reports whether every letter may stand there.
func all(b []byte, where byte) bool {
	for _, c := range b {
		if letters[c]&where == 0 {
			return false
		}
	}
	return true
}
