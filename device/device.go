// Package device is the device SDK: it connects a device to a cota server, and
// asks for, receives, downloads, verifies and reports configurations.
//
// A device keeps one MQTT connection, which comes back by itself when it is
// lost. Configurations come in two ways: the device asks (Config), or the
// server pushes (Serve).
package device

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotahq/cota/alink"
)

// ErrClosed is what calls on a closed Device return.
var ErrClosed = errors.New("device is closed")

// Options say which device signs in where. Server, ProductKey, DeviceName and
// DeviceSecret are required.
type Options struct {
	// Server is "tcp://host:1883" (or mqtt://), or for TLS "tls://host:8883"
	// (or mqtts://, ssl://).
	Server       string
	ProductKey   string
	DeviceName   string
	DeviceSecret string

	// TLSConfig is for the connection, and its roots and certificates are for
	// downloads too. Nil: the system's roots.
	TLSConfig *tls.Config
	// HTTPClient downloads; nil: one that keeps no connection open. It must
	// not have a Timeout shorter than downloads may take.
	HTTPClient *http.Client
	// Dial makes the connection to Server, below TLS; nil: TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Log hears of connections and configurations; nil: nobody does.
	Log *slog.Logger

	// Inline has small configurations come in messages of the connection itself,
	// if the server is one of cota's, instead of by a download. They are verified
	// just as well.
	Inline bool
	// KeepAlive is how often an idle connection is heard of: 30 s to 20 min,
	// which is what servers accept. 0: two minutes.
	KeepAlive time.Duration
	// MaxSize bounds a configuration, in bytes; a larger one is reported as
	// failed. 0: 1 MiB.
	MaxSize int64
	// DownloadTimeout bounds one attempt to download. 0: one minute.
	DownloadTimeout time.Duration
	// MaxBackoff bounds the pauses between attempts to connect, and to
	// download. 0: one minute.
	MaxBackoff time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.HTTPClient == nil {
		o.HTTPClient = httpClient(o.TLSConfig)
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 2 * time.Minute
	}
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 20
	}
	if o.DownloadTimeout == 0 {
		o.DownloadTimeout = time.Minute
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = time.Minute
	}
	return o
}

// httpClient makes the client for downloads. They are rare, so no connection
// is kept.
func httpClient(c *tls.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	if c != nil {
		t.TLSClientConfig = c.Clone()
		t.TLSClientConfig.ServerName = "" // the MQTT server's; files may be elsewhere
	}
	return &http.Client{Transport: t}
}

// Device is a device that is signed in. Its methods may be called by many
// goroutines.
type Device struct {
	o    Options
	log  *slog.Logger
	link *link

	ids     atomic.Uint32 // of messages
	serving atomic.Bool   // Serve runs
	newest  newest        // what the server pushed
	replies chan []byte   // push replies to be sent; what does not fit is not said

	mu      sync.Mutex
	asked   map[string]chan<- answer // gets under way, by message id; guarded by mu
	applied string                   // ConfigID of what is in force, if it was applied here; guarded by mu
}

// maxReplies bounds the replies that wait. The server has MQTT's own
// acknowledgement, too, that a push was received.
const maxReplies = 16

// Dial signs a device in. It tries once: a server that refuses is an
// *Refusal, everything else an error of the options or of the network. Once
// signed in, the device reconnects by itself until it is closed. ctx is for
// Dial only.
func Dial(ctx context.Context, o Options) (*Device, error) {
	d := &Device{
		o:       o.withDefaults(),
		newest:  newest{more: make(chan struct{}, 1)},
		replies: make(chan []byte, maxReplies),
		asked:   make(map[string]chan<- answer),
	}
	d.log = d.o.Log.With("product", o.ProductKey, "device", o.DeviceName)
	l, err := newLink(d.o, d.log, d.receive)
	if err != nil {
		return nil, err
	}
	d.link = l
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	l.done.Go(d.reply)
	return d, nil
}

// Close signs the device out. Serve and all that waits return ErrClosed.
func (d *Device) Close() error {
	d.link.close()
	return nil
}

// receive takes a message from the server. It must not block.
func (d *Device) receive(kind alink.Kind, payload []byte) {
	switch kind {
	case alink.ConfigPush:
		d.pushed(payload)
	case alink.ConfigGetReply:
		d.answered(payload)
	}
}

// messageID is a message id that this process has not used.
func (d *Device) messageID() string { return fmt.Sprint(d.ids.Add(1)) }
