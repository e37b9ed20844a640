package cota

import "time"

// Policy holds the limits of one product. The zero Policy is not usable; begin
// with DefaultPolicy.
type Policy struct {
	CooldownSeconds int64 `json:"cooldownSeconds"` // least time from push to push
	LinkSeconds     int64 `json:"linkSeconds"`     // life of a download link
	History         int64 `json:"history"`         // versions kept besides the current one
	MaxBytes        int64 `json:"maxBytes"`        // largest configuration
}

// DefaultPolicy is the vendor's: a push an hour, links of 30 minutes, the
// last five versions, 64 KiB (vendor: Remote configuration; Limits).
func DefaultPolicy() Policy {
	return Policy{CooldownSeconds: 3600, LinkSeconds: 1800, History: 5, MaxBytes: 64 << 10}
}

// Bounds of a Policy.
const (
	MaxCooldownSeconds = 30 * 24 * 3600
	MaxLinkSeconds     = 7 * 24 * 3600
	MaxHistory         = 1000
	MaxConfigBytes     = 1 << 20
)

// Check refuses a policy outside its bounds.
func (p Policy) Check() error {
	return checkBounds([]bounded{
		{"cooldownSeconds", p.CooldownSeconds, 0, MaxCooldownSeconds},
		{"linkSeconds", p.LinkSeconds, 1, MaxLinkSeconds},
		{"history", p.History, 1, MaxHistory},
		{"maxBytes", p.MaxBytes, 2, MaxConfigBytes},
	})
}

// bounded is a number that must be from least to top.
type bounded struct {
	name          string
	v, least, top int64
}

// checkBounds refuses the first number that is not within its bounds.
func checkBounds(all []bounded) error {
	for _, f := range all {
		if f.v < f.least || f.v > f.top {
			return Errorf(Invalid, "%s must be from %d to %d", f.name, f.least, f.top)
		}
	}
	return nil
}

// Cooldown is the least time from the start of one push to the next.
func (p Policy) Cooldown() time.Duration { return time.Duration(p.CooldownSeconds) * time.Second }

// Link is how long a download link lives.
func (p Policy) Link() time.Duration { return time.Duration(p.LinkSeconds) * time.Second }

// PolicyPatch changes the fields that are not nil.
type PolicyPatch struct {
	CooldownSeconds *int64 `json:"cooldownSeconds,omitempty"`
	LinkSeconds     *int64 `json:"linkSeconds,omitempty"`
	History         *int64 `json:"history,omitempty"`
	MaxBytes        *int64 `json:"maxBytes,omitempty"`
}

// With is p changed by patch. The result is not checked.
func (p Policy) With(patch PolicyPatch) Policy {
	for _, f := range []struct{ dst, src *int64 }{
		{&p.CooldownSeconds, patch.CooldownSeconds},
		{&p.LinkSeconds, patch.LinkSeconds},
		{&p.History, patch.History},
		{&p.MaxBytes, patch.MaxBytes},
	} {
		if f.src != nil {
			*f.dst = *f.src
		}
	}
	return p
}

// PushFacts is what the rules of Batch Update look at.
type PushFacts struct {
	Enabled  bool      // the product's switch
	Current  int64     // its current version; 0: none
	Asked    int64     // the version to push; 0: whichever is current
	Pushed   bool      // whether the current version was pushed before
	LastPush time.Time // start of the last push that told any device; zero: none
}

// CheckPush refuses a Batch Update that the rules do not allow at now: the
// switch is off, nothing is saved, another version than the current one is
// asked for, the version was pushed before, or the last push that told any
// device began less than the cool-down ago. A cool-down ends at, not after,
// its last instant; so does the refusal's Until.
func (p Policy) CheckPush(f PushFacts, now time.Time) error {
	switch {
	case !f.Enabled:
		return Errorf(Disabled, "remote configuration is switched off for this product; switch it on first")
	case f.Current == 0:
		return Errorf(NoConfig, "nothing is saved yet; save a configuration first")
	case f.Asked != 0 && f.Asked != f.Current:
		return Errorf(NotCurrent, "version %d is not the current version %d; only the current version can be pushed", f.Asked, f.Current)
	case f.Pushed:
		return Errorf(AlreadyPushed, "version %d was pushed before; each version is pushed once, so save a new one", f.Current)
	}
	if until := p.NextPush(f.LastPush); now.Before(until) {
		err := Errorf(Cooldown, "the last push of this product is too recent; the next may start at %s", until.UTC().Format(time.RFC3339))
		err.Until = until
		return err
	}
	return nil
}

// NextPush is when the cool-down after a push that began at last ends; the
// zero time if there was none, or there is no cool-down: so an operator can get
// around a last push that lies in the future since the clock was set back.
func (p Policy) NextPush(last time.Time) time.Time {
	if last.IsZero() || p.CooldownSeconds == 0 {
		return time.Time{}
	}
	return last.Add(p.Cooldown())
}
