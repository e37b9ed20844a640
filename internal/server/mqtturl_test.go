package server

import (
	"net"
	"strings"
	"testing"

	"github.com/cotahq/cota/internal/pipenet"
)

func TestFindMQTT(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := uint16(ln.Addr().(*net.TCPAddr).Port)
	for _, tt := range []struct {
		url      string
		door     net.Listener
		wantHost string
		wantPort uint16
	}{
		{"", ln, "", port},
		{"", pipenet.New("mqtt"), "", 1883},
		{"mqtt://mqtt.example.com", ln, "mqtt.example.com", 1883},
		{"mqtts://mqtt.example.com:8883", ln, "mqtt.example.com", 8883},
	} {
		s := &Server{options: Options{MQTTURL: tt.url, MQTT: []net.Listener{tt.door}}}
		if err := s.findMQTT(); err != nil || s.mqttHost != tt.wantHost || s.mqttPort != tt.wantPort {
			t.Errorf("findMQTT of %q = %q, %d, %v; want %q, %d", tt.url, s.mqttHost, s.mqttPort, err, tt.wantHost, tt.wantPort)
		}
	}
	for _, url := range []string{
		"mqtt.example.com", "tcp://mqtt.example.com", "mqtt://", "mqtt://:1883", "mqtt://h/path", "mqtt://u:p@h", "mqtt://h?x", "mqtt://h:99999", "mqtt://%",
		"mqtt://" + strings.Repeat("h", 64),
	} {
		s := &Server{options: Options{MQTTURL: url, MQTT: []net.Listener{ln}}}
		if err := s.findMQTT(); err == nil {
			t.Errorf("findMQTT of %q = %q, %d; want an error", url, s.mqttHost, s.mqttPort)
		}
	}
}
