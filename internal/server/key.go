package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Files of the data directory. Master keys are in hexadecimal, one a line. The
// lock is held by the server that uses the directory, and ends with the
// process, however that ends.
const (
	keyFile      = "master.key"
	databaseFile = "cota.db"
	lockFile     = "lock"
)

// maxKeys bounds how many master keys there may be at once.
const maxKeys = 16

// masterKeys are the keys from the options, or from the data directory, where
// a new server makes one. The first seals; every one opens. A key is never made
// beside a database that is there already: that one was sealed with another
// key, which is lost or elsewhere.
func masterKeys(o Options) ([][]byte, error) {
	switch {
	case o.MasterKey != "" && o.MasterKeyFile != "":
		return nil, errors.New("the master key is given twice: by itself, and by the name of a file")
	case o.MasterKey != "":
		return parseKeys(o.MasterKey, "the master key")
	case o.MasterKeyFile != "":
		return readKeys(o.MasterKeyFile)
	}
	path := filepath.Join(o.DataDir, keyFile)
	keys, err := readKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if _, err := os.Stat(filepath.Join(o.DataDir, databaseFile)); err == nil {
		return nil, fmt.Errorf("%s is missing but the database beside it was sealed with it; put it back", path)
	}
	keys = [][]byte{newKey()}
	return keys, writeKeys(path, keys)
}

// keysThere are the master keys that masterKeys finds, but none is made; nil if
// there are none.
func keysThere(o Options) ([][]byte, error) {
	if o.MasterKey != "" || o.MasterKeyFile != "" {
		return masterKeys(o)
	}
	keys, err := readKeys(filepath.Join(o.DataDir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

func readKeys(path string) ([][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return parseKeys(string(text), path)
}

// parseKeys reads keys with blanks, line breaks or commas between. from says
// where they are from, for the error, which must not show them.
func parseKeys(text, from string) (keys [][]byte, err error) {
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		key, err := hex.DecodeString(field)
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("%s must be 64 hexadecimal digits; several keys stand on lines of their own, or with commas between", from)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("%s must hold 1 to %d keys of 64 hexadecimal digits", from, maxKeys)
	}
	return keys, nil
}

// writeKeys makes the file at once or not at all, and on disk when it returns:
// everything sealed depends on it.
func writeKeys(path string, keys [][]byte) error {
	var text strings.Builder
	for _, key := range keys {
		text.WriteString(hex.EncodeToString(key) + "\n")
	}
	if err := replaceFile(path, text.String()); err != nil {
		return fmt.Errorf("write the master key: %w", err)
	}
	return nil
}

func replaceFile(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
