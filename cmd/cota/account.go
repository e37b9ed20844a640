package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newAccount() *cobra.Command {
	var role string
	add := &cobra.Command{
		Use: "add NAME", Short: "Add an account; asks for its password", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := cota.ParseRole(role)
			if err != nil {
				return err
			}
			password, err := askPassword(cmd, "COTA_NEW_PASSWORD", "password of "+args[0])
			if err != nil {
				return err
			}
			a, err := c.client().AddAccount(cmd.Context(), args[0], r, password)
			if err != nil {
				return err
			}
			return c.printFields(cmd, a, fields{{"account", a.Name}, {"role", a.Role}})
		},
	}
	add.Flags().StringVar(&role, "role", "viewer", "viewer, editor, publisher or admin")
	list := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Accounts(cmd.Context()), 0, []string{"account", "role", "enabled", "since"},
				func(a cota.Account) []any {
					return []any{a.Name, a.Role, yesNo(a.Disabled, "no", "yes"), moment(&a.CreatedAt)}
				})
		},
	}
	return group("account", "Accounts and their roles", add, list, c.accountSet(), &cobra.Command{
		Use: "remove NAME", Short: "Remove an account with its tokens", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.client().RemoveAccount(cmd.Context(), args[0])
		},
	})
}

func (c *cli) accountSet() *cobra.Command {
	var role string
	var disable, enable, password bool
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change the role or password of an account, or disable it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var patch client.AccountPatch
			if role != "" {
				r, err := cota.ParseRole(role)
				if err != nil {
					return err
				}
				patch.Role = &r
			}
			if disable || enable {
				patch.Disabled = &disable
			}
			if password {
				p, err := askPassword(cmd, "COTA_NEW_PASSWORD", "new password of "+args[0])
				if err != nil {
					return err
				}
				patch.Password = &p
			}
			a, err := c.client().SetAccount(cmd.Context(), args[0], patch)
			if err != nil {
				return err
			}
			return c.printFields(cmd, a, fields{{"account", a.Name}, {"role", a.Role}, {"enabled", yesNo(a.Disabled, "no", "yes")}})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "viewer, editor, publisher or admin")
	cmd.Flags().BoolVar(&disable, "disable", false, "let it sign in no more")
	cmd.Flags().BoolVar(&enable, "enable", false, "let it sign in again")
	cmd.Flags().BoolVar(&password, "password", false, "ask for a new password")
	cmd.MarkFlagsMutuallyExclusive("disable", "enable")
	return cmd
}

func (c *cli) newToken() *cobra.Command {
	return group("token", "Tokens: what programs sign in with", c.tokenAdd(), &cobra.Command{
		Use: "list", Short: "List tokens", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Tokens(cmd.Context()), 0, []string{"token", "name", "account", "role", "since", "expires"},
				func(t cota.Token) []any {
					return []any{t.ID, t.Name, t.Account, t.Role, moment(&t.CreatedAt), moment(t.ExpiresAt)}
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

func (c *cli) tokenAdd() *cobra.Command {
	var role, account string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it, once",
		Long: "Make a token and print it, once. Without COTA_TOKEN this signs in with --account and its password,\n" +
			"which is asked for, or taken from COTA_PASSWORD.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := cota.ParseRole(role)
			if err != nil {
				return err
			}
			cl := c.client()
			if os.Getenv("COTA_TOKEN") == "" {
				password, err := askPassword(cmd, "COTA_PASSWORD", "password of "+account)
				if err != nil {
					return err
				}
				if _, err := cl.SignIn(cmd.Context(), account, password); err != nil {
					return err
				}
				defer cl.SignOut(cmd.Context()) // the session ends by itself otherwise
			}
			var expires *time.Time
			if life > 0 {
				at := time.Now().Add(life)
				expires = &at
			}
			t, secret, err := cl.AddToken(cmd.Context(), args[0], r, expires)
			if err != nil {
				return err
			}
			if c.output == "json" {
				return c.print(cmd, struct {
					cota.Token
					Secret string `json:"token"`
				}{t, secret}, nil, nil)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	cmd.Flags().StringVar(&role, "role", "admin", "viewer, editor, publisher or admin; at most one's own")
	cmd.Flags().StringVar(&account, "account", "admin", "account to sign in with")
	cmd.Flags().DurationVar(&life, "life", 0, "how long it is good for, such as 720h; 0 for ever")
	return cmd
}

// askPassword takes a password from the environment, from a terminal without
// showing it, or from a line of standard input.
func askPassword(cmd *cobra.Command, env, what string) (string, error) {
	if p := os.Getenv(env); p != "" {
		return p, nil
	}
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: ", what)
		p, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(p), err
	}
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 1024)).ReadString('\n')
	if err != nil && line == "" {
		return "", cota.Errorf(cota.Invalid, "give the %s in %s or on standard input", what, env)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (c *cli) newAudit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "List who changed what, newest first", Args: cobra.NoArgs}
	limit := limitFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return printList(c, cmd, c.client().Audit(cmd.Context()), *limit,
			[]string{"at", "who", "from", "what", "on", "detail"},
			func(a cota.AuditEntry) []any {
				return []any{moment(&a.At), a.Actor, a.Address, a.Action, a.Target, a.Detail}
			})
	}
	return cmd
}
