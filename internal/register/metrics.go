package register

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var requests = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_registration_requests_total", Help: "Registrations and pre-authentications over HTTPS, by their outcome.",
}, []string{"outcome"})

var putOffs = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "cota_registration_requests_put_off_total", Help: "Registrations and pre-authentications over HTTPS that were put off without a look, by what was used up: the refusals of their address, or of the device there.",
}, []string{"bound"})
