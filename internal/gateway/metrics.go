package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	openConnections = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "cota_gateway_connections", Help: "Connections of devices that are open.",
	})
	signIns = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_gateway_sign_ins_total", Help: "Sign-ins of devices, by their outcome.",
	}, []string{"outcome"})
	pushesSent = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_gateway_offers_total", Help: "Push messages sent to devices.",
	})
	foreignTopics = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_gateway_foreign_topics_total", Help: "Messages and subscriptions dropped for naming another device's topic.",
	})
	connectionsCut = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_gateway_cut_total", Help: "Connections that were closed because the device broke the protocol.",
	})
)
