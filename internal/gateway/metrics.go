package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	openConnections = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "cota_gateway_connections", Help: "Connections of devices that are open.",
	})
	subdevices = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "cota_gateway_subdevices", Help: "Devices that are connected through a gateway.",
	})
	signIns = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_gateway_sign_ins_total", Help: "Sign-ins of devices, by their outcome.",
	}, []string{"outcome"})
	putOff = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_gateway_put_off_total", Help: "Sign-ins of devices that were put off without a look, by what was used up: the refusals of their address or of themselves there, or their takeovers.",
	}, []string{"bound"})
	takeovers = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_gateway_takeovers_total", Help: "Connections of devices that the same device's next one ended.",
	})
	fightsSeen = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_gateway_fights_total", Help: "Times that two were seen to fight over one device, counted every ten minutes.",
	})
	registrations = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_gateway_registrations_total", Help: "Registrations of devices over MQTT, by their outcome.",
	}, []string{"outcome"})
	newcomersPutOff = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_gateway_newcomers_put_off_total", Help: "Registrations of devices that need not be listed which were put off, by whose bound was used up: that of the address or of the product.",
	}, []string{"bound"})
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
