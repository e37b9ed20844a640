package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cotahq/cota"
)

// Verification is how the second proof is set, and what the server makes of
// it.
type Verification struct {
	cota.Verification
	Override string `json:"override"` // on or off, whatever is set; "": as it is set
	Sender   string `json:"sender"`   // log, webhook or aliyun
}

// VerificationPatch changes what is not nil.
type VerificationPatch struct {
	Enabled *bool                   `json:"enabled,omitempty"`
	Policy  *cota.VerificationPatch `json:"policy,omitempty"`
}

// Verification is how the second proof is set.
func (c *Client) Verification(ctx context.Context) (Verification, error) {
	return call[Verification](ctx, c, http.MethodGet, "verification", nil)
}

// SetVerification changes it.
func (c *Client) SetVerification(ctx context.Context, patch VerificationPatch) (Verification, error) {
	return call[Verification](ctx, c, http.MethodPatch, "verification", patch)
}

// Verified is what passing a challenge has brought.
type Verified struct {
	TrustedUntil *time.Time `json:"trustedUntil"` // nil: only a phone was proven
	Phone        string     `json:"phone"`        // the new one, masked
}

// Verify passes a challenge with a code: the one that was sent, one of an
// authenticator, or one from the server's own machine. The client keeps the
// cookie by which the server knows it again, so what needed the proof goes
// through when it is asked again.
func (c *Client) Verify(ctx context.Context, challenge, code string) (Verified, error) {
	in := struct {
		Code string `json:"code"`
	}{code}
	return call[Verified](ctx, c, http.MethodPost, path("challenges", challenge, "verify"), in)
}

// Resend has another code sent for a challenge.
func (c *Client) Resend(ctx context.Context, challenge string) (cota.Challenge, error) {
	return call[cota.Challenge](ctx, c, http.MethodPost, path("challenges", challenge, "resend"), nil)
}

// SetPhone has a code sent to a new phone of one's own account: it is set when
// the challenge is passed. With "" the phone is taken away and the challenge
// is nil.
func (c *Client) SetPhone(ctx context.Context, phone string) (*cota.Challenge, error) {
	in := struct {
		Phone string `json:"phone"`
	}{phone}
	var out struct {
		Challenge *cota.Challenge `json:"challenge"`
	}
	err := c.do(ctx, http.MethodPatch, "me", in, &out)
	return out.Challenge, err
}

// AddTOTP makes the secret of an authenticator, and the otpauth URL that holds
// it. It counts once ConfirmTOTP has seen a code.
func (c *Client) AddTOTP(ctx context.Context) (secret, url string, err error) {
	var out struct {
		Secret string `json:"secret"`
		URL    string `json:"url"`
	}
	err = c.do(ctx, http.MethodPost, "me/totp", nil, &out)
	return out.Secret, out.URL, err
}

// ConfirmTOTP puts the new authenticator to use, given a code of it.
func (c *Client) ConfirmTOTP(ctx context.Context, code string) error {
	in := struct {
		Code string `json:"code"`
	}{code}
	return c.do(ctx, http.MethodPost, "me/totp/confirm", in, nil)
}

// RemoveTOTP removes one's authenticator.
func (c *Client) RemoveTOTP(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "me/totp", nil, nil)
}
