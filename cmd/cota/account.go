package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newAccount() *cobra.Command {
	var role, phone string
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
			a, err := c.client().AddAccount(cmd.Context(), client.NewAccount{Name: args[0], Role: r, Password: password, Phone: phone})
			if err != nil {
				return err
			}
			return c.printFields(cmd, a, fields{{"account", a.Name}, {"role", a.Role}})
		},
	}
	add.Flags().StringVar(&role, "role", "viewer", "viewer, editor, publisher or admin")
	add.Flags().StringVar(&phone, "phone", "", "where its verification codes go, such as +8613800000000")
	list := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Accounts(cmd.Context()), 0, []string{"account", "role", "enabled", "phone", "authenticator", "since"},
				func(a cota.Account) []any {
					return []any{a.Name, a.Role, yesNo(a.Disabled, "no", "yes"), orDash(a.Phone), yesNo(a.TOTP, "yes", "no"), moment(&a.CreatedAt)}
				})
		},
	}
	return group("account", "Accounts and their roles", add, list, c.accountSet(), accountRecover(), &cobra.Command{
		Use: "remove NAME", Short: "Remove an account with its tokens", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.client().RemoveAccount(cmd.Context(), args[0])
		},
	})
}

func (c *cli) accountSet() *cobra.Command {
	var role, phone string
	var disable, enable, password bool
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change the role, phone or password of an account, or disable it", Args: cobra.ExactArgs(1),
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
			if cmd.Flags().Changed("phone") {
				patch.Phone = &phone
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
	cmd.Flags().StringVar(&phone, "phone", "", "where its verification codes go; empty for nowhere")
	cmd.Flags().BoolVar(&disable, "disable", false, "let it sign in no more")
	cmd.Flags().BoolVar(&enable, "enable", false, "let it sign in again")
	cmd.Flags().BoolVar(&password, "password", false, "ask for a new password")
	cmd.MarkFlagsMutuallyExclusive("disable", "enable")
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
	var filter client.AuditFilter
	cmd.Flags().StringVar(&filter.Actor, "actor", "", "only what this account or its tokens did")
	cmd.Flags().StringVar(&filter.Action, "action", "", "only this, or what begins with it, such as push for push.start")
	cmd.Flags().StringVar(&filter.Product, "of", "", "only what was done to the product of this key, or to its devices")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return printList(c, cmd, c.client().Audit(cmd.Context(), filter), *limit,
			[]string{"at", "who", "from", "what", "on", "detail"},
			func(a cota.AuditEntry) []any {
				return []any{moment(&a.At), a.Actor, a.Address, a.Action, a.Target, a.Detail}
			})
	}
	return cmd
}
