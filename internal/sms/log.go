package sms

import (
	"context"
	"log/slog"
)

// Log writes codes to a log. It proves that one may read the server's log,
// which does for a server that has no other way to send.
type Log struct{ log *slog.Logger }

// NewLog makes a Log.
func NewLog(log *slog.Logger) Log { return Log{log} }

// Kind is KindLog.
func (Log) Kind() string { return KindLog }

// Send writes the code, on purpose: nothing else in cota logs a secret.
func (l Log) Send(ctx context.Context, m Message) error {
	l.log.WarnContext(ctx, "verification code", "account", m.Account, "code", m.Code, "until", m.Until.UTC())
	return nil
}
