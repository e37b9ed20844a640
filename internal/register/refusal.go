package register

import (
	"errors"
	"net/http"

	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
	"github.com/cotahq/cota/internal/control"
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
