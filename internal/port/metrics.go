package port

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	opened = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "cota_port_opened_total", Help: "Connections of devices that began to speak MQTT, by transport: tcp, tls, ws or wss.",
	}, []string{"transport"})
	openedPlain = opened.WithLabelValues(plainTCP)
	dropped     = promauto.NewCounter(prometheus.CounterOpts{
		Name: "cota_port_dropped_total", Help: "Connections that ended before they spoke MQTT.",
	})
)
