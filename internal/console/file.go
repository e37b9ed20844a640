package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// assets is where the build puts files whose names change with what is in
// them.
const assets = "assets/"

// contentTypes are those of what a build holds. The system's own table differs
// from machine to machine.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// encodings are how the build compresses files, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// file is one file of the build with its compressed forms.
type file struct {
	contentType  string
	cacheControl string
	tag          string // of what is in it
	plain        []byte
	encoded      map[string][]byte // by encoding
}

// newFiles reads all files of a build but the document, by path.
func newFiles(built fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		if err != nil || entry.IsDir() || compressed(base) || base == "index.html" || base[0] == '.' {
			return err
		}
		files[name], err = newFile(built, name)
		return err
	})
	return files, err
}

func compressed(base string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(base, e.suffix) {
			return true
		}
	}
	return false
}

func newFile(built fs.FS, name string) (*file, error) {
	plain, err := fs.ReadFile(built, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plain)
	f := &file{
		contentType:  contentTypes[path.Ext(name)],
		cacheControl: "no-cache",
		tag:          hex.EncodeToString(sum[:8]),
		plain:        plain,
		encoded:      map[string][]byte{},
	}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if strings.HasPrefix(name, assets) {
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for _, e := range encodings {
		b, err := fs.ReadFile(built, name+e.suffix)
		switch {
		case err == nil:
			f.encoded[e.name] = b
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return f, nil
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", f.cacheControl)
	h.Set("Content-Type", f.contentType)
	content, tag := f.plain, f.tag
	if len(f.encoded) > 0 {
		h.Set("Vary", "Accept-Encoding")
	}
	for _, e := range encodings {
		if b, ok := f.encoded[e.name]; ok && accepts(r.Header.Get("Accept-Encoding"), e.name) {
			h.Set("Content-Encoding", e.name)
			content, tag = b, f.tag+e.suffix
			break
		}
	}
	h.Set("ETag", strconv.Quote(tag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// accepts tells whether an Accept-Encoding names an encoding and does not
// refuse it with a weight of zero.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType("x/" + strings.TrimSpace(part))
		if err != nil || name != "x/"+encoding {
			continue
		}
		weight, err := strconv.ParseFloat(params["q"], 64)
		return params["q"] == "" || err == nil && weight > 0
	}
	return false
}
