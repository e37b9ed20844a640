package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newConfig() *cobra.Command {
	cmds := []*cobra.Command{
		c.configShow(),
		c.configSwitch("enable", "Switch remote configuration on; nothing is sent by itself", true),
		c.configSwitch("disable", "Switch remote configuration off; stops the running push", false),
		c.configSave(), c.configGet(), c.configHistory(), c.configPolicy(),
	}
	c.productFlag(cmds...)
	return group("config", "The configuration of a product", cmds...)
}

func (c *cli) configShow() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the switch, what is saved and pushed, and the limits", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				conf, err := cl.Config(ctx, product)
				if err != nil {
					return err
				}
				return c.printConfig(cmd, conf)
			})
		},
	}
}

func (c *cli) printConfig(cmd *cobra.Command, conf client.Config) error {
	current, push, next := "-", "-", "now"
	if v := conf.Current; v != nil {
		current = fmt.Sprintf("version %d, %d bytes, saved %s by %s", v.Number, v.Size, moment(&v.CreatedAt), v.Author)
	}
	if p := conf.LastPush; p != nil {
		push = fmt.Sprintf("push %d of version %d, %s, %d of %d applied", p.No, p.Version, p.State, p.Applied, p.Total)
	}
	if conf.NextPushAt != nil {
		next = moment(conf.NextPushAt)
	}
	return c.printFields(cmd, conf, fields{
		{"remote configuration", yesNo(conf.Enabled, "on", "off")},
		{"current", current}, {"last push", push}, {"next push", next},
		{"cool-down", fmt.Sprintf("%d s", conf.Policy.CooldownSeconds)},
		{"links live", fmt.Sprintf("%d s", conf.Policy.LinkSeconds)},
		{"history", conf.Policy.History}, {"largest", fmt.Sprintf("%d bytes", conf.Policy.MaxBytes)},
	})
}

func (c *cli) configSwitch(use, short string, on bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				conf, err := cl.SetConfig(ctx, product, client.ConfigPatch{Enabled: &on})
				if err != nil {
					return err
				}
				return c.printFields(cmd, conf, fields{{"remote configuration", yesNo(conf.Enabled, "on", "off")}})
			})
		},
	}
}

func (c *cli) configSave() *cobra.Command {
	var note string
	var base int64
	cmd := &cobra.Command{
		Use: "save FILE", Short: "Save a JSON file as the current version; - reads standard input", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readText(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			d := client.Draft{Content: text, Note: note}
			if cmd.Flags().Changed("base") {
				d.Base = &base
			}
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				v, err := cl.SaveVersion(ctx, product, d)
				if err != nil {
					return err
				}
				return c.printFields(cmd, v, fields{
					{"version", v.Number}, {"size", fmt.Sprintf("%d bytes", v.Size)}, {"sha256", v.SHA256}, {"configId", v.ConfigID},
				})
			})
		},
	}
	cmd.Flags().StringVarP(&note, "note", "m", "", "what is new")
	cmd.Flags().Int64Var(&base, "base", 0, "refuse to save unless this version is still the current one; 0 for none")
	return cmd
}

// readText reads a file, or standard input for "-", within the largest bound
// that any policy can have.
func readText(stdin io.Reader, name string) (string, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, cota.MaxConfigBytes+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > cota.MaxConfigBytes {
		return "", cota.Errorf(cota.TooLarge, "%s has more than %d bytes", name, cota.MaxConfigBytes)
	}
	return string(text), nil
}

func (c *cli) configGet() *cobra.Command {
	return &cobra.Command{
		Use: "get [VERSION]", Short: "Print the text of the current or another version", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				number, err := c.versionNumber(ctx, cl, product, args)
				if err != nil {
					return err
				}
				v, err := cl.Version(ctx, product, number)
				if err != nil {
					return err
				}
				if c.output == "json" {
					return c.print(cmd, v, nil, nil)
				}
				_, err = io.WriteString(cmd.OutOrStdout(), v.Content)
				return err
			})
		},
	}
}

func (c *cli) versionNumber(ctx context.Context, cl *client.Client, product string, args []string) (int64, error) {
	if len(args) == 1 {
		return parseNumber("version", args[0])
	}
	conf, err := cl.Config(ctx, product)
	if err != nil {
		return 0, err
	}
	if conf.Current == nil {
		return 0, cota.Errorf(cota.NotFound, "nothing is saved yet")
	}
	return conf.Current.Number, nil
}

func parseNumber(what, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, cota.Errorf(cota.Invalid, "%s %q is not a number", what, text)
	}
	return n, nil
}

func (c *cli) configHistory() *cobra.Command {
	return &cobra.Command{
		Use: "history", Short: "List the versions that are kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				return printList(c, cmd, cl.Versions(ctx, product), 0,
					[]string{"version", "saved", "author", "size", "pushed", "note"},
					func(v cota.Version) []any {
						return []any{v.Number, moment(&v.CreatedAt), v.Author, v.Size, yesNo(v.Pushed, "yes", "no"), v.Note}
					})
			})
		},
	}
}

func (c *cli) configPolicy() *cobra.Command {
	var p cota.Policy
	cmd := &cobra.Command{
		Use: "policy", Short: "Change the limits of a product (administrators)", Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.Int64Var(&p.CooldownSeconds, "cooldown", 0, "least seconds from push to push")
	flags.Int64Var(&p.LinkSeconds, "link", 0, "life of a download link in seconds")
	flags.Int64Var(&p.History, "history", 0, "versions kept besides the current one")
	flags.Int64Var(&p.MaxBytes, "max-bytes", 0, "largest configuration in bytes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var patch cota.PolicyPatch
		for _, f := range []struct {
			name string
			to   **int64
			from *int64
		}{
			{"cooldown", &patch.CooldownSeconds, &p.CooldownSeconds}, {"link", &patch.LinkSeconds, &p.LinkSeconds},
			{"history", &patch.History, &p.History}, {"max-bytes", &patch.MaxBytes, &p.MaxBytes},
		} {
			if flags.Changed(f.name) {
				*f.to = f.from
			}
		}
		return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
			conf, err := cl.SetConfig(ctx, product, client.ConfigPatch{Policy: &patch})
			if err != nil {
				return err
			}
			return c.printConfig(cmd, conf)
		})
	}
	return cmd
}
