package cota_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cotahq/cota"
)

func TestVerificationNetwork(t *testing.T) {
	p := cota.DefaultVerificationPolicy()
	narrow := p
	narrow.IPv4Bits, narrow.IPv6Bits = 32, 64
	for _, tt := range []struct {
		policy     cota.VerificationPolicy
		addr, want string
	}{
		{p, "198.51.100.7", "198.51.100.0/24"},
		{p, "::ffff:198.51.100.7", "198.51.100.0/24"},
		{p, "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"},
		{p, "fe80::1%eth0", "fe80::/48"},
		{narrow, "198.51.100.7", "198.51.100.7/32"},
		{narrow, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	} {
		if got := tt.policy.Network(netip.MustParseAddr(tt.addr)); got.String() != tt.want {
			t.Errorf("Network(%s) = %s; want %s", tt.addr, got, tt.want)
		}
	}
	if got := p.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("Network of no address = %s; want none", got)
	}
}

func TestVerificationTrusts(t *testing.T) {
	p := cota.DefaultVerificationPolicy()
	then := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name      string
		then, now time.Time
		want      bool
	}{
		{"at once", then, then, true},
		{"a moment before 30 days", then, then.Add(30*24*time.Hour - 1), true},
		{"after 30 days", then, then.Add(30 * 24 * time.Hour), false},
		{"never", time.Time{}, then, false},
	} {
		if got := p.Trusts(tt.then, tt.now); got != tt.want {
			t.Errorf("%s: Trusts = %t; want %t", tt.name, got, tt.want)
		}
	}
}

func TestVerificationCheckSend(t *testing.T) {
	p := cota.DefaultVerificationPolicy()
	now := time.Date(2031, 1, 1, 12, 0, 0, 0, time.UTC)
	ago := func(all ...time.Duration) (times []time.Time) {
		for _, d := range all {
			times = append(times, now.Add(-d))
		}
		return times
	}
	five := ago(time.Hour-time.Second, 40*time.Minute, 30*time.Minute, 20*time.Minute, 10*time.Minute)
	for _, tt := range []struct {
		name  string
		last  time.Time
		sent  []time.Time
		until time.Time // zero: it may be sent
	}{
		{"the first", time.Time{}, nil, time.Time{}},
		{"a moment too soon", now.Add(-time.Minute + 1), nil, now.Add(1)},
		{"after a minute", now.Add(-time.Minute), five[1:], time.Time{}},
		{"the sixth in an hour", time.Time{}, five, now.Add(time.Second)},
		{"the sixth in more than an hour", time.Time{}, append(ago(time.Hour), five[1:]...), time.Time{}},
		{"more than there may be", time.Time{}, append(five, now), now.Add(20 * time.Minute)},
	} {
		checkUntil(t, tt.name, p.CheckSend(tt.last, tt.sent, now), tt.until)
	}
}

func checkUntil(t *testing.T, name string, err error, until time.Time) {
	t.Helper()
	if until.IsZero() {
		if err != nil {
			t.Errorf("%s: %v; want no refusal", name, err)
		}
		return
	}
	if e, ok := err.(*cota.Error); !ok || e.Code != cota.RateLimited || !e.Until.Equal(until) {
		t.Errorf("%s: %#v; want rate_limited until %v", name, err, until)
	}
}

func TestVerificationCheckTry(t *testing.T) {
	p := cota.DefaultVerificationPolicy()
	now := time.Date(2031, 1, 1, 12, 0, 0, 0, time.UTC)
	var wrong []time.Time
	for range 24 {
		wrong = append(wrong, now.Add(-30*time.Minute))
	}
	if err := p.CheckTry(4, wrong, now); err != nil {
		t.Errorf("the last try: %v; want no refusal", err)
	}
	if err := p.CheckTry(5, nil, now); cota.CodeOf(err) != cota.RateLimited {
		t.Errorf("a try too many: %v; want rate_limited", err)
	}
	checkUntil(t, "more in an hour than all codes of an hour bear", p.CheckTry(0, append(wrong, now), now), now.Add(30*time.Minute))
}

func TestVerificationPolicyBounds(t *testing.T) {
	if err := cota.DefaultVerificationPolicy().Check(); err != nil || !cota.DefaultVerification().Enabled {
		t.Errorf("the default: %v; want it on, and within bounds", err)
	}
	for name, patch := range map[string]func(v *int64) cota.VerificationPatch{
		"trustSeconds": func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{TrustSeconds: v} },
		"ipv4Bits":     func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{IPv4Bits: v} },
		"ipv6Bits":     func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{IPv6Bits: v} },
		"codeSeconds":  func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{CodeSeconds: v} },
		"tries":        func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{Tries: v} },
		"resendSeconds": func(v *int64) cota.VerificationPatch {
			return cota.VerificationPatch{ResendSeconds: v}
		},
		"sendsPerHour": func(v *int64) cota.VerificationPatch { return cota.VerificationPatch{SendsPerHour: v} },
	} {
		for _, v := range []int64{-1, 0, 1 << 40} {
			p := cota.DefaultVerificationPolicy().With(patch(&v))
			if err := p.Check(); cota.CodeOf(err) != cota.Invalid {
				t.Errorf("%s of %d: %v; want a refusal", name, v, err)
			}
		}
	}
	if p := cota.DefaultVerificationPolicy(); p.With(cota.VerificationPatch{}) != p {
		t.Error("an empty patch changes the policy")
	}
}

func TestPhones(t *testing.T) {
	for phone, want := range map[string]string{
		"13800000000": "138****0000", "+8613800001234": "138****1234", "+491701234567": "+491****4567",
		"12345": "1****5", "123456789012345": "123****2345", "+8612345": "+8****45", "": "",
	} {
		if got := cota.MaskPhone(phone); got != want {
			t.Errorf("MaskPhone(%q) = %q; want %q", phone, got, want)
		}
		if err := cota.CheckPhone(phone); (err == nil) != (phone != "") {
			t.Errorf("CheckPhone(%q) = %v", phone, err)
		}
	}
	for _, phone := range []string{"1234", "1234567890123456", "138 0000 0000", "++8613800000000", "138-0000", "١٢٣٤٥٦"} {
		if err := cota.CheckPhone(phone); cota.CodeOf(err) != cota.Invalid {
			t.Errorf("CheckPhone(%q) = %v; want a refusal", phone, err)
		}
	}
}

func TestNewToken(t *testing.T) {
	push, none := []cota.Scope{cota.ScopePush}, []cota.Scope{}
	net := func(all ...string) (networks []netip.Prefix) {
		for _, n := range all {
			networks = append(networks, netip.MustParsePrefix(n))
		}
		return networks
	}
	office := &cota.Token{Scopes: push, Networks: net("198.51.100.0/24", "2001:db8::/48")}
	for _, tt := range []struct {
		name  string
		in    cota.Token
		role  cota.Role
		maker *cota.Token
		want  cota.Token
		code  cota.Code
	}{
		{"a publisher may push", cota.Token{Role: cota.Publisher}, cota.Admin, nil, cota.Token{Role: cota.Publisher, Scopes: push}, ""},
		{"unless told otherwise", cota.Token{Role: cota.Admin, Scopes: none}, cota.Admin, nil, cota.Token{Role: cota.Admin, Scopes: none}, ""},
		{"an editor may not", cota.Token{Role: cota.Editor}, cota.Admin, nil, cota.Token{Role: cota.Editor}, ""},
		{"nor be told otherwise", cota.Token{Role: cota.Editor, Scopes: push}, cota.Admin, nil, cota.Token{}, cota.Invalid},
		{"more than one's role", cota.Token{Role: cota.Admin}, cota.Publisher, nil, cota.Token{}, cota.Forbidden},
		{"no role", cota.Token{}, cota.Admin, nil, cota.Token{}, cota.Forbidden},
		{"push from none", cota.Token{Role: cota.Admin, Scopes: push}, cota.Admin, &cota.Token{}, cota.Token{}, cota.Forbidden},
		{"nothing from none", cota.Token{Role: cota.Admin}, cota.Admin, &cota.Token{}, cota.Token{Role: cota.Admin}, ""},
		{"push twice", cota.Token{Role: cota.Admin, Scopes: append(push, push...)}, cota.Admin, nil, cota.Token{}, cota.Invalid},
		{"networks of its maker", cota.Token{Role: cota.Viewer}, cota.Admin, office, cota.Token{Role: cota.Viewer, Networks: office.Networks}, ""},
		{"a part of them", cota.Token{Role: cota.Viewer, Networks: net("198.51.100.9/28")}, cota.Admin, office, cota.Token{Role: cota.Viewer, Networks: net("198.51.100.0/28")}, ""},
		{"more than them", cota.Token{Role: cota.Viewer, Networks: net("198.51.100.0/23")}, cota.Admin, office, cota.Token{}, cota.Forbidden},
		{"others", cota.Token{Role: cota.Viewer, Networks: net("2001:db8::/48", "0.0.0.0/0")}, cota.Admin, office, cota.Token{}, cota.Forbidden},
		{"a network that is none", cota.Token{Role: cota.Viewer, Networks: make([]netip.Prefix, 1)}, cota.Admin, nil, cota.Token{}, cota.Invalid},
		{"a network that would match nothing", cota.Token{Role: cota.Viewer, Networks: net("::ffff:0:0/96")}, cota.Admin, nil, cota.Token{}, cota.Invalid},
		{"too many networks", cota.Token{Role: cota.Viewer, Networks: make([]netip.Prefix, 51)}, cota.Admin, nil, cota.Token{}, cota.TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Name = "ci"
			got, err := cota.NewToken(tt.in, tt.role, tt.maker)
			if cota.CodeOf(err) != tt.code {
				t.Fatalf("NewToken: %v; want code %q", err, tt.code)
			}
			tt.want.Name = "ci"
			same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
			if diff := cmp.Diff(tt.want, got, same); err == nil && diff != "" {
				t.Errorf("NewToken (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := cota.NewToken(cota.Token{Role: cota.Viewer}, cota.Admin, nil); cota.CodeOf(err) != cota.Invalid {
		t.Errorf("NewToken without a name: %v; want a refusal", err)
	}
}
