package server

import (
	"fmt"
	"log/slog"

	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/sms"
)

// SMS says how verification codes are sent. The zero value writes them to the
// server's log.
type SMS struct {
	Kind          string // log, webhook or aliyun; "" is log
	WebhookURL    string
	WebhookSecret string
	Aliyun        sms.AliyunOptions
}

// sender is the sender that these options name.
func (o SMS) sender(log *slog.Logger) (control.Sender, error) {
	switch o.Kind {
	case "", sms.KindLog:
		return sms.NewLog(log), nil
	case sms.KindWebhook:
		return sms.NewWebhook(o.WebhookURL, o.WebhookSecret)
	case sms.KindAliyun:
		return sms.NewAliyun(o.Aliyun)
	}
	return nil, fmt.Errorf("codes cannot be sent by %q; use log, webhook or aliyun", o.Kind)
}

// verificationMode is the mode by its name.
func verificationMode(name string) (control.VerificationMode, error) {
	switch m := control.VerificationMode(name); m {
	case control.VerifyAsSet, control.VerifyAlways, control.VerifyNever:
		return m, nil
	}
	return "", fmt.Errorf("verification cannot be %q; use on or off, or leave it as administrators have set it", name)
}
