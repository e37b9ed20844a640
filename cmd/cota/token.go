package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/server"
)

func (c *cli) newToken() *cobra.Command {
	return group("token", "Tokens: what programs sign in with", c.tokenAdd(), &cobra.Command{
		Use: "list", Short: "List tokens", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Tokens(cmd.Context()), 0,
				[]string{"token", "name", "account", "role", "scopes", "networks", "since", "expires"},
				func(t cota.Token) []any {
					return []any{t.ID, t.Name, t.Account, t.Role, listed(t.Scopes), listed(t.Networks), moment(&t.CreatedAt), moment(t.ExpiresAt)}
				})
		},
	}, &cobra.Command{
		Use: "remove NUMBER", Short: "Remove a token", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseNumber("token", args[0])
			if err != nil {
				return err
			}
			return c.client().RemoveToken(cmd.Context(), id)
		},
	})
}

// listed prints the members of a list, or a dash for none.
func listed[T any](all []T) string {
	if len(all) == 0 {
		return "-"
	}
	text := fmt.Sprint(all)
	return text[1 : len(text)-1]
}

// tokenFlags are the flags of "cota token add".
type tokenFlags struct {
	role, account string
	life          time.Duration
	noPush        bool
	networks      []string
	here          bool
	localData
}

func (c *cli) tokenAdd() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it, once",
		Long: "Make a token and print it, once. Without COTA_TOKEN this signs in with --account and its password,\n" +
			"which is asked for, or taken from COTA_PASSWORD, and asks for the verification code that the server\n" +
			"sends. With --local it is made on the server's own machine, in the server's data, without either.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := f.token(args[0])
			if err != nil {
				return err
			}
			if f.here {
				return f.with(cmd, func(ctx context.Context, data *server.Local) error {
					t, secret, err := data.AddToken(ctx, f.account, cota.Token{
						Name: want.Name, Role: want.Role, Scopes: want.Scopes, Networks: want.Networks, ExpiresAt: want.ExpiresAt,
					})
					if err != nil {
						return err
					}
					return c.printToken(cmd, t, secret)
				})
			}
			t, secret, err := c.addToken(cmd, f.account, want)
			if err != nil {
				return err
			}
			return c.printToken(cmd, t, secret)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.role, "role", "admin", "viewer, editor, publisher or admin; at most one's own")
	flags.StringVar(&f.account, "account", "admin", "account to sign in with, and to make the token for")
	flags.DurationVar(&f.life, "life", 0, "how long it is good for, such as 720h; 0 for ever")
	flags.BoolVar(&f.noPush, "no-push", false, "leave out the scope push: it cannot start pushes, whatever its role")
	flags.StringSliceVar(&f.networks, "network", nil, "where it may be used, such as 192.0.2.0/24; several with commas between")
	flags.BoolVar(&f.here, "local", false, "make it in the server's data, on its own machine")
	f.flags(cmd)
	return cmd
}

// token is the token that the flags ask for.
func (f *tokenFlags) token(name string) (want client.NewToken, err error) {
	want.Name = name
	if want.Role, err = cota.ParseRole(f.role); err != nil {
		return want, err
	}
	if f.noPush {
		want.Scopes = []cota.Scope{}
	}
	if want.Networks, err = parseNetworks("--network", f.networks); err != nil {
		return want, err
	}
	if f.life > 0 {
		at := time.Now().Add(f.life)
		want.ExpiresAt = &at
	}
	return want, nil
}

// addToken makes a token through the server, by COTA_TOKEN or in a session of
// an account that lasts as long.
func (c *cli) addToken(cmd *cobra.Command, account string, want client.NewToken) (t cota.Token, secret string, err error) {
	ctx, cl := cmd.Context(), c.client()
	if os.Getenv("COTA_TOKEN") == "" {
		password, err := askPassword(cmd, "COTA_PASSWORD", "password of "+account)
		if err != nil {
			return t, "", err
		}
		if _, err := cl.SignIn(ctx, account, password); err != nil {
			return t, "", err
		}
		defer cl.SignOut(context.WithoutCancel(ctx)) // the session ends by itself otherwise
	}
	err = verifying(ctx, cl, prompter(cmd), func() error {
		t, secret, err = cl.AddToken(ctx, want)
		return err
	})
	return t, secret, err
}

func (c *cli) printToken(cmd *cobra.Command, t cota.Token, secret string) error {
	if c.output == "json" {
		return c.print(cmd, struct {
			cota.Token
			Secret string `json:"token"`
		}{t, secret}, nil, nil)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), secret)
	return err
}

// parseNetworks reads networks; an address stands for itself alone.
func parseNetworks(flag string, texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if a, wrong := netip.ParseAddr(text); err != nil && wrong == nil {
			n, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, cota.Errorf(cota.Invalid, "%s %q: use an address or a network such as 192.0.2.0/24", flag, text)
		}
		all = append(all, n.Masked())
	}
	return all, nil
}
