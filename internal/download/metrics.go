package download

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var downloads = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_downloads_total", Help: "Requests for configuration files, by their outcome.",
}, []string{"outcome"})
