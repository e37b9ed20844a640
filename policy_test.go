package cota_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
)

var t0 = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func TestCheckPush(t *testing.T) {
	const cooldown = time.Hour
	p := cota.DefaultPolicy()
	good := cota.PushFacts{Enabled: true, Current: 7}
	with := func(change ...func(*cota.PushFacts)) cota.PushFacts {
		f := good
		for _, c := range change {
			c(&f)
		}
		return f
	}
	off := func(f *cota.PushFacts) { f.Enabled = false }
	empty := func(f *cota.PushFacts) { f.Current = 0 }
	older := func(f *cota.PushFacts) { f.Asked = 6 }
	pushed := func(f *cota.PushFacts) { f.Pushed = true }
	ago := func(d time.Duration) func(*cota.PushFacts) {
		return func(f *cota.PushFacts) { f.LastPush = t0.Add(-d) }
	}
	for _, c := range []struct {
		name  string
		facts cota.PushFacts
		want  cota.Code
		until time.Time
	}{
		{"the first push", good, "", time.Time{}},
		{"the current version by its number", with(func(f *cota.PushFacts) { f.Asked = 7 }), "", time.Time{}},
		{"switched off", with(off), cota.Disabled, time.Time{}},
		{"nothing saved", with(empty), cota.NoConfig, time.Time{}},
		{"nothing saved, but asked for", with(empty, older), cota.NoConfig, time.Time{}},
		{"an older version", with(older), cota.NotCurrent, time.Time{}},
		{"a version that is not there yet", with(func(f *cota.PushFacts) { f.Asked = 8 }), cota.NotCurrent, time.Time{}},
		{"pushed before", with(pushed), cota.AlreadyPushed, time.Time{}},
		{"at the moment of the last push", with(ago(0)), cota.Cooldown, t0.Add(cooldown)},
		{"a second too soon", with(ago(cooldown - time.Second)), cota.Cooldown, t0.Add(time.Second)},
		{"a nanosecond too soon", with(ago(cooldown - 1)), cota.Cooldown, t0.Add(1)},
		{"exactly at the end", with(ago(cooldown)), "", time.Time{}},
		{"long after", with(ago(24 * cooldown)), "", time.Time{}},
		{"a clock that went back", with(ago(-time.Minute)), cota.Cooldown, t0.Add(cooldown + time.Minute)},

		// What an operator has to mend comes before what time mends.
		{"all at once", with(off, empty, older, pushed, ago(0)), cota.Disabled, time.Time{}},
		{"all but the switch", with(empty, older, pushed, ago(0)), cota.NoConfig, time.Time{}},
		{"an older version, pushed, too soon", with(older, pushed, ago(0)), cota.NotCurrent, time.Time{}},
		{"pushed, too soon", with(pushed, ago(0)), cota.AlreadyPushed, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.CheckPush(c.facts, t0)
			if cota.CodeOf(err) != c.want {
				t.Fatalf("CheckPush(%+v) = %v; want code %q", c.facts, err, c.want)
			}
			if e, ok := err.(*cota.Error); ok && !e.Until.Equal(c.until) {
				t.Errorf("Until = %v; want %v", e.Until, c.until)
			}
			if !c.until.IsZero() && p.CheckPush(c.facts, c.until) != nil {
				t.Errorf("CheckPush is refused at its own Until, %v", c.until)
			}
		})
	}
	p.CooldownSeconds = 0
	if err := p.CheckPush(with(ago(0)), t0); err != nil {
		t.Errorf("CheckPush without a cool-down = %v; want nil", err)
	}
}

func TestNextPush(t *testing.T) {
	p := cota.Policy{CooldownSeconds: 90}
	if got := p.NextPush(time.Time{}); !got.IsZero() {
		t.Errorf("NextPush(never) = %v; want the zero time", got)
	}
	if got, want := p.NextPush(t0), t0.Add(90*time.Second); !got.Equal(want) {
		t.Errorf("NextPush(%v) = %v; want %v", t0, got, want)
	}
	if got := new(cota.Policy).NextPush(t0); !got.IsZero() {
		t.Errorf("NextPush(%v) without a cool-down = %v; want the zero time", t0, got)
	}
}

func TestPolicyCheck(t *testing.T) {
	if err := cota.DefaultPolicy().Check(); err != nil {
		t.Errorf("the default policy: %v", err)
	}
	if err := (cota.Policy{}).Check(); cota.CodeOf(err) != cota.Invalid {
		t.Errorf("the zero policy: %v; want %s", err, cota.Invalid)
	}
	for _, c := range []struct {
		field       string
		set         func(*cota.Policy, int64)
		least, most int64
	}{
		{"cooldownSeconds", func(p *cota.Policy, n int64) { p.CooldownSeconds = n }, 0, 30 * 24 * 3600},
		{"linkSeconds", func(p *cota.Policy, n int64) { p.LinkSeconds = n }, 1, 7 * 24 * 3600},
		{"history", func(p *cota.Policy, n int64) { p.History = n }, 1, 1000},
		{"maxBytes", func(p *cota.Policy, n int64) { p.MaxBytes = n }, 2, 1 << 20},
	} {
		for n, ok := range map[int64]bool{
			-1 << 63: false, c.least - 1: false, c.least: true, c.most: true, c.most + 1: false, 1<<63 - 1: false,
		} {
			p := cota.DefaultPolicy()
			c.set(&p, n)
			err := p.Check()
			if (err == nil) != ok || !ok && !strings.Contains(err.Error(), c.field) {
				t.Errorf("Check with %s %d: %v; want allowed: %t", c.field, n, err, ok)
			}
		}
	}
}

func TestPolicyWith(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	base := cota.Policy{CooldownSeconds: 1, LinkSeconds: 2, History: 3, MaxBytes: 4}
	for _, c := range []struct {
		name  string
		patch cota.PolicyPatch
		want  cota.Policy
	}{
		{"nothing", cota.PolicyPatch{}, base},
		{"one", cota.PolicyPatch{History: n(9)}, cota.Policy{CooldownSeconds: 1, LinkSeconds: 2, History: 9, MaxBytes: 4}},
		{"to zero", cota.PolicyPatch{CooldownSeconds: n(0)}, cota.Policy{LinkSeconds: 2, History: 3, MaxBytes: 4}},
		{"all", cota.PolicyPatch{CooldownSeconds: n(5), LinkSeconds: n(6), History: n(7), MaxBytes: n(8)},
			cota.Policy{CooldownSeconds: 5, LinkSeconds: 6, History: 7, MaxBytes: 8}},
	} {
		if diff := cmp.Diff(c.want, base.With(c.patch)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if base.History != 3 {
		t.Error("With changed the policy itself")
	}
	p := cota.Policy{CooldownSeconds: 90, LinkSeconds: 61}
	if p.Cooldown() != 90*time.Second || p.Link() != 61*time.Second {
		t.Errorf("Cooldown, Link = %v, %v; want 1m30s, 1m1s", p.Cooldown(), p.Link())
	}
	text, err := json.Marshal(cota.DefaultPolicy())
	if want := `{"cooldownSeconds":3600,"linkSeconds":1800,"history":5,"maxBytes":65536}`; err != nil || string(text) != want {
		t.Errorf("the default policy in JSON = %s, %v; want %s", text, err, want)
	}
}
