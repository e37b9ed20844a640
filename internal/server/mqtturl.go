package server

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/cotahq/cota/internal/register"
)

// mqttPort is where devices look for MQTT unless they are told otherwise.
const mqttPort = 1883

// findMQTT finds out where devices are to be told that the MQTT door is.
func (s *Server) findMQTT() error {
	s.mqttPort = mqttPort
	if s.options.MQTTURL == "" {
		if len(s.options.MQTT) == 0 {
			return nil // Open is going to say why
		}
		if _, port, err := net.SplitHostPort(s.options.MQTT[0].Addr().String()); err == nil {
			return s.setMQTTPort(port)
		}
		return nil // not of TCP, in a test
	}
	u, err := url.Parse(s.options.MQTTURL)
	if err != nil || u.Scheme != "mqtt" && u.Scheme != "mqtts" || u.Hostname() == "" || u.Path != "" || u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("mqtt-url %q must be mqtt://host or mqtt://host:port", s.options.MQTTURL)
	}
	if len(u.Hostname()) > register.MaxHost {
		return fmt.Errorf("mqtt-url is too long: devices have room for a host of %d characters", register.MaxHost)
	}
	s.mqttHost = u.Hostname()
	if u.Port() == "" {
		return nil
	}
	return s.setMQTTPort(u.Port())
}

func (s *Server) setMQTTPort(text string) error {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q of the MQTT door is none", text)
	}
	s.mqttPort = uint16(port)
	return nil
}
