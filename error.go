package cota

import (
	"errors"
	"fmt"
	"time"
)

// Code is the stable, machine-readable name of why something was refused.
// Codes are part of the API: they are never renamed.
type Code string

// Every code there is. The edges (HTTP, Alink, exit codes) each translate
// them through one table.
const (
	Invalid              Code = "invalid"               // the request cannot be understood; mend it
	TooLarge             Code = "too_large"             // a bound is exceeded
	Unauthenticated      Code = "unauthenticated"       // nobody is signed in
	Forbidden            Code = "forbidden"             // signed in, but the role does not allow it
	WrongPassword        Code = "wrong_password"        // signed in, but not with one's own old password
	VerificationRequired Code = "verification_required" // allowed, after a second proof
	NotFound             Code = "not_found"             // no such thing
	Exists               Code = "exists"                // the name is taken
	InUse                Code = "in_use"                // it still holds other things
	Unchanged            Code = "unchanged"             // the text equals the current version
	Stale                Code = "stale"                 // someone else saved in between
	NotCurrent           Code = "not_current"           // only the current version can be pushed
	NoConfig             Code = "no_config"             // nothing was ever saved
	Disabled             Code = "disabled"              // switched off: remote configuration, a product or a device
	Cooldown             Code = "cooldown"              // the last push is too recent; see Until
	AlreadyPushed        Code = "already_pushed"        // a version is pushed once
	PushRunning          Code = "push_running"          // another push was started at this very moment
	NotRunning           Code = "not_running"           // the push has ended already
	LinkExpired          Code = "link_expired"          // the download link's time is over
	LinkInvalid          Code = "link_invalid"          // the download link was not made by this server
	CodeWrong            Code = "code_wrong"            // not the verification code
	CodeExpired          Code = "code_expired"          // the verification code's time is over; have a new one sent
	RateLimited          Code = "rate_limited"          // too many attempts; try later
	Unavailable          Code = "unavailable"           // the server cannot do it now; try again
	Internal             Code = "internal"              // a fault of ours
)

// Error is a refusal that a caller may act on. Msg is for operators: it names
// the thing and, where it can, the way out; it never holds a secret.
type Error struct {
	Code      Code
	Msg       string
	Until     time.Time  // when the refusal ends by itself; zero: never or unknown
	Challenge *Challenge // what to pass; of VerificationRequired only
	TriesLeft *int64     // how many more codes may be tried before a new one is needed; of CodeWrong, nil: not counted
}

func (e *Error) Error() string { return e.Msg }

// Errorf makes an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// CodeOf is the Code of the first *Error in err's chain, "" for nil and
// Internal for any other error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
