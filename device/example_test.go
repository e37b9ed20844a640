package device_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/cotahq/cota/device"
)

// A program that keeps a configuration file up to date.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d, err := device.Dial(ctx, device.Options{
		Server:       "tcp://cota.example.com:1883",
		ProductKey:   "a1b2c3d4e5f",
		DeviceName:   "meter-1",
		DeviceSecret: os.Getenv("DEVICE_SECRET"),
	})
	if errors.Is(err, device.ErrRefused) {
		log.Fatalf("the server does not let this device in: %v", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	err = d.Serve(ctx, func(_ context.Context, c device.Config) error {
		if err := os.WriteFile("config.json", c.Content, 0o600); err != nil {
			return &device.Failure{Code: 100001, Err: err}
		}
		fmt.Println("now in force:", c.ConfigID)
		return nil
	})
	log.Print(err)
}
