package api

import (
	"context"
	"time"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/internal/control"
)

// browserCookieLife is how long a browser is known again. Browsers keep no
// cookie for longer.
const browserCookieLife = 400 * 24 * time.Hour

type verificationAnswer struct {
	cota.Verification
	Override string `json:"override" enum:",on,off" doc:"what this server was started with, whatever is set; empty: nothing"`
	Sender   string `json:"sender" enum:"log,webhook,aliyun" doc:"how codes are sent; log: they are in the server's log"`
}

func (s *server) verification(ctx context.Context, _ *struct{}) (*reply[verificationAnswer], error) {
	v, err := s.control.Verification(ctx)
	return &reply[verificationAnswer]{verificationAnswer{v.Verification, string(v.Mode), v.Sender}}, err
}

type verificationPatch struct {
	Body struct {
		Enabled *bool                   `json:"enabled,omitempty" doc:"switching it off needs a second proof itself"`
		Policy  *cota.VerificationPatch `json:"policy,omitempty" doc:"the limits to change; needs a second proof"`
	} `nameHint:"VerificationChange"`
}

func (s *server) setVerification(ctx context.Context, in *verificationPatch) (*reply[verificationAnswer], error) {
	b := in.Body
	if b.Enabled == nil && (b.Policy == nil || *b.Policy == cota.VerificationPatch{}) {
		return nil, errNoChange
	}
	if err := s.control.SetVerification(ctx, actor(ctx), b.Enabled, b.Policy); err != nil {
		return nil, err
	}
	return s.verification(ctx, nil)
}

// OfChallenge names a challenge.
type OfChallenge struct {
	ID string `path:"id" maxLength:"64"`
}

type challengeCode struct {
	OfChallenge
	Body struct {
		Code   string      `json:"code" maxLength:"16" doc:"six digits"`
		Method cota.Method `json:"method,omitempty" enum:"sms,totp,recovery" doc:"whichever it is, unless said otherwise"`
	} `nameHint:"ChallengeCode"`
}

type verified struct {
	Cookie string `header:"Set-Cookie"`
	Body   struct {
		TrustedUntil *time.Time `json:"trustedUntil" doc:"until then this browser needs no code from here; null: only a phone was proven"`
		Phone        string     `json:"phone" doc:"the new phone, masked; empty unless one was proven"`
	} `nameHint:"Verified"`
}

func (s *server) verifyChallenge(ctx context.Context, in *challengeCode) (*verified, error) {
	r := requestOf(ctx)
	v, err := s.control.Verify(ctx, r.by, in.ID, in.Body.Method, in.Body.Code, r.browser)
	if err != nil {
		return nil, err
	}
	var out verified
	out.Body.Phone = v.Phone
	if v.Cookie != "" {
		out.Body.TrustedUntil = &v.Until
		out.Cookie = r.setCookie(browserCookie, v.Cookie, int(browserCookieLife.Seconds()))
	}
	return &out, nil
}

func (s *server) resendCode(ctx context.Context, in *OfChallenge) (*reply[cota.Challenge], error) {
	c, err := s.control.Resend(ctx, actor(ctx), in.ID)
	return &reply[cota.Challenge]{c}, err
}

// recognize adds the browser to who acts by a session, if its cookie is ours.
func (s *server) recognize(by control.Actor, r *request) control.Actor {
	cookie := r.cookie(browserCookie)
	if by.Browser = s.control.Browser(cookie); by.Browser != "" {
		r.browser = cookie
	}
	return by
}
