package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newCA() *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "Show whose certificates of devices a product trusts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				ca, err := cl.CA(ctx, product)
				if err != nil {
					return err
				}
				return c.printCA(cmd, ca)
			})
		},
	}
	set := &cobra.Command{
		Use: "set FILE", Short: "Trust the CAs in a PEM file, and no others; - reads standard input (administrators)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readText(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				ca, err := cl.SetCA(ctx, product, text)
				if err != nil {
					return err
				}
				return c.printCA(cmd, ca)
			})
		},
	}
	remove := &cobra.Command{
		Use: "remove", Short: "Trust no CA, and forget what was revoked (administrators)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				return cl.RemoveCA(ctx, product)
			})
		},
	}
	cmds := []*cobra.Command{show, set, remove, c.caRevoked()}
	c.productFlag(cmds...)
	return group("ca", "Devices that sign in by a certificate: whose, and which not", cmds...)
}

func (c *cli) printCA(cmd *cobra.Command, ca cota.CA) error {
	rows := [][]any{}
	for _, one := range ca.Certificates {
		rows = append(rows, []any{one.Subject, one.Serial, moment(&one.NotAfter), one.Fingerprint})
	}
	if err := c.print(cmd, ca, []string{"trusts", "serial", "expires", "sha256"}, rows); err != nil || c.output != "table" {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "revoked  %d\n", ca.Revoked)
	return err
}

func (c *cli) caRevoked() *cobra.Command {
	return &cobra.Command{
		Use:   "revoked [FILE]",
		Short: "List the certificates that are revoked, or replace the list (administrators)",
		Long: "List the serial numbers of the certificates that are revoked. With a file, or - for standard input,\n" +
			"replace the list: by a CRL in PEM that a CA of the product has signed, or by serial numbers, one a line.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				if len(args) == 0 {
					return printList(c, cmd, cl.Revoked(ctx, product), 0, []string{"serial"}, func(serial string) []any { return []any{serial} })
				}
				text, err := readText(cmd.InOrStdin(), args[0])
				if err != nil {
					return err
				}
				set := func() (cota.CA, error) { return cl.SetRevoked(ctx, product, strings.Fields(text)) }
				if strings.Contains(text, "-----BEGIN") {
					set = func() (cota.CA, error) { return cl.SetCRL(ctx, product, text) }
				}
				ca, err := set()
				if err != nil {
					return err
				}
				return c.printCA(cmd, ca)
			})
		},
	}
}
