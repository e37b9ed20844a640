package cota_test

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cotahq/cota"
)

var (
	keyA = cota.SigningKey{ID: 1, Secret: []byte("0123456789abcdef")}
	keyB = cota.SigningKey{ID: 2, Secret: []byte("fedcba9876543210 and more")}
)

func signer(t testing.TB, keys ...cota.SigningKey) *cota.Signer {
	t.Helper()
	s, err := cota.NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var someGrant = cota.Grant{
	Product: "a1B2c3D4e5F", Version: 7, Device: 123_456, Push: 42, Expires: time.Unix(1_900_000_000, 0),
}

func TestTokenRoundTrip(t *testing.T) {
	s := signer(t, keyA)
	rapid.Check(t, func(t *rapid.T) {
		product := rapid.StringMatching(`a1[0-9A-Za-z]{9}`).Draw(t, "product")
		g := cota.Grant{
			Product: product,
			Version: rapid.Int64Range(0, 1<<32-1).Draw(t, "version"),
			Device:  rapid.Int64Range(0, 1<<48-1).Draw(t, "device"),
			Push:    rapid.Int64Range(0, 1<<32-1).Draw(t, "push"),
			Expires: time.Unix(rapid.Int64Range(1, 1<<32-1).Draw(t, "expires"), 0),
		}
		before := rapid.SampledFrom([]string{"", "http://host/c/"}).Draw(t, "before")
		dst := s.AppendToken([]byte(before), g)
		token, ok := strings.CutPrefix(string(dst), before)
		if !ok || len(token) != cota.TokenLen {
			t.Fatalf("AppendToken(%q, ..) = %q; want %d letters behind it", before, dst, cota.TokenLen)
		}
		if extra := strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"); extra != "" {
			t.Fatalf("token %q has %q; want letters that every URL may hold", token, extra)
		}
		got, err := s.Open(token, g.Expires.Add(-time.Nanosecond))
		if diff := cmp.Diff(g, got); diff != "" || err != nil {
			t.Fatalf("Open: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTokenExpires(t *testing.T) {
	s := signer(t, keyA)
	g := someGrant
	g.Expires = g.Expires.Add(999 * time.Millisecond) // kept in whole seconds, rounded down
	token := string(s.AppendToken(nil, g))
	for _, c := range []struct {
		name string
		now  time.Time
		want cota.Code
	}{
		{"long before", time.Unix(0, 0), ""},
		{"a nanosecond before", someGrant.Expires.Add(-1), ""},
		{"at the second", someGrant.Expires, cota.LinkExpired},
		{"before the fraction that was cut off", g.Expires.Add(-1), cota.LinkExpired},
		{"long after", someGrant.Expires.AddDate(10, 0, 0), cota.LinkExpired},
	} {
		got, err := s.Open(token, c.now)
		if cota.CodeOf(err) != c.want || !cmp.Equal(got, someGrant) {
			t.Errorf("%s: Open = %+v, %v; want the grant and code %q", c.name, got, err, c.want)
		}
	}
}

func TestTokenRefused(t *testing.T) {
	s := signer(t, keyA, keyB)
	now := someGrant.Expires.Add(-time.Minute)
	token := string(s.AppendToken(nil, someGrant))
	refuse := func(what, token string) {
		t.Helper()
		for _, now := range []time.Time{now, someGrant.Expires} { // never "expired": that would confirm a guess
			if g, err := s.Open(token, now); cota.CodeOf(err) != cota.LinkInvalid || g != (cota.Grant{}) {
				t.Errorf("%s: Open(%q) = %+v, %v; want only %s", what, token, g, err, cota.LinkInvalid)
			}
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		refuse("a flipped bit", base64.RawURLEncoding.EncodeToString(raw))
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for i := range token {
		refuse("a letter left out", token[:i]+token[i+1:])
		refuse("a letter twice", token[:i]+token[i:i+1]+token[i:])
		refuse("a letter that is none", token[:i]+"="+token[i+1:])
		refuse("a line end for a letter", token[:i]+"\n"+token[i+1:])
	}
	refuse("nothing", "")
	refuse("zeroes", strings.Repeat("A", cota.TokenLen))
	refuse("no letters", strings.Repeat("\x00", cota.TokenLen))
	refuse("two tokens", token+token)
	foreign := cota.SigningKey{ID: keyA.ID, Secret: keyB.Secret}
	refuse("a foreign key of the same id", string(signer(t, foreign).AppendToken(nil, someGrant)))
	unknown := cota.SigningKey{ID: 3, Secret: keyA.Secret}
	refuse("a known key of an unknown id", string(signer(t, unknown).AppendToken(nil, someGrant)))
}

// A decoder that skips line ends reads a token whose last byte is 0 in two ways.
func TestTokenHasOneSpelling(t *testing.T) {
	s := signer(t, keyA)
	g := someGrant
	for found := 0; found < 3; g.Device++ {
		token := string(s.AppendToken(nil, g))
		if raw, _ := base64.RawURLEncoding.DecodeString(token); raw[len(raw)-1] != 0 {
			continue
		}
		found++
		for _, end := range []string{"\n", "\r"} {
			other := token[:len(token)-1] + end
			if _, err := s.Open(other, time.Unix(0, 0)); cota.CodeOf(err) != cota.LinkInvalid {
				t.Errorf("Open(%q) = %v; want %s, for it was %q", other, err, cota.LinkInvalid, token)
			}
		}
	}
}

func TestSigningKeysRotate(t *testing.T) {
	now := someGrant.Expires.Add(-time.Minute)
	before, during, after := signer(t, keyA), signer(t, keyB, keyA), signer(t, keyB)
	old, recent := string(before.AppendToken(nil, someGrant)), string(during.AppendToken(nil, someGrant))
	if old == recent {
		t.Error("both keys sign alike; want the first to sign")
	}
	for _, c := range []struct {
		name   string
		signer *cota.Signer
		token  string
		want   cota.Code
	}{
		{"old token, both keys", during, old, ""},
		{"new token, both keys", during, recent, ""},
		{"old token, new key only", after, old, cota.LinkInvalid},
		{"new token, new key only", after, recent, ""},
		{"new token, old key only", before, recent, cota.LinkInvalid},
	} {
		if _, err := c.signer.Open(c.token, now); cota.CodeOf(err) != c.want {
			t.Errorf("%s: %v; want code %q", c.name, err, c.want)
		}
	}
}

func TestNewSignerRefuses(t *testing.T) {
	short := cota.SigningKey{ID: 1, Secret: keyA.Secret[:15]}
	for name, keys := range map[string][]cota.SigningKey{
		"no key":          nil,
		"a short key":     {short},
		"a short second":  {keyB, short},
		"an id twice":     {keyA, keyB, keyA},
		"an empty secret": {{ID: 9}},
	} {
		if _, err := cota.NewSigner(keys...); cota.CodeOf(err) != cota.Invalid {
			t.Errorf("NewSigner with %s: %v; want %s", name, err, cota.Invalid)
		}
	}
	secret := []byte("0123456789abcdef")
	s := signer(t, cota.SigningKey{Secret: secret})
	token := string(s.AppendToken(nil, someGrant))
	clear(secret) // the caller may forget it
	if _, err := s.Open(token, time.Unix(0, 0)); err != nil {
		t.Errorf("Open after the caller cleared the secret: %v", err)
	}
	if other := string(s.AppendToken(nil, someGrant)); other != token {
		t.Error("tokens change when the caller clears the secret")
	}
}

func TestGrantOutOfBoundsPanics(t *testing.T) {
	s := signer(t, keyA)
	for name, change := range map[string]func(*cota.Grant){
		"a short product":    func(g *cota.Grant) { g.Product = "a1" },
		"a long product":     func(g *cota.Grant) { g.Product += "x" },
		"a large version":    func(g *cota.Grant) { g.Version = 1 << 32 },
		"a negative version": func(g *cota.Grant) { g.Version = -1 },
		"a large device":     func(g *cota.Grant) { g.Device = 1 << 48 },
		"a negative device":  func(g *cota.Grant) { g.Device = -1 },
		"a large push":       func(g *cota.Grant) { g.Push = 1 << 32 },
		"no expiry":          func(g *cota.Grant) { g.Expires = time.Time{} },
		"a late expiry":      func(g *cota.Grant) { g.Expires = time.Unix(1<<32, 0) },
	} {
		g := someGrant
		change(&g)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("AppendToken with %s did not panic", name)
				}
			}()
			s.AppendToken(nil, g)
		}()
	}
}

func TestAppendTokenAllocatesNothing(t *testing.T) {
	s := signer(t, keyA)
	buf := make([]byte, 0, cota.TokenLen)
	least := 100.0
	for range 100 { // its pool may be emptied at any time, and is, at random, under the race detector
		least = min(least, testing.AllocsPerRun(1, func() { buf = s.AppendToken(buf[:0], someGrant) }))
	}
	if least != 0 {
		t.Errorf("AppendToken into a buffer with room allocates %v times; want 0", least)
	}
}

func TestSignerIsSafeForManyGoroutines(t *testing.T) {
	s := signer(t, keyB, keyA)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			g := someGrant
			var buf []byte
			for i := range 200 {
				g.Device = int64(n<<20 | i)
				buf = s.AppendToken(buf[:0], g)
				if got, err := s.Open(string(buf), time.Unix(0, 0)); err != nil || got != g {
					t.Errorf("Open = %+v, %v; want %+v", got, err, g)
				}
			}
		})
	}
	all.Wait()
}

func FuzzOpen(f *testing.F) {
	s, err := cota.NewSigner(keyA, keyB)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add(strings.Repeat("A", cota.TokenLen))
	f.Add(strings.Repeat("\n", cota.TokenLen))
	f.Add(string(s.AppendToken(nil, someGrant)))
	f.Add(string(s.AppendToken(nil, cota.Grant{Product: "\xff\x00345678901", Expires: time.Unix(0, 0)})))
	f.Fuzz(func(t *testing.T, token string) {
		g, err := s.Open(token, time.Unix(1_800_000_000, 0))
		switch {
		case err == nil, cota.CodeOf(err) == cota.LinkExpired:
			// Only what was signed opens, so it is what signing gives.
			raw, _ := base64.RawURLEncoding.DecodeString(token)
			if g.Expires.Unix() != int64(binary.BigEndian.Uint32(raw[1:])) {
				t.Errorf("Open(%q) = %+v; want what it says", token, g)
			}
			if again := string(s.AppendToken(nil, g)); raw[0] == keyA.ID && again != token {
				t.Errorf("Open(%q) = %+v, whose token is %q", token, g, again)
			}
		case cota.CodeOf(err) != cota.LinkInvalid || g != (cota.Grant{}):
			t.Errorf("Open(%q) = %+v, %v; want only %s", token, g, err, cota.LinkInvalid)
		}
	})
}

func BenchmarkAppendToken(b *testing.B) {
	s := signer(b, keyA)
	buf := make([]byte, 0, cota.TokenLen)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendToken(buf[:0], someGrant)
	}
}

func BenchmarkOpen(b *testing.B) {
	s := signer(b, keyA)
	token := string(s.AppendToken(nil, someGrant))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(token, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
