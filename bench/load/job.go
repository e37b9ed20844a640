// Package load plays crowds of MQTT and HTTP clients for measurements.
//
// A crowd is one process with one thread and one epoll descriptor, so that it
// takes little of the machine that it shares with the server it measures. It
// does a Job at a time, and nothing between two jobs: what comes meanwhile
// waits in the kernel. Nothing is measured here but times; what a server
// spends is read from outside.
package load

import "time"

// Job is one thing for a crowd to do. Exactly one field is set.
type Job struct {
	Connect *Connect `json:",omitempty"`
	Expect  *Expect  `json:",omitempty"`
	Join    string   `json:",omitempty"` // subscribe to this topic too; MQTT
	Ask     *Ask     `json:",omitempty"`
	Fetch   *Fetch   `json:",omitempty"`
	Release bool     `json:",omitempty"` // acknowledge what Expect held back
	Close   bool     `json:",omitempty"` // end all connections
}

// Speech is what a crowd says when it has connected.
type Speech string

const (
	Raw  Speech = "raw"  // nothing: a message is Connect.Size bytes
	MQTT Speech = "mqtt" // CONNECT without credentials, SUBSCRIBE a topic of its own
	Cota Speech = "cota" // CONNECT signed by the device's secret, SUBSCRIBE its own topics
)

// Connect opens connections, each of which signs in and subscribes.
type Connect struct {
	Addr    string
	Speech  Speech
	TLS     bool // whatever the certificate
	Count   int
	Source  byte    // connections come from 127.0.Source.1 and on
	Rate    float64 // a second; 0: as fast as the server takes them
	Size    int     `json:",omitempty"` // Raw
	QoS     byte    `json:",omitempty"` // MQTT
	Devices string  `json:",omitempty"` // Cota: file of a Fleet
	Inline  bool    `json:",omitempty"` // Cota: the devices take small files in the push itself
}

// Fleet is a product and devices of it.
type Fleet struct {
	Product string
	Devices []Credentials
}

// Credentials sign a device in.
type Credentials struct{ Name, Secret string }

// Expect waits until every connection has received a message. It is answered
// twice: when the crowd listens (Report.Listening) and when it is done.
type Expect struct {
	Hold    bool // leave PUBACK to a later Release
	Keep    bool // keep the link that is offered, for a later Fetch
	Apply   bool // download what is offered on a new connection, check it, report it, and wait for PUBACK
	AtOnce  int  // downloads at a time; 0: 64
	Timeout time.Duration
}

// Ask has every connected device ask for its configuration, and waits for the
// answers.
type Ask struct{}

// Fetch downloads by HTTP.
type Fetch struct {
	// URLs is a file of URLs, one a line, all of one server. "": those that
	// the devices were offered last.
	URLs      string
	Count     int
	AtOnce    int
	KeepAlive bool
	Source    byte
}

// Report says what came of a job. Times are Unix nanoseconds.
type Report struct {
	Err       string `json:",omitempty"`
	Listening bool   `json:",omitempty"`

	Count  int
	Failed int   `json:",omitempty"`
	Inline int   `json:",omitempty"` // configurations that came in the push itself
	Stray  int   `json:",omitempty"` // messages that nobody waited for
	Bytes  int   `json:",omitempty"` // of a message or of a file
	QoS    int   `json:",omitempty"` // of the messages
	Began  int64 // when the first operation did
	Ended  int64

	At   Quantiles // Expect: when the devices had their message, or had applied it
	Took Quantiles // others: how long an operation took, in nanoseconds

	CPU time.Duration // what the crowd itself spent on the job
}

// Quantiles are of one value a device.
type Quantiles struct{ P50, P95, P99, Max int64 }
