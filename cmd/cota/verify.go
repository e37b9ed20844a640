package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// asker asks a person for a line; nil when nobody is there.
type asker func(prompt string) (string, error)

// prompter asks at the terminal of a command, if it has one.
func prompter(cmd *cobra.Command) asker {
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	in := bufio.NewReader(f)
	return func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		line, err := in.ReadString('\n')
		return strings.TrimSpace(line), err
	}
}

// verifying runs a request, and when that needs a second proof asks for the
// code and runs it again. An empty line has another code sent.
func verifying(ctx context.Context, cl *client.Client, ask asker, request func() error) error {
	err := request()
	e, ok := errors.AsType[*cota.Error](err)
	if !ok || e.Challenge == nil || ask == nil {
		return err
	}
	says := e.Msg
	for {
		line, err := ask(fmt.Sprintf("%s\ncode (an empty line has a new one sent): ", says))
		if err != nil {
			return e // nobody answers; the refusal says more
		}
		if line == "" {
			_, err = cl.Resend(ctx, e.Challenge.ID)
			says = "a new code is on its way"
		} else if _, err = cl.Verify(ctx, e.Challenge.ID, line); err == nil {
			return request()
		}
		switch cota.CodeOf(err) {
		case "":
		case cota.CodeWrong, cota.CodeExpired, cota.RateLimited, cota.Invalid, cota.Unavailable:
			says = err.Error()
		default:
			return err
		}
	}
}
