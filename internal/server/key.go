package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cotahq/cota"
)

// Files of the data directory. The master key is in hexadecimal.
const (
	keyFile      = "master.key"
	databaseFile = "cota.db"
)

// masterKey is the key from the options, or from the data directory, where a
// new server makes one. It is never made beside a database that is there
// already: that one was sealed with another key, which is lost or elsewhere.
func masterKey(o Options) ([]byte, error) {
	if o.MasterKey != "" {
		return parseKey(o.MasterKey, "the master key")
	}
	path := filepath.Join(o.DataDir, keyFile)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return parseKey(strings.TrimSpace(string(text)), path)
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if _, err := os.Stat(filepath.Join(o.DataDir, databaseFile)); err == nil {
		return nil, fmt.Errorf("%s is missing but the database beside it was sealed with it; put it back", path)
	}
	key := make([]byte, 32)
	rand.Read(key)
	return key, writeKey(path, hex.EncodeToString(key)+"\n")
}

func parseKey(text, from string) ([]byte, error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s must be 64 hexadecimal digits", from)
	}
	return key, nil
}

// writeKey makes the file at once or not at all, flushed: everything sealed
// depends on it.
func writeKey(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	return nil
}

// maxLink bounds a whole download link: the oldest SDKs have room for no more
// (see doc/alink.md).
const maxLink = 250

// checkFilesURL refuses an address that makes links which some device cannot
// take.
func checkFilesURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("files-url %q must be http://host or https://host", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("files-url must have no user, query or fragment")
	case strings.ContainsAny(u.Path, "+%:?#"):
		return fmt.Errorf("files-url must have a plain path")
	case len(text)+len("/c/")+cota.TokenLen > maxLink:
		return fmt.Errorf("files-url is too long: links must have at most %d characters", maxLink)
	}
	return nil
}
