package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/server"
	"github.com/cotahq/cota/internal/server/servertest"
)

// TestVerifying makes a token as a person at a terminal does, with the code
// from the server's log.
func TestVerifying(t *testing.T) {
	var log bytes.Buffer // written while the client waits for an answer
	s := servertest.Start(t, func(o *server.Options) {
		o.Verification = ""
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	add := func() error {
		_, _, err := s.AddToken(t.Context(), client.NewToken{Name: "ci", Role: cota.Admin})
		return err
	}
	if err := verifying(t.Context(), s.Client, nil, add); exitCode(err) != exitVerify {
		t.Errorf("with nobody at the terminal: %v; want exit code %d", err, exitVerify)
	}
	gone := func(string) (string, error) { return "", io.EOF }
	if err := verifying(t.Context(), s.Client, gone, add); exitCode(err) != exitVerify {
		t.Errorf("with nobody who answers: %v; want exit code %d", err, exitVerify)
	}
	broken := errors.New("broken")
	if err := verifying(t.Context(), s.Client, gone, func() error { return broken }); err != broken {
		t.Errorf("a request that fails otherwise: %v; want that", err)
	}

	right := func() string { return regexp.MustCompile(`code=(\d{6})`).FindStringSubmatch(log.String())[1] }
	other := map[bool]string{true: "000001", false: "000000"}[right() == "000000"]
	answers := []string{"", "words", other, right()}
	says := []string{
		`^from here a new token needs a second proof: the code is in the server's log\n`,
		`^the last code was sent just now; another can be sent at 20`,
		`^a code has six digits\n`,
		`^that is not the code; tries left: 4\n`,
	}
	n := 0
	err := verifying(t.Context(), s.Client, func(prompt string) (string, error) {
		if n == len(answers) || !regexp.MustCompile(says[n]).MatchString(prompt) {
			t.Fatalf("prompt %d = %q; want %s", n, prompt, says[min(n, len(says)-1)])
		}
		n++
		return answers[n-1], nil
	}, add)
	if err != nil || n != len(answers) {
		t.Errorf("verifying: %v after %d answers; want a token after %d", err, n, len(answers))
	}
}
