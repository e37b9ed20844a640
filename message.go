package cota

import "time"

// Message is one that was exchanged with a device over MQTT.
type Message struct {
	At        time.Time `json:"at"`
	Direction Direction `json:"direction"`
	Topic     string    `json:"topic"`
	QoS       int       `json:"qos"`
	Payload   string    `json:"payload"`   // what is not UTF-8 is replaced, and the tokens of links are left out
	Truncated bool      `json:"truncated"` // the payload was longer
}

// Direction is the way that a message took.
type Direction string

// Both there are.
const (
	Up   Direction = "up"   // from the device
	Down Direction = "down" // to the device
)
