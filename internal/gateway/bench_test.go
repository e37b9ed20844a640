package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/gateway"
	"github.com/cotahq/cota/internal/mqtt"
	"github.com/cotahq/cota/internal/pipenet"
	"github.com/cotahq/cota/internal/store/storetest"
)

// BenchmarkSignIn compares what a connection costs that is let in, refused, or
// put off: the later in this list, the cheaper it must be.
func BenchmarkSignIn(b *testing.B) {
	for _, bm := range []struct {
		name    string
		options gateway.Options
		spoil   func(c *mqtt.Connect)
		want    mqtt.Code
	}{
		{"accepted", gateway.Options{}, func(*mqtt.Connect) {}, mqtt.Success},
		{"wrong password", gateway.Options{}, func(c *mqtt.Connect) { c.Password[0] ^= 1 }, mqtt.BadUserNameOrPassword},
		{"unknown device", gateway.Options{}, func(c *mqtt.Connect) { c.Username = append([]byte("x"), c.Username...) }, mqtt.NotAuthorized},
		{"put off", gateway.Options{RefusalsPerDevice: 1}, func(c *mqtt.Connect) { c.Password[0] ^= 1 }, mqtt.ConnectionRateExceeded},
		{"malformed", gateway.Options{}, func(c *mqtt.Connect) { c.ClientID = []byte("x|signmethod=crc32|") }, mqtt.ClientIDNotValid},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ctx, log := b.Context(), slog.New(slog.DiscardHandler)
			ctl, err := control.New(ctx, control.Options{Store: storetest.SQLite(b), FilesURL: filesURL, Log: log})
			check(b, err)
			bm.options.Control, bm.options.Log = ctl, log
			g, door := gateway.New(bm.options), pipenet.New("mqtt")
			go g.Serve(door)
			b.Cleanup(func() {
				door.Close()
				check(b, g.Close(context.Background()))
			})
			p, _, err := ctl.AddProduct(ctx, control.System, cota.DefaultInstance, "meter")
			check(b, err)
			creds, err := ctl.AddNumberedDevices(ctx, control.System, p.Key, "dev-", 1)
			check(b, err)
			login, err := alink.Sign(p.Key, creds[0].Name, creds[0].Secret, alink.SignOptions{})
			check(b, err)
			c := mqtt.Connect{
				Version: mqtt.V5, CleanStart: true, KeepAlive: 60,
				ClientID: []byte(login.ClientID), Username: []byte(login.UserName), Password: []byte(login.Password),
			}
			bm.spoil(&c)
			connect, disconnect := c.Append(nil), mqtt.Disconnect{}.Append(nil, mqtt.V5)
			signIn(b, door, connect, disconnect) // the first may be looked at, and the second is put off
			b.ReportAllocs()
			for b.Loop() {
				if got := signIn(b, door, connect, disconnect); got != bm.want {
					b.Fatalf("CONNACK %v; want %v", got, bm.want)
				}
			}
		})
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// signIn is a whole connection, to its end.
func signIn(b *testing.B, door *pipenet.Listener, connect, disconnect []byte) mqtt.Code {
	nc, err := door.Dial(b.Context(), "", "")
	check(b, err)
	defer nc.Close()
	_, err = nc.Write(connect)
	check(b, err)
	var in [512]byte
	n, err := nc.Read(in[:])
	check(b, err)
	c, err := mqtt.DecodeConnack(in[:n], mqtt.V5)
	check(b, err)
	nc.Write(disconnect) // fails where the server has hung up
	io.Copy(io.Discard, nc)
	return c.Code
}
