package register

import (
	"errors"
	"net/http"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
	"github.com/cotahq/cota/internal/limit"
)

// refusal is a request that is not granted. One that was understood is
// answered 200, as the vendor does: SDKs look for the code in the body.
type refusal struct {
	status int
	code   alink.Code
	why    string // for the log
}

func (r *refusal) Error() string { return r.why }

// refusalOf is how err is said to a device.
func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if e, ok := errors.AsType[*alink.Error](err); ok {
		return &refusal{http.StatusOK, e.Code, e.Reason}
	}
	return &refusal{http.StatusInternalServerError, alink.CodeServerError, err.Error()}
}

// putOff is a request that is not looked at, by the bound that is used up.
type putOff limit.Bound

func (p putOff) Error() string { return "too many refusals of the " + string(p) }

// mayAsk notes whose a request is, and puts it off before it costs a look at
// the database if that device was refused too often.
func (h *Handler) mayAsk(in *request, product, name string) error {
	in.device = name + "&" + product // as in a login's user name
	if b := h.refusals.PutOff(in.from, in.device); b != limit.None {
		return putOff(b)
	}
	return nil
}

// refuse answers a request that is not granted, and counts it, unless the
// fault is ours. What cannot be understood, and so is nobody's, is put off by
// its address alone.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, in *request, err error) {
	if b := h.refusals.PutOff(in.from, nobody); in.device == nobody && b != limit.None {
		err = putOff(b)
	}
	if b, ok := errors.AsType[putOff](err); ok {
		putOffs.WithLabelValues(string(b)).Inc()
		w.Header().Set("Connection", "close")
		write(w, http.StatusTooManyRequests, alink.AppendRefused(nil, alink.CodeTooManyRequests))
		return
	}
	f := refusalOf(err)
	if f.code == alink.CodeServerError {
		requests.WithLabelValues("failed").Inc()
		h.Log.Error("registration failed", "addr", in.from, "err", err)
	} else {
		h.refusals.Refused(in.from, in.device)
		requests.WithLabelValues("refused").Inc()
		h.Log.Info("registration refused", "path", r.URL.Path, "addr", in.from, "code", int(f.code), "why", f.why)
	}
	write(w, f.status, alink.AppendRefused(nil, f.code))
}

// nobody is whose a request is that does not say.
const nobody = ""

// codes is how refusals of control are said: by themselves or else by what
// they are about.
type codes struct {
	of map[error]alink.Code
	by map[cota.Code]alink.Code
}

// registrationCodes are those of "Unique-certificate-per-product
// verification". A name that is not listed is no device: 6402, which one list
// of the documents has, is about topologies.
var registrationCodes = codes{
	of: map[error]alink.Code{
		control.ErrProductUnknown:  alink.CodeProductNotFound,
		control.ErrNotListed:       alink.CodeDeviceNotFound,
		control.ErrRegistrationOff: alink.CodeRegistrationOff,
		control.ErrActivated:       alink.CodeAlreadyActive,
	},
	by: map[cota.Code]alink.Code{
		cota.Unauthenticated: alink.CodeRegistrationWrong,
		cota.Disabled:        alink.CodeDeviceDisabled,
	},
}

// preAuthCodes are those of "Establish MQTT connections over TCP".
var preAuthCodes = codes{
	by: map[cota.Code]alink.Code{
		cota.Unauthenticated: alink.CodeBadAuth,
		cota.NotFound:        alink.CodeUnknownDevice,
		cota.Disabled:        alink.CodeDeviceDisabled,
	},
}

func refusedAs(err error, c codes) error {
	code, ok := c.of[err]
	if !ok {
		code, ok = c.by[cota.CodeOf(err)]
	}
	if !ok {
		return err
	}
	return &refusal{http.StatusOK, code, err.Error()}
}
