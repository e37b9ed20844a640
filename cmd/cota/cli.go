package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// cli is what the commands that talk to a server have in common.
type cli struct {
	url     string
	output  string
	product string
}

// flags adds the flags that all these commands have.
func (c *cli) flags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&c.url, "url", envOr("COTA_URL", "http://127.0.0.1:8080"), "management door of the server (COTA_URL)")
	flags.StringVarP(&c.output, "output", "o", "table", "how to print: table or json")
}

// productFlag adds the flag that chooses a product.
func (c *cli) productFlag(cmds ...*cobra.Command) {
	for _, cmd := range cmds {
		cmd.Flags().StringVarP(&c.product, "product", "p", os.Getenv("COTA_PRODUCT"),
			"product key or name (COTA_PRODUCT); may be left out if there is only one product")
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// client is a client that acts by COTA_TOKEN. A token is not a flag: other
// users of the machine see flags.
func (c *cli) client() *client.Client { return client.New(c.url, os.Getenv("COTA_TOKEN")) }

// productKey is the key of the chosen product.
func (c *cli) productKey(ctx context.Context, cl *client.Client) (string, error) {
	var found []client.ListedProduct
	for p, err := range cl.Products(ctx, client.ProductFilter{Search: c.product}) {
		if err != nil {
			return "", err
		}
		if c.product == p.Key {
			return p.Key, nil
		}
		if c.product == "" || c.product == p.Name {
			found = append(found, p)
		}
		if len(found) > 1 && c.product == "" {
			break
		}
	}
	switch {
	case len(found) == 1:
		return found[0].Key, nil
	case len(found) == 0 && c.product == "":
		return "", cota.Errorf(cota.NotFound, "there is no product yet; add one with: cota product add NAME")
	case len(found) == 0:
		return "", cota.Errorf(cota.NotFound, "no product has the key or name %q", c.product)
	case c.product == "":
		return "", cota.Errorf(cota.Invalid, "there are several products; choose one with -p KEY or COTA_PRODUCT")
	}
	return "", cota.Errorf(cota.Invalid, "several products are named %q; choose one by its key", c.product)
}

// with runs fn with a client and the chosen product's key.
func (c *cli) with(cmd *cobra.Command, fn func(ctx context.Context, cl *client.Client, product string) error) error {
	cl := c.client()
	key, err := c.productKey(cmd.Context(), cl)
	if err != nil {
		return err
	}
	return fn(cmd.Context(), cl, key)
}

// fields is a table of one thing: names and values.
type fields [][2]any

// print prints v as JSON, or rows as people like it: fields for one thing, or
// a table with a header.
func (c *cli) print(cmd *cobra.Command, v any, header []string, rows [][]any) error {
	out := cmd.OutOrStdout()
	switch c.output {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "table":
		return printTable(out, header, rows)
	}
	return cota.Errorf(cota.Invalid, "--output %q: use table or json", c.output)
}

func (c *cli) printFields(cmd *cobra.Command, v any, all fields) error {
	rows := make([][]any, len(all))
	for i, f := range all {
		rows[i] = []any{f[0], f[1]}
	}
	return c.print(cmd, v, nil, rows)
}

func printTable(out io.Writer, header []string, rows [][]any) error {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault // names are as in the API
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	t.SetStyle(style)
	if header != nil {
		row := make(table.Row, len(header))
		for i, h := range header {
			row[i] = h
		}
		t.AppendHeader(row)
	}
	for _, r := range rows {
		t.AppendRow(r)
	}
	for _, line := range strings.Split(t.Render(), "\n") {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// printList prints a list of things, up to limit of them (0: all).
func printList[T any](c *cli, cmd *cobra.Command, list iter.Seq2[T, error], limit int, header []string, row func(T) []any) error {
	all, rows := []T{}, [][]any{}
	for v, err := range list {
		if err != nil {
			return err
		}
		if limit > 0 && len(all) == limit {
			fmt.Fprintf(cmd.ErrOrStderr(), "cota: there are more; see them with --limit 0\n")
			break
		}
		all, rows = append(all, v), append(rows, row(v))
	}
	return c.print(cmd, all, header, rows)
}

// limitFlag adds the flag that bounds a list.
func limitFlag(cmd *cobra.Command) *int {
	return cmd.Flags().Int("limit", 100, "how many to print at most; 0 for all")
}

// moment prints a time as people read it, or a dash for none.
func moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// orDash prints nothing as a dash.
func orDash(v any) any {
	switch v {
	case "", int64(0), 0:
		return "-"
	}
	return v
}

// group makes a command that only holds others.
func group(use, short string, cmds ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return cmd.Help()
	}}
	cmd.AddCommand(cmds...)
	return cmd
}
