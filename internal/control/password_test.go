package control

import (
	"context"
	"strings"
	"sync"
	"testing"
)

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	c := &Control{hashing: make(chan struct{}, hashers)}
	ctx := t.Context()
	first, err := c.hashPassword(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.hashPassword(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	const form = "$argon2id$v=19$m=19456,t=2,p=1$"
	if !strings.HasPrefix(first, form) || first == second {
		t.Errorf("hashes %s and %s; want both to begin with %s and to differ in their salt", first, second, form)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsE": false, "": false} {
		if ok, err := c.checkPassword(ctx, password, first); ok != want || err != nil {
			t.Errorf("checkPassword(%q) = %t, %v; want %t", password, ok, err, want)
		}
	}
	// Of another program, with other costs: the reference vector of
	// github.com/P-H-C/phc-winner-argon2.
	const foreign = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := c.checkPassword(ctx, "password", foreign); !ok || err != nil {
		t.Errorf("checkPassword of a foreign hash = %t, %v; want true", ok, err)
	}
}

func TestPasswordHashThatIsBroken(t *testing.T) {
	t.Parallel()
	c := &Control{hashing: make(chan struct{}, hashers)}
	for _, phc := range []string{
		"", "password", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHQ", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
		"$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$c29tZXNhbHQ", "$argon2id$v=19$m=8,t=1,p=0$c29tZXNhbHQ$c29tZXNhbHQ",
		"$argon2id$v=16$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHQ",
		"$argon2id$v=19$m=x,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHQ", "$argon2id$v=19$m=8,t=1,p=1$!$c29tZXNhbHQ",
		"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$!", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$",
	} {
		if ok, err := c.checkPassword(t.Context(), "password", phc); ok || err == nil {
			t.Errorf("checkPassword against %q = %t, %v; want an error", phc, ok, err)
		}
	}
}

func TestHashingWaitsItsTurn(t *testing.T) {
	c := &Control{hashing: make(chan struct{}, 1)}
	c.hashing <- struct{}{} // somebody hashes
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := c.hashPassword(ctx, "correct horse"); err != context.Canceled {
			t.Errorf("hashPassword = %v; want it to give up with its caller", err)
		}
	})
	cancel()
	wait.Wait()
}
