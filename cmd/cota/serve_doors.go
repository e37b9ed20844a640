package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/pflag"

	"github.com/cotahq/cota/internal/server"
)

// doorFlags adds the flags that say where the doors are, and how they speak
// TLS.
func (f *serveFlags) doorFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.http, "http", "127.0.0.1:8080", "address of the management door")
	flags.StringSliceVar(&f.AdminHosts, "admin-host", nil, "names by which the management door may be asked without TLS, such as cota.internal, beside addresses and localhost (doc/operate.md)")
	flags.BoolVar(&f.TLS.Management, "http-tls", false, "have the management door speak TLS")
	flags.DurationVar(&f.HSTS, "hsts", 365*24*time.Hour, "with --http-tls: how long browsers are to ask this host by TLS only, on every port; 0 does not tell them")
	flags.StringSliceVar(&f.mqtt, "mqtt", []string{":1883"}, "addresses of the MQTT door, each for TCP, TLS and WebSocket")
	flags.StringVar(&f.files, "files", ":8082", "address of the file door")
	flags.StringVar(&f.filesTLS, "files-tls", "", "address of the file door over TLS, in production :443")
	flags.StringVar(&f.FilesURL, "files-url", "", "where devices find the file door; in production without a port (default http://localhost and the port of --files)")
	flags.StringVar(&f.MQTTURL, "mqtt-url", "", "where devices find the MQTT door, as pre-authentication tells them: mqtt://host:port (default the host by which they asked, and the port of the first --mqtt)")
	flags.BoolVar(&f.RegisterPlain, "register-plain", false, "let devices register without TLS; for laboratories: their secrets can be read on the way")
	flags.StringSliceVar(&f.TLS.Certs, "tls-cert", nil, "certificate files (PEM), read again when they change; the first is for clients that name no server")
	flags.StringSliceVar(&f.TLS.Keys, "tls-key", nil, "the key file of each --tls-cert")
	flags.BoolVar(&f.TLS.Legacy, "tls-legacy", false, "let devices use RSA key exchange and AES-CBC, as the C SDKs must: what is recorded can be read by whoever gets the key (doc/tls.md)")
	flags.StringSliceVar(&f.balancers, "proxy-protocol", nil, "networks of load balancers, whose connections to the MQTT door must begin with a PROXY protocol header (version 2)")
	flags.StringSliceVar(&f.fileBalancers, "files-proxy-protocol", nil, "the same for the file door")
}

// openDoors listens on every address of the flags.
func openDoors(o *server.Options, f serveFlags) (err error) {
	if f.demo && f.TLS.Management {
		return errors.New("--demo does not go with --http-tls")
	}
	if o.LoadBalancers, err = parseNetworks("--proxy-protocol", f.balancers); err != nil {
		return err
	}
	if o.FileLoadBalancers, err = parseNetworks("--files-proxy-protocol", f.fileBalancers); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			closeDoors(o)
		}
	}()
	if o.HTTP, err = openDoor("http", f.http); err != nil {
		return err
	}
	if o.Files, err = openDoor("files", f.files); err != nil {
		return err
	}
	if f.filesTLS != "" {
		if o.FilesTLS, err = openDoor("files-tls", f.filesTLS); err != nil {
			return err
		}
	}
	if len(f.mqtt) == 0 {
		return errors.New("--mqtt needs an address")
	}
	for _, addr := range f.mqtt {
		ln, err := openDoor("mqtt", addr)
		if err != nil {
			return err
		}
		o.MQTT = append(o.MQTT, ln)
	}
	return nil
}

func openDoor(name, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open the %s door: %w", name, err)
	}
	return ln, nil
}

func closeDoors(o *server.Options) {
	for _, ln := range append(o.MQTT, o.HTTP, o.Files, o.FilesTLS) {
		if ln != nil {
			ln.Close()
		}
	}
}

// printDoors says where the doors are.
func printDoors(out io.Writer, s *server.Server, o server.Options) {
	management := "http"
	if o.TLS.Management {
		management = "https"
	}
	fmt.Fprintf(out, "management    %s://%s  (console; API at /api/v1, documentation at /docs)\n", management, o.HTTP.Addr())
	for _, ln := range o.MQTT {
		fmt.Fprintf(out, "devices       mqtt://%s%s\n", ln.Addr(), withTLS(o))
	}
	fmt.Fprintf(out, "files         %s\n", s.FilesURL)
	if o.FilesTLS != nil {
		fmt.Fprintf(out, "files         https://%s\n", o.FilesTLS.Addr())
	}
}

func withTLS(o server.Options) string {
	switch {
	case len(o.TLS.Certs) == 0:
		return ""
	case o.TLS.Legacy:
		return "  (and TLS, with what the C SDKs need)"
	}
	return "  (and TLS)"
}
