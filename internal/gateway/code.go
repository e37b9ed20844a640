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

func alinkCode(err error) alink.Code {
	if code, ok := alinkCodes[cota.CodeOf(err)]; ok {
		return code
	}
	return alink.CodeServerError
}
