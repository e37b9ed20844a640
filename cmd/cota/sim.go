package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/client"
	"github.com/cotahq/cota/internal/sim"
)

// simStyles are the ways in which simulated devices talk.
var simStyles = map[string][]sim.Style{
	"cota":     {sim.Cota},
	"linksdk4": {sim.LinkSDK4},
	"node":     {sim.Node},
	"go":       {sim.Go},
	"mixed":    {sim.Cota, sim.LinkSDK4, sim.Node, sim.Go},
}

func (c *cli) newSim() *cobra.Command {
	var n int
	var server, prefix, style, file string
	var o sim.Options
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run a crowd of simulated devices",
		Long: "Run a crowd of simulated devices of a product until interrupted. Devices that are missing are added to the\n" +
			"product; their credentials are kept in a file for the next time.",
		Args: cobra.NoArgs,
	}
	c.productFlag(cmd)
	flags := cmd.Flags()
	flags.IntVarP(&n, "devices", "n", 100, "how many devices")
	flags.StringVar(&server, "server", "127.0.0.1:1883", "MQTT door, host:port")
	flags.StringVar(&prefix, "prefix", "sim-", "what their names begin with")
	flags.StringVar(&file, "credentials", "", "file of their credentials (default one for the product in the user's cache directory)")
	flags.StringVar(&style, "style", "cota", "whose conversation they hold: cota, linksdk4, node, go or mixed")
	flags.Float64Var(&o.Rate, "rate", 0, "first connections a second; 0 for as fast as it goes")
	flags.BoolVar(&o.Inline, "inline", false, "have small configurations sent in messages, without a download (style cota)")
	flags.BoolVar(&o.Ask, "ask", false, "ask for the configuration after each connect")
	flags.DurationVar(&o.ApplyMin, "apply-min", 0, "least time that applying takes")
	flags.DurationVar(&o.ApplyMax, "apply-max", 0, "most time that applying takes")
	flags.Float64Var(&o.FailRatio, "fail", 0, "share of configurations that fail to apply, 0 to 1")
	flags.Float64Var(&o.IgnoreRatio, "ignore", 0, "share of devices that never download, 0 to 1")
	flags.Uint64Var(&o.Seed, "seed", 1, "of chance")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		styles, ok := simStyles[style]
		if !ok {
			return cota.Errorf(cota.Invalid, "--style %q: use cota, linksdk4, node, go or mixed", style)
		}
		if n < 1 || n > 1_000_000 {
			return cota.Errorf(cota.Invalid, "--devices must be from 1 to 1000000")
		}
		o.Server, o.Styles = server, styles
		return c.with(cmd, func(ctx context.Context, cl *client.Client, product string) error {
			devices, err := simDevices(ctx, cl, product, prefix, file, n)
			if err != nil {
				return err
			}
			o.ProductKey, o.Devices = product, devices
			return runSim(cmd, o)
		})
	}
	return cmd
}

// simDevices are n devices of the product, added if need be.
func simDevices(ctx context.Context, cl *client.Client, product, prefix, file string, n int) ([]sim.Credentials, error) {
	if file == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no place for credentials; give --credentials FILE: %w", err)
		}
		file = filepath.Join(cache, "cota", fmt.Sprintf("%s-%s.json", product, prefix))
	}
	crew, err := loadCrowd(file)
	if err != nil {
		return nil, err
	}
	crew.Product = product
	missing, err := crew.missing(ctx, cl)
	if err != nil {
		return nil, err
	}
	if missing {
		crew.Devices = nil
	}
	if len(crew.Devices) < n {
		if err := crew.grow(ctx, cl, prefix, n); err != nil {
			return nil, err
		}
		if err := crew.save(file); err != nil {
			return nil, err
		}
	}
	return crew.Devices[:n], nil
}

// runSim runs the crowd and says every few seconds how it is doing.
func runSim(cmd *cobra.Command, o sim.Options) error {
	const every = 5 * time.Second
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	s := sim.Run(ctx, o)
	defer s.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	all := len(o.Devices)
	if err := s.WaitUntil(ctx, func(st sim.Stats) bool { return st.Connected == all || st.Refused > 0 }); err == nil {
		printStats(out, s.Stats())
	}
	for {
		select {
		case <-ctx.Done():
			printStats(out, s.Stats())
			return nil
		case <-tick.C:
			printStats(out, s.Stats())
		}
	}
}
