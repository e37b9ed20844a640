package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/cotahq/cota/internal/server"
)

// verificationFlags adds the flags about the second proof. Its secrets come
// from the environment alone: other users of the machine see flags.
func (f *serveFlags) verificationFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.Verification, "verification", "", "on or off: whether a session from a new place needs a code to push (default as administrators have set it, which is on at first)")
	flags.StringSliceVar(&f.proxies, "trusted-proxy", nil, "addresses or networks of proxies whose X-Forwarded-For tells where a request comes from")
	flags.StringVar(&f.SMS.Kind, "sms", "log", "how codes are sent: log (this server's log), webhook or aliyun")
	flags.StringVar(&f.SMS.WebhookURL, "sms-webhook-url", "", "with --sms webhook: where codes are posted, signed with COTA_SMS_WEBHOOK_SECRET")
	flags.StringVar(&f.SMS.Aliyun.SignName, "sms-aliyun-sign", "", "with --sms aliyun: signature name; the access key is COTA_SMS_ALIYUN_KEY_ID and COTA_SMS_ALIYUN_KEY_SECRET")
	flags.StringVar(&f.SMS.Aliyun.TemplateCode, "sms-aliyun-template", "", "with --sms aliyun: code of a template with the variable ${code}")
	flags.StringVar(&f.SMS.Aliyun.Endpoint, "sms-aliyun-endpoint", "", "with --sms aliyun: endpoint of Dysmsapi (default https://dysmsapi.aliyuncs.com)")
}

// verification makes server options of these flags and the environment.
func (f *serveFlags) verification(ctx context.Context, o *server.Options) (err error) {
	if o.TrustedProxies, err = parseNetworks("--trusted-proxy", f.proxies); err != nil {
		return err
	}
	o.TrustLoopback = f.demo
	o.SMS.WebhookSecret = os.Getenv("COTA_SMS_WEBHOOK_SECRET")
	o.SMS.Aliyun.KeyID = os.Getenv("COTA_SMS_ALIYUN_KEY_ID")
	o.SMS.Aliyun.KeySecret = os.Getenv("COTA_SMS_ALIYUN_KEY_SECRET")
	if o.SMS.Kind == "log" && o.Verification != "off" && !o.Log.Enabled(ctx, slog.LevelWarn) {
		return errors.New("--log error would hide the verification codes; send them with --sms, or log from warn on")
	}
	return nil
}

// asksCode says when a code is asked for, and where it goes.
func asksCode(ctx context.Context, s *server.Server, o server.Options) string {
	v, err := s.Control.Verification(ctx)
	asked := o.Verification == "on" || o.Verification == "" && v.Enabled
	how := "is sent by " + v.Sender
	if v.Sender == "log" {
		how = "is written to this server's log (--sms sends it)"
	}
	switch {
	case err != nil:
		return "unknown: the database does not answer"
	case !asked:
		return "off: whoever has a password can push from anywhere"
	case o.TrustLoopback:
		return "not from this machine (--demo); elsewhere a push needs a code, which " + how
	}
	return "a push from a new place needs a code, which " + how
}
