package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
)

func (c *cli) newInstance() *cobra.Command {
	var name, environment string
	add := &cobra.Command{
		Use: "add ID", Short: "Add an instance", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				name = args[0]
			}
			i, err := c.client().AddInstance(cmd.Context(), cota.Instance{ID: args[0], Name: name, Environment: environment})
			if err != nil {
				return err
			}
			return c.printFields(cmd, i, fields{{"instance", i.ID}, {"name", i.Name}, {"environment", i.Environment}})
		},
	}
	add.Flags().StringVar(&name, "name", "", "name for people (default the id)")
	add.Flags().StringVar(&environment, "environment", "production", "label such as production or test")
	list := &cobra.Command{
		Use: "list", Short: "List the instances", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Instances(cmd.Context()), 0,
				[]string{"instance", "name", "environment", "products", "devices", "online"},
				func(i client.Instance) []any {
					return []any{i.ID, i.Name, i.Environment, i.Products, i.Devices, i.Online}
				})
		},
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: "Remove an instance without products", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.client().RemoveInstance(cmd.Context(), args[0])
		},
	}
	return group("instance", "Instances: environments that hold products", add, list, remove)
}

func (c *cli) newProduct() *cobra.Command {
	var instance, key, secretFile string
	add := &cobra.Command{
		Use: "add NAME", Short: "Add a product; shows its ProductSecret once", Args: cobra.ExactArgs(1),
		Long: "Add a product; its ProductSecret is shown once. One whose devices are in the field already keeps its\n" +
			"ProductKey and ProductSecret by --key and --secret-file.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			secret := ""
			if secretFile != "" {
				if secret, err = readSecret(cmd.InOrStdin(), secretFile); err != nil {
					return err
				}
			}
			p, err := c.client().ImportProduct(cmd.Context(), instance, args[0], key, secret)
			if err != nil {
				return err
			}
			shown := fields{{"product", p.Name}, {"instance", p.Instance}, {"productKey", p.Key}}
			if secret != "" {
				p.Secret = "" // whoever brings it knows it
			} else {
				shown = append(shown, [2]any{"productSecret", p.Secret})
			}
			return c.printFields(cmd, p, shown)
		},
	}
	add.Flags().StringVar(&instance, "instance", cota.DefaultInstance, "instance that holds it")
	add.Flags().StringVar(&key, "key", "", "ProductKey that its devices have already (default a new one)")
	add.Flags().StringVar(&secretFile, "secret-file", "", "file with the ProductSecret that its devices have already, - for standard input (default a new one)")
	var filter client.ProductFilter
	list := &cobra.Command{
		Use: "list", Short: "List the products", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(c, cmd, c.client().Products(cmd.Context(), filter), 0,
				[]string{"productKey", "name", "instance", "config", "version", "devices", "online"},
				func(p client.ListedProduct) []any {
					return []any{p.Key, p.Name, p.Instance, yesNo(p.Enabled, "on", "off"), orDash(p.Current), p.Devices, p.Online}
				})
		},
	}
	list.Flags().StringVar(&filter.Instance, "instance", "", "only those of this instance")
	list.Flags().StringVarP(&filter.Search, "search", "q", "", "only those with this in their name, or at the beginning of their key")
	show := &cobra.Command{
		Use: "show", Short: "Show a product", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				p, err := cl.Product(ctx, product)
				if err != nil {
					return err
				}
				return c.printFields(cmd, p, fields{
					{"product", p.Name}, {"productKey", p.Key}, {"instance", p.Instance},
					{"remote configuration", yesNo(p.Enabled, "on", "off")}, {"current version", orDash(p.Current)},
					{"devices", p.Devices}, {"online", p.Online},
					{"dynamic registration", yesNo(p.DynamicRegistration, "on", "off")},
					{"without pre-registration", yesNo(p.WithoutPreRegistration, "on", "off")},
				})
			})
		},
	}
	registration := c.productRegistration()
	rename := &cobra.Command{
		Use: "rename NAME", Short: "Give a product another name", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				_, err := cl.RenameProduct(ctx, product, args[0])
				return err
			})
		},
	}
	remove := &cobra.Command{
		Use: "remove", Short: "Remove a product without devices", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
				return cl.RemoveProduct(ctx, product)
			})
		},
	}
	c.productFlag(show, rename, registration, remove)
	return group("product", "Products: kinds of devices that share one configuration", add, list, show, rename, registration, remove, c.newCA())
}

func (c *cli) productRegistration() *cobra.Command {
	var on, withoutPre bool
	cmd := &cobra.Command{
		Use: "registration", Short: "Turn dynamic registration on or off", Args: cobra.NoArgs,
		Long: "Turn dynamic registration on or off: devices that know the ProductSecret get a secret of their own until\n" +
			"they first sign in. Without pre-registration, so do devices that were never added.",
	}
	flags := cmd.Flags()
	flags.BoolVar(&on, "dynamic", false, "devices that were added may register: --dynamic or --dynamic=false")
	flags.BoolVar(&withoutPre, "without-pre", false, "so may devices that were not: --without-pre or --without-pre=false")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var r client.Registration
		if flags.Changed("dynamic") {
			r.Dynamic = &on
		}
		if flags.Changed("without-pre") {
			r.WithoutPre = &withoutPre
		}
		return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
			p, err := cl.SetRegistration(ctx, product, r)
			if err != nil {
				return err
			}
			return c.printFields(cmd, p, fields{
				{"dynamic registration", yesNo(p.DynamicRegistration, "on", "off")},
				{"without pre-registration", yesNo(p.WithoutPreRegistration, "on", "off")},
			})
		})
	}
	return cmd
}
