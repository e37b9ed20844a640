package client

import "net/http"

// Through has c send its requests through rt instead of the default transport,
// and returns c. It is to be called before c is used.
func (c *Client) Through(rt http.RoundTripper) *Client {
	c.http.Transport = rt
	return c
}
