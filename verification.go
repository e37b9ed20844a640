package cota

import (
	"net/netip"
	"time"
)

// Verification is the second proof that a session from an untrusted place
// needs before it may push, or do what would let it push.
type Verification struct {
	Enabled bool               `json:"enabled"`
	Policy  VerificationPolicy `json:"policy"`
}

// DefaultVerification is on.
func DefaultVerification() Verification {
	return Verification{Enabled: true, Policy: DefaultVerificationPolicy()}
}

// VerificationPolicy holds the limits of verification, for the whole server.
// The zero value is not usable; begin with DefaultVerificationPolicy.
type VerificationPolicy struct {
	TrustSeconds  int64 `json:"trustSeconds"`  // how long a browser is trusted after a verification
	IPv4Bits      int64 `json:"ipv4Bits"`      // length of the network that it is trusted from
	IPv6Bits      int64 `json:"ipv6Bits"`      // the same, of an IPv6 address
	CodeSeconds   int64 `json:"codeSeconds"`   // life of a code
	Tries         int64 `json:"tries"`         // wrong codes borne with before a new one is needed
	ResendSeconds int64 `json:"resendSeconds"` // least time from sending a code to sending the next
	SendsPerHour  int64 `json:"sendsPerHour"`  // codes sent to an account in an hour, at most
}

// DefaultVerificationPolicy trusts a browser in an IPv4 /24 or an IPv6 /48 for
// 30 days. A code lives 5 minutes and bears 5 tries; another is sent after a
// minute, 5 in an hour.
func DefaultVerificationPolicy() VerificationPolicy {
	return VerificationPolicy{
		TrustSeconds: 30 * 24 * 3600, IPv4Bits: 24, IPv6Bits: 48,
		CodeSeconds: 300, Tries: 5, ResendSeconds: 60, SendsPerHour: 5,
	}
}

// Check refuses a policy outside its bounds. They keep what an operator may
// set from undoing the verification: a code is never easy to guess, nor a
// network the whole of the Internet.
func (p VerificationPolicy) Check() error {
	return checkBounds([]bounded{
		{"trustSeconds", p.TrustSeconds, 60, 366 * 24 * 3600},
		{"ipv4Bits", p.IPv4Bits, 8, 32},
		{"ipv6Bits", p.IPv6Bits, 16, 128},
		{"codeSeconds", p.CodeSeconds, 60, 3600},
		{"tries", p.Tries, 1, 10},
		{"resendSeconds", p.ResendSeconds, 10, 3600},
		{"sendsPerHour", p.SendsPerHour, 1, 60},
	})
}

// VerificationPatch changes the fields that are not nil.
type VerificationPatch struct {
	TrustSeconds  *int64 `json:"trustSeconds,omitempty"`
	IPv4Bits      *int64 `json:"ipv4Bits,omitempty"`
	IPv6Bits      *int64 `json:"ipv6Bits,omitempty"`
	CodeSeconds   *int64 `json:"codeSeconds,omitempty"`
	Tries         *int64 `json:"tries,omitempty"`
	ResendSeconds *int64 `json:"resendSeconds,omitempty"`
	SendsPerHour  *int64 `json:"sendsPerHour,omitempty"`
}

// With is p changed by patch. The result is not checked.
func (p VerificationPolicy) With(patch VerificationPatch) VerificationPolicy {
	for _, f := range []struct{ dst, src *int64 }{
		{&p.TrustSeconds, patch.TrustSeconds},
		{&p.IPv4Bits, patch.IPv4Bits},
		{&p.IPv6Bits, patch.IPv6Bits},
		{&p.CodeSeconds, patch.CodeSeconds},
		{&p.Tries, patch.Tries},
		{&p.ResendSeconds, patch.ResendSeconds},
		{&p.SendsPerHour, patch.SendsPerHour},
	} {
		if f.src != nil {
			*f.dst = *f.src
		}
	}
	return p
}

// Trust is how long a browser is trusted after a verification.
func (p VerificationPolicy) Trust() time.Duration {
	return time.Duration(p.TrustSeconds) * time.Second
}

// Code is how long a code lives.
func (p VerificationPolicy) Code() time.Duration { return time.Duration(p.CodeSeconds) * time.Second }

// Resend is the least time from sending a code to sending the next.
func (p VerificationPolicy) Resend() time.Duration {
	return time.Duration(p.ResendSeconds) * time.Second
}

// Network is the network that an address is trusted with. An address that is
// not known has none: the zero Prefix.
func (p VerificationPolicy) Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := p.IPv4Bits
	if a.Is6() {
		bits = p.IPv6Bits
	}
	network, err := a.Prefix(int(bits))
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// Trusts reports whether a verification that was passed at then still holds
// at now. It does not in its last instant.
func (p VerificationPolicy) Trusts(then, now time.Time) bool {
	return !then.IsZero() && now.Before(then.Add(p.Trust()))
}

// CheckSend refuses to send a code at now when the last one of this challenge
// (zero: none) went out too recently, or when the account was sent as many in
// the hour before as it may be. sent are those, oldest first.
func (p VerificationPolicy) CheckSend(last time.Time, sent []time.Time, now time.Time) error {
	if until := last.Add(p.Resend()); !last.IsZero() && now.Before(until) {
		err := Errorf(RateLimited, "the last code was sent just now; another can be sent at %s", until.UTC().Format(time.RFC3339))
		err.Until = until
		return err
	}
	return p.checkHour(sent, p.SendsPerHour, now, "codes were sent to this account")
}

// CheckTry refuses a code before it is looked at: when as many wrong ones were
// tried against the challenge as it bears (tries), or in the hour before
// against all of the account's. wrong are those, oldest first.
func (p VerificationPolicy) CheckTry(tries int64, wrong []time.Time, now time.Time) error {
	if tries >= p.Tries {
		return Errorf(RateLimited, "%d wrong codes were tried; have a new one sent", tries)
	}
	return p.checkHour(wrong, p.Tries*p.SendsPerHour, now, "wrong codes were tried for this account")
}

// checkHour refuses one more when there were as many as there may be in the
// hour before now, and says when there may be one again.
func (p VerificationPolicy) checkHour(times []time.Time, most int64, now time.Time, what string) error {
	for len(times) > 0 && !now.Before(times[0].Add(time.Hour)) {
		times = times[1:]
	}
	over := len(times) - int(most)
	if over < 0 {
		return nil
	}
	until := times[over].Add(time.Hour)
	err := Errorf(RateLimited, "%d %s in the last hour; try again at %s", len(times), what, until.UTC().Format(time.RFC3339))
	err.Until = until
	return err
}

// Method is a way to prove who one is.
type Method string

// The ways there are.
const (
	MethodSMS      Method = "sms"      // a code that the server sent
	MethodTOTP     Method = "totp"     // a code of an authenticator
	MethodRecovery Method = "recovery" // a code that was made on the server's own machine
)

// Challenge is a question for a second proof. It belongs to the session that
// it was put to.
type Challenge struct {
	ID string `json:"challengeId"`
	// Methods are those that this account has; a recovery code always does.
	Methods []Method `json:"methods" nullable:"false"`
	// Phone is where the code was sent, masked; "" when there is none, or the
	// sender needs none.
	Phone string `json:"phone"`
	// Sender is how codes are sent: log, webhook or aliyun. With log the code
	// is in the server's log.
	Sender string `json:"sender"`
	// ResendAt is when another code may be asked for; nil: now, or never if
	// Methods have no sms.
	ResendAt *time.Time `json:"resendAt"`
}
