package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cotahq/cota/device"
)

// agent is a device that keeps its configuration in a file.
type agent struct {
	file    string
	command string
	timeout time.Duration
	out     io.Writer
}

func (c *cli) newAgent() *cobra.Command {
	var a agent
	var e enrolment
	o := device.Options{}
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Be a device: keep this machine's configuration in a file",
		Long: "Be a device of a product: keep its configuration in a file that is replaced at once, and run a command\n" +
			"whenever it has changed. If the command fails, the file before is put back and the server told so.\n" +
			"The device's secret comes from COTA_DEVICE_SECRET, or from --secret-file. With --register a device that has\n" +
			"none yet gets one for COTA_PRODUCT_SECRET, the secret of its product, and keeps it in --secret-file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			if o.DeviceSecret, err = e.secret(cmd.Context(), o); err != nil {
				return err
			}
			a.out = cmd.OutOrStdout()
			return a.run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Server, "server", "mqtt://127.0.0.1:1883", "MQTT door: mqtt://host:port or mqtts://host:port")
	flags.StringVar(&o.ProductKey, "product-key", "", "ProductKey of the device")
	flags.StringVar(&o.DeviceName, "device-name", "", "DeviceName of the device")
	flags.BoolVar(&o.Inline, "inline", false, "have small configurations sent in messages, without a download")
	flags.StringVar(&a.file, "file", "config.json", "where to keep the configuration")
	flags.StringVar(&a.command, "exec", "", "shell command to run when it has changed")
	flags.DurationVar(&a.timeout, "exec-timeout", time.Minute, "how long the command may take")
	flags.StringVar(&e.file, "secret-file", "", "where the device's secret is kept")
	flags.StringVar(&e.server, "register", "", "file door to register at, such as https://files.example.com, when there is no secret yet")
	for _, name := range []string{"product-key", "device-name"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is ours
		}
	}
	return cmd
}

// run asks once, so that a device that was never pushed to has what is
// current, and then serves pushes until ctx ends.
func (a *agent) run(ctx context.Context, o device.Options) error {
	d, err := device.Dial(ctx, o)
	if err != nil {
		return err
	}
	defer d.Close()
	conf, err := d.Config(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		o.Log.Info("no configuration yet", "why", err)
	case err == nil:
		if err := d.Report(ctx, conf, a.apply(ctx, conf)); err != nil && ctx.Err() == nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	if err := d.Serve(ctx, a.apply); ctx.Err() == nil {
		return err
	}
	return nil
}

// apply replaces the file and runs the command. Text that is in the file
// already needs nothing.
func (a *agent) apply(ctx context.Context, conf device.Config) error {
	before, err := os.ReadFile(a.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh := err != nil
	if !fresh && bytes.Equal(before, conf.Content) {
		return nil
	}
	if err := replaceFile(a.file, conf.Content); err != nil {
		return err
	}
	if err := a.exec(ctx); err != nil {
		if fresh {
			return errors.Join(err, os.Remove(a.file))
		}
		return errors.Join(&device.Reverted{Err: err}, replaceFile(a.file, before))
	}
	fmt.Fprintf(a.out, "applied configuration %s\n", conf.ConfigID)
	return nil
}

func (a *agent) exec(ctx context.Context) error {
	if a.command == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", a.command)
	cmd.Env = append(os.Environ(), "COTA_CONFIG_FILE="+a.file, "COTA_DEVICE_SECRET=", "COTA_PRODUCT_SECRET=")
	cmd.Stdout, cmd.Stderr = a.out, a.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

// replaceFile writes a file so that a reader, or a crash, sees either the old
// text or the new.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
