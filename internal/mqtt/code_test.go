package mqtt

import (
	"errors"
	"testing"
)

func TestNames(t *testing.T) {
	for _, test := range []struct {
		got, want string
	}{
		{V31.String(), "3.1"},
		{V311.String(), "3.1.1"},
		{V5.String(), "5.0"},
		{Version(7).String(), "level 7"},
		{TypePublish.String(), "PUBLISH"},
		{TypeAuth.String(), "AUTH"},
		{Type(16).String(), "type 16"},
		{NotAuthorized.String(), "not authorized"},
		{WildcardsNotSupported.String(), "wildcard subscriptions not supported"},
		{Code(0x7f).String(), "reason 0x7f"},
		{Accepted.String(), "success"},
		{RefusedCredentials.String(), "bad user name or password"},
	} {
		if test.got != test.want {
			t.Errorf("String() = %q; want %q", test.got, test.want)
		}
	}
}

func TestReturnCodesAndReasonCodesMeanTheSame(t *testing.T) {
	for r := Accepted; r <= RefusedAuthorization; r++ {
		if got := r.Code().ReturnCode(); got != r {
			t.Errorf("ReturnCode %d as a Code and back = %d", r, got)
		}
	}
	for _, test := range []struct {
		c    Code
		want ReturnCode
	}{
		{ServerBusy, RefusedUnavailable},
		{QuotaExceeded, RefusedUnavailable},
		{Banned, RefusedAuthorization},
		{BadAuthenticationMethod, RefusedAuthorization},
	} {
		if got := test.c.ReturnCode(); got != test.want {
			t.Errorf("%v.ReturnCode() = %d; want %d", test.c, got, test.want)
		}
	}
	if got := ReturnCode(6).Code(); got != UnspecifiedError {
		t.Errorf("ReturnCode(6).Code() = %v; want %v", got, UnspecifiedError)
	}
}

func TestErrorsSayWhatToAnswer(t *testing.T) {
	_, err := Frame([]byte("\x30\x7f"), 100)
	var e *Error
	if !errors.As(err, &e) || e.Code != PacketTooLarge {
		t.Errorf("Frame above the limit = %v; want an *Error with %v", err, PacketTooLarge)
	}
	if want := "mqtt: packet larger than the limit"; err.Error() != want {
		t.Errorf("Error() = %q; want %q", err, want)
	}
}
