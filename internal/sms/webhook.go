package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Headers of a webhook's request. The signature is "sha256=" and the
// hexadecimal HMAC-SHA256, by the shared secret, of the timestamp (Unix
// seconds), a full stop, and the body.
const (
	SignatureHeader = "X-Cota-Signature"
	TimestampHeader = "X-Cota-Timestamp"
)

// Webhook hands codes to a program of the operator's, by a signed POST.
type Webhook struct {
	url    string
	secret []byte
	http   *http.Client
}

// NewWebhook makes a Webhook. Whoever receives needs the secret to tell our
// requests from others', so there must be one.
func NewWebhook(address, secret string) (*Webhook, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return nil, errors.New("the address of the SMS webhook must look like https://host/path")
	case len(secret) < 16:
		return nil, errors.New("the secret of the SMS webhook must have at least 16 characters")
	}
	return &Webhook{
		url: address, secret: []byte(secret),
		http: &http.Client{
			Timeout: timeout,
			// A redirect would carry the code to who knows where.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Kind is KindWebhook.
func (*Webhook) Kind() string { return KindWebhook }

// Send posts the code. Any answer but 2xx is an error.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(struct {
		Account   string    `json:"account"`
		Phone     string    `json:"phone"`
		Code      string    `json:"code"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{m.Account, m.Phone, m.Code, m.Until.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the webhook's request: %w", err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(TimestampHeader, stamp)
	req.Header.Set(SignatureHeader, w.sign(stamp, body))
	resp, err := w.http.Do(req)
	if err != nil {
		return fmt.Errorf("reach the webhook: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %s", resp.Status)
	}
	return nil
}

func (w *Webhook) sign(stamp string, body []byte) string {
	mac := hmac.New(sha256.New, w.secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// withoutURL leaves out the webhook's address, which may hold a key, from an
// error that is logged.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
