package device

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cotahq/cota/alink"
)

// RegisterOptions say which device registers where. All but HTTPClient are
// required.
type RegisterOptions struct {
	// Server is the file door, such as https://files.example.com.
	Server        string
	ProductKey    string
	DeviceName    string
	ProductSecret string
	// HTTPClient makes the request; nil: one with the system's roots.
	HTTPClient *http.Client
}

const (
	registerTimeout = 30 * time.Second
	maxRegistered   = 4 << 10 // bytes of an answer
)

// Register gets a device its DeviceSecret, once, for the secret of its product
// ("HTTPS-based dynamic registration"). The device keeps it: it may register
// again only until it first signs in, and each time the secret before is
// void. A refusal is an *alink.Error with the server's code.
func Register(ctx context.Context, o RegisterOptions) (deviceSecret string, err error) {
	form, err := alink.SignRegistration(o.ProductKey, o.DeviceName, o.ProductSecret, rand.Text())
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(o.Server, "/")+"/auth/register/device", strings.NewReader(form))
	if err != nil {
		return "", fmt.Errorf("server %q is not of the form https://host", o.Server)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := cmp.Or(o.HTTPClient, http.DefaultClient).Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if err != nil {
		return "", fmt.Errorf("register at %s: %w", o.Server, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRegistered))
	if err != nil {
		return "", fmt.Errorf("register at %s: %w", o.Server, err)
	}
	secret, err := alink.DecodeRegistered(text)
	if err != nil && answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("register at %s: status %s: %w", o.Server, answer.Status, err)
	}
	return secret, err
}
