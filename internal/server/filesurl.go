package server

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/cotahq/cota"
)

// The oldest SDKs have room for no more than this in a whole download link, and
// in its host (see doc/alink.md).
const (
	maxLink = 250
	maxHost = 63
)

// plainPath are the characters that every SDK passes on as they are.
const plainPath = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

// checkFilesURL refuses an address that makes links which some device cannot
// take.
func checkFilesURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("files-url %q must be http://host or https://host", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("files-url must have no user, query or fragment")
	case strings.Trim(u.EscapedPath(), plainPath) != "" || u.ForceQuery || strings.HasSuffix(text, "#"):
		return fmt.Errorf("files-url must have a plain path of letters, digits and - . _ ~ /")
	case len(text)+len("/c/")+cota.TokenLen > maxLink:
		return fmt.Errorf("files-url is too long: links must have at most %d characters", maxLink)
	case len(u.Hostname()) > maxHost:
		return fmt.Errorf("files-url must have a host of at most %d characters", maxHost)
	}
	return nil
}
