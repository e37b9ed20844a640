package gateway

import (
	"github.com/cotahq/cota"
	"github.com/cotahq/cota/alink"
)

// alinkCodes is how refusals are said to a device.
var alinkCodes = map[cota.Code]alink.Code{
	cota.Disabled:    alink.CodeConfigOff,
	cota.NoConfig:    alink.CodeNoData,
	cota.Invalid:     alink.CodeBadParameters,
	cota.NotFound:    alink.CodeProductNotFound,
	cota.RateLimited: alink.CodeTooManyRequests,
}

// subdeviceCodes are how refusals of a sub-device are said to its gateway.
var subdeviceCodes = map[cota.Code]alink.Code{
	cota.NotFound:        alink.CodeDeviceNotFound,
	cota.Unauthenticated: alink.CodeInvalidSign,
	cota.Disabled:        alink.CodeDeviceDisabled,
	cota.Forbidden:       alink.CodeNoTopology,
	cota.Invalid:         alink.CodeTopologySelf,
	cota.TooLarge:        alink.CodeTopologyFull,
	cota.RateLimited:     alink.CodeTooManyRequests,
}

// expelledCodes are how a gateway is told why a sub-device may not stay; with
// no refusal, that it is connected elsewhere.
var expelledCodes = map[cota.Code]alink.Code{
	"":             alink.CodeConnectedElsewhere,
	cota.NotFound:  alink.CodeDeviceDeleted,
	cota.Disabled:  alink.CodeDeviceForbidden,
	cota.Forbidden: alink.CodeNoTopology,
}

// codeIn is the code for err in a table, a server error if there is none.
func codeIn(table map[cota.Code]alink.Code, err error) alink.Code {
	if code, ok := table[cota.CodeOf(err)]; ok {
		return code
	}
	return alink.CodeServerError
}

func alinkCode(err error) alink.Code { return codeIn(alinkCodes, err) }
