package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cotahq/cota/alink"
)

// linkLife is how long a download is tried for: links live no longer by
// default, and the server offers again.
const linkLife = 30 * time.Minute

var (
	errNoLink = errors.New("link is no longer served")
	errDigest = errors.New("content does not have the digest that was offered")
)

// download fetches and verifies what is offered. It tries again for as long as
// the link lives, and once more from the start if the digest is wrong. The
// error is a *Failure with the code to report, or that of ctx.
func (d *Device) download(ctx context.Context, offer alink.Config) (Config, error) {
	if offer.Content != "" {
		return inline(offer)
	}
	life, cancel := context.WithTimeout(ctx, linkLife)
	defer cancel()
	f := file{offer: offer, client: d.o.HTTPClient, timeout: d.o.DownloadTimeout}
	wrong := false
	for tries := 0; ; tries++ {
		err := f.fetch(life)
		if err == nil {
			return Config{ConfigID: offer.ConfigID, Content: f.content, SHA256: strings.ToLower(offer.Sign)}, nil
		}
		d.log.Warn("download failed", "config", offer.ConfigID, "err", err)
		switch {
		case ctx.Err() != nil:
			return Config{}, ctx.Err()
		case errors.Is(err, errDigest) && wrong:
			return Config{}, &Failure{alink.StepVerificationFailed, err}
		case errors.Is(err, errDigest):
			wrong = true
		case errors.Is(err, errNoLink):
			return Config{}, &Failure{alink.StepDownloadFailed, err}
		}
		if !pause(life, backoff(tries, d.o.MaxBackoff)) {
			if ctx.Err() != nil {
				return Config{}, ctx.Err()
			}
			return Config{}, &Failure{alink.StepDownloadFailed, err}
		}
	}
}

// inline verifies a configuration that came in the offer.
func inline(offer alink.Config) (Config, error) {
	f := file{offer: offer, content: []byte(offer.Content)}
	if err := f.verify(); err != nil {
		return Config{}, &Failure{alink.StepVerificationFailed, err}
	}
	return Config{ConfigID: offer.ConfigID, Content: f.content, SHA256: strings.ToLower(offer.Sign)}, nil
}

// file is a download under way.
type file struct {
	offer   alink.Config
	client  *http.Client
	timeout time.Duration
	content []byte // what has come so far
}

// fetch makes one attempt, from where the last one broke off.
func (f *file) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.offer.URL, nil)
	if err != nil {
		return fmt.Errorf("%w: not a URL", errNoLink) // err holds it
	}
	r.Header.Set("Accept-Encoding", "identity")
	if n := len(f.content); n > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", n))
	}
	answer, err := f.client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err // and not the link, which is a secret
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusPartialContent && f.continues(answer):
	case answer.StatusCode == http.StatusOK:
		f.content = nil
	case answer.StatusCode == http.StatusPartialContent, answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		f.content = nil
		return fmt.Errorf("status %s: another part than asked for", answer.Status)
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout, answer.StatusCode >= 500:
		return fmt.Errorf("status %s", answer.Status)
	default:
		return fmt.Errorf("%w: status %s", errNoLink, answer.Status)
	}
	return f.read(answer.Body)
}

// continues reports whether the answer begins where the content ends.
func (f *file) continues(answer *http.Response) bool {
	return strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", len(f.content)))
}

// read takes the rest of the file, and one byte more if there is one: then it
// is another file.
func (f *file) read(body io.Reader) error {
	b := bytes.NewBuffer(f.content)
	_, err := b.ReadFrom(io.LimitReader(body, f.offer.Size+1-int64(len(f.content))))
	f.content = b.Bytes()
	if err != nil && int64(len(f.content)) < f.offer.Size {
		return err
	}
	return f.verify()
}

// verify drops the content if it is not what was offered.
func (f *file) verify() error {
	sum := sha256.Sum256(f.content)
	if int64(len(f.content)) == f.offer.Size && strings.EqualFold(hex.EncodeToString(sum[:]), f.offer.Sign) {
		return nil
	}
	f.content = nil
	return errDigest
}
