package register

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var requests = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_registration_requests_total", Help: "Registrations and pre-authentications over HTTPS, by their outcome.",
}, []string{"outcome"})
