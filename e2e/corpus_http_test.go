package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/cotahq/cota"
)

// httpRequest is the hostile request of a number, and whether it is for the file
// door. token is one that the API takes, and link one that the file door does.
func httpRequest(n int, product string, devices []cota.Credentials, token, link string) (c conversation, files bool) {
	h := &hostile{
		Rand: rand.New(rand.NewPCG(httpSeed, uint64(n))), product: product,
		id: devices[n%len(devices)], other: devices[(n+1)%len(devices)].Name,
	}
	files = n%3 == 0
	c.ends = ending(h.IntN(int(endings)))
	switch {
	case files && n%2 == 0:
		c.kind, c.pieces = "link", h.link(link)
	case files:
		c.kind, c.pieces = "registration", h.registration()
	case n%5 == 0:
		c.kind, c.pieces = "damaged request", [][]byte{h.damage(h.apiRequest(token))}
	case n%5 == 1:
		c.kind, c.pieces = "smuggled request", h.smuggled(token)
	default:
		c.kind, c.pieces = "API request", [][]byte{h.apiRequest(token)}
	}
	if files && h.IntN(4) == 0 {
		c.kind += ", damaged"
		c.pieces[0] = h.damage(c.pieces[0])
	}
	return c, files
}

// apiRequest is a request of the management door that HTTP takes.
func (h *hostile) apiRequest(token string) []byte {
	method := []string{"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"}[h.IntN(9)]
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, h.apiPath())
	if h.IntN(5) > 0 {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	for range h.IntN(4) {
		b.WriteString(h.header())
	}
	body := h.apiBody()
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-7"}[h.IntN(4)/2*h.IntN(2)], len(body))
	b.Write(body)
	return b.Bytes()
}

func (h *hostile) apiPath() string {
	product := "/api/v1/products/" + h.product
	return []string{
		"/api/v1/me", "/api/v1/products", product, product + "/config", product + "/config/versions", product + "/config/versions/" + h.number(),
		product + "/pushes", product + "/devices", product + "/devices/" + h.other, product + "/devices/" + h.other + "/events",
		"/api/v1/pushes/" + h.number(), "/api/v1/challenges/" + h.number() + "/verify", "/api/v1/audit?after=" + h.number() + "&limit=" + h.number(),
		product + "/devices?limit=" + h.number() + "&prefix=%ff&state=%00", "/api/v1/products/" + strings.Repeat("../", h.IntN(50)) + "etc/passwd",
		"/api/v1/products/" + strings.Repeat("%2e%2e%2f", h.IntN(50)), "//", "/./../healthz", "/docs/../../go.mod", "/docs/%2e%2e/x", "/" + strings.Repeat("a", h.IntN(20_000)),
		"/metrics?" + strings.Repeat("a=b&", h.IntN(4000)), "*", "http://elsewhere/api/v1/me", "/api/v1/session", product + "/ca", product + "/config%00",
	}[h.IntN(27)]
}

func (h *hostile) number() string {
	return []string{"0", "-1", "1", "999999999999999999999", "1e3", "0x10", "NaN", "%20", "1;DROP", "''", "9223372036854775807"}[h.IntN(11)]
}

func (h *hostile) header() string {
	return []string{
		"Cookie: cota_session=" + strings.Repeat("x", h.IntN(6000)) + "\r\n",
		"X-Forwarded-For: 1.2.3.4, ::1, \"'<script>\r\n", "If-Match: \"" + h.number() + "\"\r\n", "Range: bytes=-1,-2,5-1\r\n",
		"Expect: 100-continue\r\n", "Accept-Encoding: gzip;q=0\r\n", "Content-Encoding: gzip\r\n", "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n",
		"Last-Event-ID: " + h.number() + "\r\n", "X-" + strings.Repeat("y", h.IntN(18_000)) + ": z\r\n", "Connection: close, Upgrade\r\nUpgrade: h2c\r\n",
	}[h.IntN(11)]
}

// apiBody is a body with the members that requests have.
func (h *hostile) apiBody() []byte {
	switch h.IntN(8) {
	case 0:
		return nil
	case 1:
		return h.noise(h.IntN(500))
	case 2:
		return []byte(strings.Repeat("[", 1+h.IntN(50_000)))
	case 3:
		return fmt.Appendf(nil, `{"content":%q,"note":%q}`, h.json(5), strings.Repeat("n", h.IntN(3000)))
	case 4:
		return fmt.Appendf(nil, `{"content":"{\"a\":1,\"a\":2}","content":"[]","enabled":%s}`, h.json(1))
	case 5:
		return fmt.Appendf(nil, `{"deviceNames":[%q,"ok-name",%s],"count":%s,"prefix":"%%00"}`, h.noise(20), h.json(1), h.number())
	case 6:
		return fmt.Appendf(nil, `{"policy":{"cooldownSeconds":%d,"linkSeconds":%d,"history":%d,"maxBytes":%d},"enabled":"yes"}`, h.Int64(), -h.Int64(), h.Int64(), h.IntN(10))
	}
	return h.json(6)
}

// smuggled are requests whose ends two parsers may see in different places.
func (h *hostile) smuggled(token string) [][]byte {
	head := "POST /api/v1/products HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + "\r\n"
	inner := "GET /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\n\r\n"
	return [][]byte{[]byte([]string{
		head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
		head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + inner,
		head + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inner,
		head + "Content-Length: +3\r\n\r\n{}\n" + inner,
		head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner,
		head + " Content-Length: 3\r\n\r\n{}\n" + inner,
		head + "Transfer-Encoding: chunked\r\n\r\n" + h.number() + ";" + strings.Repeat("e", h.IntN(9000)) + "\r\nxyz\r\n0\r\n\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
		head + "Content-Length: 99999999999\r\n\r\n{",
		strings.ReplaceAll(head, "\r\n", "\n") + "Content-Length: 2\n\n{}",
		strings.Replace(head, "HTTP/1.1", "HTTP/"+h.number(), 1) + "\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(h.noise(100)),
	}[h.IntN(12)])}
}

// link asks the file door by links that were changed, and in ways that no device
// does.
func (h *hostile) link(link string) [][]byte {
	token := []byte(link[strings.LastIndexByte(link, '/')+1:])
	path := "/c/" + string(token)
	switch h.IntN(7) {
	case 0:
		token[h.IntN(len(token))] ^= byte(1 + h.IntN(3))
		path = "/c/" + string(token)
	case 1:
		path = "/c/" + string(token[:h.IntN(len(token))])
	case 2:
		path = "/c/" + string(token) + strings.Repeat("A", h.IntN(10_000))
	case 3:
		path = "/c/../c/" + strings.Repeat("%2e%2e/", h.IntN(20)) + string(token)
	case 4:
		path = "/" + strings.Repeat("/c", h.IntN(500))
	}
	asks := []string{
		"bytes=0-", "bytes=" + h.number() + "-", "bytes=-" + h.number(), "bytes=0-0,1-1,2-2,3-3," + strings.Repeat("0-,", h.IntN(1000)), "bytes=9-1", "lines=1-2",
	}[h.IntN(6)]
	method := []string{"GET", "GET", "HEAD", "POST", "PROPFIND"}[h.IntN(5)]
	return [][]byte{fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\nRange: %s\r\n%sContent-Length: 0\r\n\r\n", method, path, asks, h.header())}
}

// registration asks for a secret by forms that nobody has signed.
func (h *hostile) registration() [][]byte {
	form := fmt.Sprintf("productKey=%s&deviceName=%s&random=%d&sign=%x&signMethod=%s", h.product, h.id.Name, h.IntN(1000), h.noise(32),
		[]string{"hmacsha256", "hmacmd5", "none", strings.Repeat("h", h.IntN(5000))}[h.IntN(4)])
	switch h.IntN(4) {
	case 0:
		form = string(h.damage([]byte(form)))
	case 1:
		form = strings.Repeat("deviceName=a&", h.IntN(6000)) + form
	case 2:
		form = "%zz=" + strings.Repeat("%", h.IntN(300)) + "&" + form
	}
	path := []string{"/auth/register/device", "/auth/devicename", "/auth/bootstrap", "/auth/", "/auth/../c/x"}[h.IntN(5)]
	return [][]byte{fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n%sContent-Length: %d\r\n\r\n%s", path, h.header(), len(form), form)}
}
