package main

import (
	"context"
	"errors"
	"os"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/device"
)

// enrolment is where an agent has its secret from. Secrets come from the
// environment or from files: other users of the machine see flags.
type enrolment struct {
	file   string // keeps the secret; "": only the environment has it
	server string // where to register, "": nowhere
}

// secret is the secret of a device, which registers if it has none.
func (e enrolment) secret(ctx context.Context, o device.Options) (string, error) {
	if secret := os.Getenv("COTA_DEVICE_SECRET"); secret != "" {
		return secret, nil
	}
	if e.file == "" {
		return "", cota.Errorf(cota.Invalid, "COTA_DEVICE_SECRET is not set, and there is no --secret-file")
	}
	secret, err := readSecret(nil, e.file)
	if !errors.Is(err, os.ErrNotExist) || e.server == "" {
		return secret, err
	}
	return e.register(ctx, o)
}

func (e enrolment) register(ctx context.Context, o device.Options) (string, error) {
	productSecret := os.Getenv("COTA_PRODUCT_SECRET")
	if productSecret == "" {
		return "", cota.Errorf(cota.Invalid, "COTA_PRODUCT_SECRET is not set; a device without a secret registers with it")
	}
	// The file first: a secret that cannot be kept is lost, and the device with
	// it once it has signed in.
	f, err := os.OpenFile(e.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	secret, err := device.Register(ctx, device.RegisterOptions{
		Server: e.server, ProductKey: o.ProductKey, DeviceName: o.DeviceName, ProductSecret: productSecret,
	})
	if err == nil {
		_, err = f.WriteString(secret + "\n")
		err = errors.Join(err, f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(e.file))
	}
	o.Log.Info("registered", "product", o.ProductKey, "device", o.DeviceName)
	return secret, nil
}
