package api

import (
	"net/http"
)

// Cookies: that with the secret of a session, and that by which a browser is
// known again where it passed a verification, which outlives sessions.
const (
	sessionCookie = "cota_session"
	browserCookie = "cota_browser"
)

// hostPrefix before a cookie's name has browsers take it by TLS and from this
// host alone, for all of its paths: neither a neighbour under the same domain
// nor who meddles with plain HTTP can put one of theirs in its place (RFC
// 6265bis, section 4.1.3.2). Without TLS, browsers would not take it.
const hostPrefix = "__Host-"

func (r *request) cookieName(name string) string {
	if r.secure {
		return hostPrefix + name
	}
	return name
}

// cookie is the value of a cookie that came with the request; "" if none did.
func (r *request) cookie(name string) string {
	c, err := r.in.Cookie(r.cookieName(name))
	if err != nil {
		return "" // there is none
	}
	return c.Value
}

// setCookie is a header that has the browser keep a cookie for so many seconds,
// or forget it.
func (r *request) setCookie(name, value string, seconds int) string {
	c := http.Cookie{
		Name: r.cookieName(name), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: r.secure, SameSite: http.SameSiteLaxMode,
	}
	return c.String()
}
