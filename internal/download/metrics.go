package download

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var putOff = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_downloads_put_off_total", Help: "Requests that are not served by clients that were refused too often, by what was used up: the refusals of their address, or of the device there.",
}, []string{"bound"})

var downloads = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_downloads_total", Help: "Requests for configuration files, by their outcome.",
}, []string{"outcome"})
