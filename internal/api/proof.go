package api

import (
	"context"

	"github.com/cotahq/cota"
)

type mePatch struct {
	Body struct {
		Phone *string `json:"phone,omitempty" maxLength:"32" doc:"it is set when the challenge in the answer is passed; empty: none from now on"`
	} `nameHint:"MePatch"`
}

type mePatched struct {
	Challenge *cota.Challenge `json:"challenge" doc:"a code was sent to the new phone; null: there is nothing to prove"`
}

func (s *server) setMe(ctx context.Context, in *mePatch) (*reply[mePatched], error) {
	if in.Body.Phone == nil {
		return nil, errNoChange
	}
	c, err := s.control.SetPhone(ctx, actor(ctx), *in.Body.Phone)
	return &reply[mePatched]{mePatched{c}}, err
}

type newTOTP struct {
	Secret string `json:"secret" doc:"shown this once"`
	URL    string `json:"url" doc:"otpauth URL that holds it, for a QR code"`
}

func (s *server) addTOTP(ctx context.Context, _ *struct{}) (*reply[newTOTP], error) {
	secret, url, err := s.control.AddTOTP(ctx, actor(ctx))
	return &reply[newTOTP]{newTOTP{secret, url}}, err
}

type totpCode struct {
	Body struct {
		Code string `json:"code" maxLength:"16" doc:"six digits"`
	} `nameHint:"TOTPCode"`
}

func (s *server) confirmTOTP(ctx context.Context, in *totpCode) (*nothing, error) {
	return &nothing{}, s.control.ConfirmTOTP(ctx, actor(ctx), in.Body.Code)
}

func (s *server) removeTOTP(ctx context.Context, _ *struct{}) (*nothing, error) {
	return &nothing{}, s.control.RemoveTOTP(ctx, actor(ctx))
}
