// Package register answers devices that ask over HTTPS for what they sign in
// with.
//
// A registration gives a device its DeviceSecret for the ProductSecret; a
// pre-authentication gives it an iotId and an iotToken for the DeviceSecret.
// Both are answered as SDKs in the field can read it: compact JSON of less
// than 256 and 300 bytes, and few headers.
package register

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
)

// Options are what a Handler is made of. Control, Log and Client are required.
type Options struct {
	Control *control.Control
	Log     *slog.Logger
	// Client says where a request comes from, and whether whoever sent it
	// speaks TLS, with this server or with a proxy that is trusted.
	Client func(*http.Request) (from netip.Addr, overTLS bool)
	// AllowPlain answers requests without TLS as well, secrets and all.
	AllowPlain bool
	// MQTTHost and MQTTPort are where a device that has pre-authenticated is to
	// connect; "" is the host by which it asked.
	MQTTHost string
	MQTTPort uint16
	// RefusalsPerAddress and RefusalsPerDevice bound how many requests a minute
	// are refused before others are put off without a look at the database (see
	// limit.Refusals); 0: no bound.
	RefusalsPerAddress, RefusalsPerDevice int
}

// Handler serves the paths that Owns names.
type Handler struct {
	Options
	refusals *limit.Refusals
}

// New makes a Handler.
func New(o Options) *Handler {
	return &Handler{Options: o, refusals: limit.NewRefusals(o.RefusalsPerAddress, o.RefusalsPerDevice)}
}

// Owns reports whether a path of the file door is for a Handler.
func Owns(path string) bool { return strings.HasPrefix(path, "/auth/") }

// request is one that a device has sent.
type request struct {
	from   netip.Addr
	tls    bool
	host   string // by which it came to us
	form   []byte
	device string // whose it is, once that is known
}

// answers is what a request is answered with, unless it is refused: by the
// path it is sent to.
var answers = map[string]func(*Handler, context.Context, *request) ([]byte, error){
	"/auth/register/device": (*Handler).register,
	"/auth/devicename":      (*Handler).preAuth,
}

var (
	errNoPath   = &refusal{status: http.StatusNotFound, code: alink.CodeRequestFailed, why: "no such path"}
	errMethod   = &refusal{status: http.StatusMethodNotAllowed, code: alink.CodeRequestFailed, why: "not a POST"}
	errPlain    = &refusal{status: http.StatusForbidden, code: alink.CodeBadParameters, why: "not over TLS"}
	errTooLarge = &refusal{status: http.StatusRequestEntityTooLarge, code: alink.CodeBadParameters, why: "form too large"}
	errBroken   = &refusal{status: http.StatusBadRequest, code: alink.CodeBadParameters, why: "form did not arrive whole"}
	errHost     = &refusal{status: http.StatusBadRequest, code: alink.CodeBadParameters, why: "no host to connect to"}
)

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := &request{host: r.Host}
	in.from, in.tls = h.Client(r)
	text, err := h.answer(w, r, in)
	if err != nil {
		h.refuse(w, r, in, err)
		return
	}
	h.refusals.Accepted(in.from, in.device)
	requests.WithLabelValues("accepted").Inc()
	write(w, http.StatusOK, text)
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, in *request) ([]byte, error) {
	answer := answers[r.URL.Path]
	switch {
	case answer == nil:
		return nil, errNoPath
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, errMethod
	case !in.tls && !h.AllowPlain:
		return nil, errPlain
	}
	var err error
	in.form, err = io.ReadAll(http.MaxBytesReader(w, r.Body, alink.MaxForm))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, errBroken
	}
	return answer(h, r.Context(), in)
}

// register gives a device its secret ("HTTPS-based dynamic registration").
func (h *Handler) register(ctx context.Context, in *request) ([]byte, error) {
	r, err := alink.ParseRegistration(in.form)
	if err != nil {
		return nil, err
	}
	if err := h.mayAsk(in, r.ProductKey, r.DeviceName); err != nil {
		return nil, err
	}
	secret, err := h.Control.Register(ctx, control.Registration{
		Product: r.ProductKey, Name: r.DeviceName, Verify: r.Verify, From: "https, " + in.from.String(),
	})
	if err != nil {
		return nil, refusedAs(err, registrationCodes)
	}
	h.Log.Info("device registered", "product", r.ProductKey, "device", r.DeviceName, "addr", in.from)
	return alink.AppendRegistered(nil, r.ProductKey, r.DeviceName, secret), nil
}

// preAuth gives a device what it signs in with by MQTT, and says where.
func (h *Handler) preAuth(ctx context.Context, in *request) ([]byte, error) {
	p, err := alink.ParsePreAuth(in.form)
	if err != nil {
		return nil, err
	}
	if err := h.mayAsk(in, p.ProductKey, p.DeviceName); err != nil {
		return nil, err
	}
	host := h.MQTTHost
	if host == "" {
		host = hostname(in.host)
	}
	if host == "" {
		return nil, errHost
	}
	id, token, err := h.Control.PreAuth(ctx, p.ProductKey, p.DeviceName, p.Verify)
	if err != nil {
		return nil, refusedAs(err, preAuthCodes)
	}
	return alink.AppendPreAuthorized(nil, id, token, host, h.MQTTPort), nil
}

// MaxHost is the longest host that C SDK 3 has room for.
const MaxHost = 63

// hostname is the host of a Host header without its port; "" for none that a
// device could connect to.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if len(host) > MaxHost || strings.Trim(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:") != "" {
		return ""
	}
	return host
}

// write answers. Every header costs a small device memory.
func write(w http.ResponseWriter, status int, text []byte) {
	w.Header()["Date"] = nil
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text) // an error says that nobody listens any more
}
