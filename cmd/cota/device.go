package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

// timelineLines is how much of a timeline "device show" prints.
const timelineLines = 20

func (c *cli) newDevice() *cobra.Command {
	cmds := []*cobra.Command{
		c.deviceAdd(), c.deviceList(), c.deviceShow(), c.deviceMessages(),
		c.deviceDo("disable NAME", "Disable a device and end its connection", func(ctx context.Context, cl *client.Client, product, name string) error {
			_, err := cl.DisableDevice(ctx, product, name, true)
			return err
		}),
		c.deviceDo("enable NAME", "Enable a device again", func(ctx context.Context, cl *client.Client, product, name string) error {
			_, err := cl.DisableDevice(ctx, product, name, false)
			return err
		}),
		c.deviceReset(), c.deviceSubdevices(),
		c.deviceDo("detach NAME", "Take a device out from behind its gateway", func(ctx context.Context, cl *client.Client, product, name string) error {
			return cl.DetachDevice(ctx, product, name)
		}),
		c.deviceDo("remove NAME", "Remove a device", func(ctx context.Context, cl *client.Client, product, name string) error {
			return cl.RemoveDevice(ctx, product, name)
		}),
	}
	c.productFlag(cmds...)
	return group("device", "Devices of a product", cmds...)
}

func (c *cli) deviceAdd() *cobra.Command {
	var count int
	var prefix, file string
	var skipExisting bool
	cmd := &cobra.Command{
		Use:   "add [NAME..]",
		Short: "Add devices; shows their secrets once",
		Long: "Add devices of the given names, or with --count numbered ones. Their secrets are shown once.\n" +
			"With --csv, add devices with the secrets that they have already: the file is as the vendor's console\n" +
			"exports it, with the columns DeviceName and DeviceSecret, and others that are passed over. Devices are\n" +
			"added in the order of the file up to the first line that is refused.",
		RunE: func(cmd *cobra.Command, names []string) error {
			if file != "" && count == 0 && len(names) == 0 {
				return c.importDevices(cmd, file, skipExisting)
			}
			if file != "" || (count > 0) == (len(names) > 0) {
				return cota.Errorf(cota.Invalid, "give either names or --count or --csv")
			}
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) (err error) {
				var added []cota.Credentials
				if count > 0 {
					added, err = cl.AddNumberedDevices(ctx, product, prefix, count)
				} else {
					added, err = cl.AddDevices(ctx, product, names...)
				}
				if err != nil {
					return err
				}
				rows := make([][]any, len(added))
				for i, d := range added {
					rows[i] = []any{d.Name, d.Secret}
				}
				return c.print(cmd, added, []string{"deviceName", "deviceSecret"}, rows)
			})
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 0, "how many numbered devices to add")
	cmd.Flags().StringVar(&prefix, "prefix", "dev-", "what their names begin with")
	cmd.Flags().StringVar(&file, "csv", "", "file of devices with their secrets; - reads standard input")
	cmd.Flags().BoolVar(&skipExisting, "skip-existing", false, "with --csv: leave devices as they are that are there already, and go on")
	return cmd
}

func (c *cli) importDevices(cmd *cobra.Command, file string, skipExisting bool) error {
	in, err := open(cmd.InOrStdin(), file)
	if err != nil {
		return err
	}
	defer in.Close()
	return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
		rows, err := openDevices(in, product)
		if err != nil {
			return err
		}
		i := deviceImport{client: cl, product: product, skipExisting: skipExisting}
		if err := i.run(ctx, rows); err != nil {
			return err
		}
		done := struct {
			Added   int `json:"added"`
			Skipped int `json:"skipped"`
		}{i.added, i.skipped}
		return c.printFields(cmd, done, fields{{"added", i.added}, {"there already", i.skipped}})
	})
}

func (c *cli) deviceList() *cobra.Command {
	var f client.DeviceFilter
	var state string
	var online, offline bool
	cmd := &cobra.Command{Use: "list", Short: "List devices", Args: cobra.NoArgs}
	limit := limitFlag(cmd)
	cmd.Flags().StringVar(&f.Prefix, "prefix", "", "only names that begin so")
	cmd.Flags().StringVar(&state, "state", "", "only those that stand here in the product's push: pending, sent, received, fetched, applied or failed")
	cmd.Flags().BoolVar(&online, "online", false, "only those connected now")
	cmd.Flags().BoolVar(&offline, "offline", false, "only those not connected now")
	cmd.MarkFlagsMutuallyExclusive("online", "offline")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if state != "" {
			rung, err := cota.ParseRung(state)
			if err != nil {
				return err
			}
			f.State = &rung
		}
		if online || offline {
			f.Online = &online
		}
		return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
			return printList(c, cmd, cl.Devices(ctx, product, f), *limit, deviceHeader, deviceRow)
		})
	}
	return cmd
}

var deviceHeader = []string{"deviceName", "online", "push", "state", "since", "runs version", "detail"}

func deviceRow(d cota.Device) []any {
	return []any{
		d.Name, yesNo(d.Online, "online", "offline"), orDash(d.Push), standing(d), moment(d.StateAt), orDash(d.ConfigVersion), failure(d.Code, d.Detail),
	}
}

// standing is where a device stands, which is nowhere before its first push.
func standing(d cota.Device) string {
	if d.Push == 0 {
		return "-"
	}
	return d.State.String()
}

func failure(code int, detail string) string {
	if code == 0 {
		return detail
	}
	return fmt.Sprintf("%d %s", code, detail)
}

func (c *cli) deviceShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show where a device stands, and its timeline", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				d, err := cl.Device(ctx, product, args[0])
				if err != nil {
					return err
				}
				events := []cota.Event{}
				for e, err := range cl.Events(ctx, product, args[0]) {
					if err != nil {
						return err
					}
					if len(events) == timelineLines {
						break
					}
					events = append(events, e)
				}
				return c.printDevice(cmd, d, events)
			})
		},
	}
}

func (c *cli) deviceMessages() *cobra.Command {
	return &cobra.Command{
		Use: "messages NAME", Short: "List the last messages that a device and the server exchanged", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				all, err := cl.Messages(ctx, product, args[0])
				if err != nil {
					return err
				}
				rows := make([][]any, len(all))
				for i, m := range all {
					rows[i] = []any{moment(&m.At), m.Direction, m.QoS, m.Topic, m.Payload + yesNo(m.Truncated, "…", "")}
				}
				return c.print(cmd, all, []string{"at", "way", "QoS", "topic", "payload"}, rows)
			})
		},
	}
}

func (c *cli) printDevice(cmd *cobra.Command, d cota.Device, events []cota.Event) error {
	whole := struct {
		cota.Device
		Events []cota.Event `json:"events"`
	}{d, events}
	err := c.printFields(cmd, whole, fields{
		{"device", d.Name}, {"productKey", d.Product},
		{"connection", yesNo(d.Online, "online since "+moment(d.ConnectedAt), "offline, last seen "+moment(d.SeenAt))},
		{"gateway", gateway(d)},
		{"enabled", yesNo(d.Disabled, "no", "yes")}, {"activated", yesNo(d.Activated, "yes", "no")},
		{"push", orDash(d.Push)}, {"state", standing(d)}, {"since", moment(d.StateAt)}, {"detail", orDash(failure(d.Code, d.Detail))},
		{"runs version", orDash(d.ConfigVersion)}, {"configId", orDash(d.ConfigID)},
	})
	if err != nil || c.output == "json" || len(events) == 0 {
		return err
	}
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.At.Local().Format("2006-01-02 15:04:05.000"), e.Kind, orDash(e.Push), detail(e)}
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return printTable(cmd.OutOrStdout(), []string{"timeline", "event", "push", "detail"}, rows)
}

// detail is what is known of an event, with the properties that the device
// gave.
func detail(e cota.Event) string {
	words := []string{failure(e.Code, e.Detail)}
	for _, p := range e.Properties {
		words = append(words, p.Name+"="+p.Value)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// gateway is the gateway that a device is behind.
func gateway(d cota.Device) string {
	if d.Gateway == nil {
		return "-"
	}
	return d.Gateway.Product + "/" + d.Gateway.Name + yesNo(d.Gateway.Connected, ", connected through it", "")
}

func (c *cli) deviceSubdevices() *cobra.Command {
	cmd := &cobra.Command{Use: "subdevices NAME", Short: "List the devices behind a gateway", Args: cobra.ExactArgs(1)}
	limit := limitFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
			return printList(c, cmd, cl.Subdevices(ctx, product, args[0]), *limit, append([]string{"productKey"}, deviceHeader...),
				func(d cota.Device) []any { return append([]any{d.Product}, deviceRow(d)...) })
		})
	}
	return cmd
}

func (c *cli) deviceReset() *cobra.Command {
	return &cobra.Command{
		Use: "reset NAME", Short: "Give a device a new secret, shown once, and end its connection", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				secret, err := cl.ResetDeviceSecret(ctx, product, args[0])
				if err != nil {
					return err
				}
				return c.printFields(cmd, cota.Credentials{Name: args[0], Secret: secret},
					fields{{"deviceName", args[0]}, {"deviceSecret", secret}})
			})
		},
	}
}

// deviceDo makes a command that does something to one device and prints
// nothing.
func (c *cli) deviceDo(use, short string, do func(ctx context.Context, cl *client.Client, product, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				return do(ctx, cl, product, args[0])
			})
		},
	}
}
